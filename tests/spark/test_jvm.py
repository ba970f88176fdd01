import logging
import os
import re
import subprocess
import sys
import threading
from collections import deque

import pytest

from pomona.spark import jvm
from pomona.spark.java import find_java

OURS = re.compile(r"\d\d:\d\d:\d\d (found|spark|engine|Extracting) .*")


@pytest.fixture
def records():
    """What is logged about the JVM, whatever other tests did to the loggers above."""
    kept = []
    handler = logging.Handler()
    handler.emit = kept.append  # type: ignore[method-assign, assignment]
    level = jvm.logger.level
    jvm.logger.addHandler(handler)
    yield kept
    jvm.logger.removeHandler(handler)
    jvm.logger.setLevel(level)


@pytest.fixture
def brought_java(monkeypatch, tmp_path):
    """A JAVA_HOME that does not fit, and a Java that fits in the cache."""
    home = find_java().command.resolve().parents[1]
    (tmp_path / "cache" / "pomona" / "java").mkdir(parents=True)
    (tmp_path / "cache" / "pomona" / "java" / "current").symlink_to(home)
    (tmp_path / "old" / "bin").mkdir(parents=True)
    old = tmp_path / "old" / "bin" / "java"
    old.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
    old.chmod(0o755)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


def _extract(photos, out, *options, before=()):
    # A process of its own: what Spark's Java prints goes to the descriptor, past sys.stderr.
    command = [sys.executable, "-m", "pomona", *before, "extract", str(photos), "--out", str(out)]
    return subprocess.run(
        [*command, "--master", "local[1]", *options], capture_output=True, text=True, check=False
    )


def test_a_run_on_the_java_of_the_cache_shows_pomonas_lines_only(photos, tmp_path, brought_java):
    done = _extract(photos, tmp_path / "out")
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if not OURS.fullmatch(line)] == []
    assert done.stderr.count("Extracting 12/12") == 1
    names = [line.split()[0] for line in done.stdout.splitlines()]
    assert names == ["pictures", "this", "features", "speed", "time", "results", "look"]


def test_a_java_that_does_not_start_leaves_its_last_words(photos, tmp_path):
    done = _extract(photos, tmp_path / "out", "--conf", "spark.driver.memory=much")
    assert done.returncode == 1
    assert "Error: Spark did not start on 'local[1]'. Check --master" in done.stderr
    assert "Invalid maximum heap size: -Xmxmuch" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_java_prints_is_debug(records):
    jvm.logger.setLevel(logging.DEBUG)
    assert jvm.is_verbose()
    reading, writing = os.pipe()
    os.write(writing, b"WARNING: Using incubator modules\n\xff no text\n")
    os.close(writing)
    words = deque(maxlen=1)
    jvm._follow(reading, words, threading.Event())
    assert [record.levelname for record in records] == ["DEBUG", "DEBUG"]
    assert records[0].getMessage() == "WARNING: Using incubator modules"
    assert list(words) == ["\N{REPLACEMENT CHARACTER} no text"]


def test_a_java_that_ends_by_itself_is_an_error_with_its_last_words(records):
    reading, writing = os.pipe()
    os.write(writing, b"java.lang.OutOfMemoryError: Java heap space\n")
    os.close(writing)
    is_up = threading.Event()
    is_up.set()
    jvm._follow(reading, deque(maxlen=3), is_up)
    (record,) = (record for record in records if record.levelname == "ERROR")
    assert "ended by itself" in record.getMessage()
    assert "  java.lang.OutOfMemoryError: Java heap space" in record.getMessage()
