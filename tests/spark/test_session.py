import pytest

from pomona.errors import SettingsError, SetupError
from pomona.settings import SparkSettings
from pomona.spark.session import check_java, check_master, start_spark


@pytest.mark.parametrize(
    "master",
    [
        "local",
        "local[*]",
        "local[2,4]",
        "local-cluster[2,1,2048]",
        "yarn",
        "k8s://https://x",
        "spark://h:7077",
    ],
)
def test_check_master_takes_what_spark_takes(master):
    check_master(master)


@pytest.mark.parametrize("master", ["", "locale", "local[x]", "http://x"])
def test_check_master_refuses_the_rest(master):
    with pytest.raises(SettingsError, match=f"Unknown master '{master}'".replace("[", r"\[")):
        check_master(master)


def test_check_java_says_how_to_get_it(monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(SetupError, match="Java was not found in .*apt-get install"):
        check_java()
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    java.chmod(0o755)
    with pytest.raises(SetupError, match="has version '11'"):
        check_java()


def test_start_spark_gives_failed_tasks_another_try(spark):
    assert spark.sparkContext.master == "local[2,4]"
    assert spark.sparkContext.getConf().get("spark.ui.enabled") == "false"


def test_start_spark_refuses_what_a_running_session_cannot_become(spark):
    with pytest.raises(SettingsError, match=r"running on 'local\[2,4\]' already, not on 'yarn'"):
        start_spark(SparkSettings(master="yarn"))
    memory = (("spark.executor.memory", "9g"),)
    with pytest.raises(SettingsError, match=r"'spark.executor.memory' cannot become '9g' any more"):
        start_spark(SparkSettings(conf=memory))


def test_start_spark_takes_over_a_session_that_fits(spark):
    before = spark.conf.get("spark.sql.shuffle.partitions")
    same = SparkSettings(master="local[2]", conf=(("spark.sql.shuffle.partitions", "3"),))
    try:
        assert start_spark(same) is spark
        assert spark.conf.get("spark.sql.shuffle.partitions") == "3"
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", before)
