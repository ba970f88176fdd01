import json
import logging

import pytest
from typer.testing import CliRunner

from pomona.cli.app import app


@pytest.fixture
def without_java(monkeypatch, tmp_path):
    """No Java, and a cache of its own."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def _invoke(*arguments, env=None):
    return CliRunner().invoke(app, ["doctor", *arguments], env=env)


def test_help_has_an_example():
    assert "Example: pomona doctor --fix" in _invoke("--help").output


def test_doctor_draws_one_table():
    result = _invoke(env={"COLUMNS": "100"})
    assert result.exit_code == 0
    lines = result.output.splitlines()
    assert any(line.startswith("Java") and " ok " in line for line in lines)


def test_doctor_is_exit_1_without_java_and_names_the_command(without_java):
    result = _invoke()
    assert result.exit_code == 1
    assert "pomona doctor --fix" in result.output


def test_doctor_json_is_the_same_without_secrets(without_java):
    secret = {"AWS_PROFILE": "orchard", "AWS_SECRET_ACCESS_KEY": "hush"}
    result = _invoke("--json", env=secret)
    assert result.exit_code == 1
    content = json.loads(result.stdout)
    assert content["ready"] is False
    checks = {check["name"]: check for check in content["checks"]}
    assert checks["Java"]["mend"] == "pomona doctor --fix"
    assert "AWS_PROFILE=orchard, AWS_SECRET_ACCESS_KEY" in checks["credentials AWS"]["found"]
    assert "hush" not in result.stdout


def test_fix_fetches_java_where_there_is_none(without_java, monkeypatch):
    asked = []
    monkeypatch.setattr("pomona.spark.java.fetch_java", asked.append)
    assert _invoke("--fix").exit_code == 1
    assert len(asked) == 1


def test_fix_leaves_a_java_that_fits_alone(monkeypatch):
    monkeypatch.setattr("pomona.spark.java.fetch_java", lambda say: pytest.fail("not needed"))
    assert _invoke("--fix").exit_code == 0


def test_verbose_lets_the_lines_of_java_through():
    from pomona.spark.jvm import is_verbose

    try:
        CliRunner().invoke(app, ["presets", "list"])
        assert not is_verbose()
        CliRunner().invoke(app, ["--verbose", "presets", "list"])
        assert is_verbose()
    finally:
        logging.getLogger("pomona.spark").setLevel(logging.NOTSET)
