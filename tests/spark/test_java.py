import functools
import http.server
import io
import json
import os
import tarfile
import threading

import cjdk
import pytest

from pomona.errors import SetupError
from pomona.spark import java as javas
from pomona.spark.java import check_java, fetch_java, find_java, java_cache, main, use_java

REAL = cjdk.java_home


def _answer(version):
    return f"#!/bin/sh\necho 'openjdk version \"{version}\"' >&2\n"


def _put_java(home, version):
    command = home / "bin" / "java"
    command.parent.mkdir(parents=True)
    command.write_text(_answer(version))
    command.chmod(0o755)
    return command


@pytest.fixture
def bare(monkeypatch, tmp_path):
    """A machine without Java: nothing on the PATH, no JAVA_HOME, an empty cache."""
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def index(monkeypatch, tmp_path):
    """A server with an index of one Java, asked by the real cjdk."""
    site = tmp_path / "site"
    site.mkdir()
    with tarfile.open(site / "java.tgz", "w:gz") as archive:
        content = _answer("17.0.13").encode()
        member = tarfile.TarInfo("jdk-17.0.13-jre/bin/java")
        member.size, member.mode = len(content), 0o755
        archive.addfile(member, io.BytesIO(content))
    handler = functools.partial(_Silent, directory=site)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        versions = {"1.17.0.13": f"tgz+{url}/java.tgz", "1.21.0.5": f"tgz+{url}/none.tgz"}
        listing = {"linux": {"amd64": {"jdk@temurin-jre": versions}}}
        (site / "index.json").write_text(json.dumps(listing))
        here = {"index_url": f"{url}/index.json", "os": "linux", "arch": "amd64"}
        local = functools.partial(REAL, **here, _allow_insecure_for_testing=True)
        monkeypatch.setattr(cjdk, "java_home", local)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield site
        server.shutdown()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def test_find_java_takes_the_one_of_the_path(bare):
    command = _put_java(bare, "21.0.5")
    java = find_java()
    assert (java.command, java.version, java.origin) == (command, 21, "PATH")


def test_find_java_takes_java_home_before_the_path(bare, monkeypatch):
    _put_java(bare, "21.0.5")
    monkeypatch.setenv("JAVA_HOME", str(bare / "home"))
    _put_java(bare / "home", "17.0.13")
    assert find_java().origin == "JAVA_HOME"


@pytest.mark.parametrize("version", ["1.8.0_392", "11.0.2", "24", "25.0.1"])
def test_find_java_passes_over_what_spark_cannot_run_on(bare, version):
    _put_java(bare, version)
    assert find_java() is None
    _put_java(java_cache() / "current", "17.0.13")
    assert find_java().origin == "cache"


def test_find_java_takes_a_new_java_for_a_new_spark(bare, monkeypatch):
    _put_java(bare, "25.0.1")
    monkeypatch.setattr(javas, "version", lambda package: "4.1.0")
    assert find_java().version == 25


def test_find_java_passes_over_what_is_no_java(bare):
    command = _put_java(bare, "17")
    command.write_text("#!/bin/sh\necho 'Unable to locate a Java Runtime.' >&2; exit 1\n")
    assert find_java() is None


def test_check_java_says_what_why_and_what_to_do(bare):
    with pytest.raises(
        SetupError, match=r"not found\. Spark 4\.\d needs Java 17.*doctor --fix.*ap"
    ):
        check_java()
    _put_java(bare, "25.0.1")
    with pytest.raises(SetupError, match="version '25'"):
        check_java()


def test_use_java_tells_spark_of_the_cache_only(bare, monkeypatch):
    _put_java(bare, "17.0.13")
    use_java()
    assert "JAVA_HOME" not in os.environ
    monkeypatch.setenv("JAVA_HOME", str(bare / "none"))
    _put_java(java_cache() / "current", "17.0.13")
    use_java()
    assert os.environ["JAVA_HOME"] == str(java_cache() / "current")


def test_fetch_java_brings_one_that_is_found_from_then_on(bare, index):
    lines = []
    java = fetch_java(lines.append)
    assert len(lines) == 1
    assert str(java_cache()) in lines[0]
    assert "45 MB" in lines[0]
    assert (java.version, java.origin) == (17, "cache")
    assert find_java() == java
    assert len(list(java_cache().iterdir())) == 2


def test_fetch_java_is_not_stopped_by_what_a_killed_one_left(bare, index):
    old = java_cache() / "temurin-jre-old"
    (old / "v0" / "fetching").mkdir(parents=True)
    os.utime(old, (0, 0))
    recent = java_cache() / "temurin-jre-new"
    recent.mkdir()
    fetch_java(str)
    assert not old.exists()
    assert recent.exists()


def test_fetch_java_leaves_nothing_where_the_server_has_nothing(bare, index):
    (index / "java.tgz").unlink()
    with pytest.raises(SetupError, match=r"could not be fetched: .*404.*Spark 4.*apt-get install"):
        fetch_java(str)
    assert find_java() is None
    assert list(java_cache().iterdir()) == []


def test_fetch_java_names_the_address_that_cannot_be_reached(bare, monkeypatch):
    url = "https://127.0.0.1:9/index.json"
    monkeypatch.setattr(cjdk, "java_home", functools.partial(REAL, index_url=url))
    with pytest.raises(SetupError, match=r"fetched: '127\.0\.0\.1' cannot be reached\. .*PROXY"):
        fetch_java(str)


def test_fetch_java_refuses_one_that_does_not_run(bare, index):
    with tarfile.open(index / "java.tgz", "w:gz") as archive:
        archive.addfile(tarfile.TarInfo("jre/bin/java"), io.BytesIO())
    with pytest.raises(SetupError, match="does not run here"):
        fetch_java(str)


def test_main_fetches_only_where_there_is_none(bare, index, capsys):
    assert main() == 0
    assert capsys.readouterr().err.count("\n") == 1
    assert main() == 0
    assert capsys.readouterr().err == ""


def test_main_fails_with_the_reason(bare, monkeypatch, capsys):
    def fail(**settings):
        raise cjdk.JdkNotFoundError("No temurin-jre JDK is available for plan9-z80")

    monkeypatch.setattr(cjdk, "java_home", fail)
    assert main() == 1
    assert "plan9-z80. Spark" in capsys.readouterr().err
