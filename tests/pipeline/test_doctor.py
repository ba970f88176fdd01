import shutil
from collections import namedtuple

import pytest

from pomona.pipeline import doctor
from pomona.pipeline.doctor import check_machine


@pytest.fixture
def lookup():
    """The checks, by their names."""
    return lambda: {check.name: check for check in check_machine()}


def test_check_machine_finds_what_the_tests_run_on(lookup):
    checks = lookup()
    for name in ("Pomona", "Python", "Java", "Spark", "libraries", "engine openvino"):
        assert checks[name].state == "ok"
        assert checks[name].mend == ""
    assert checks["Java"].found.split(",")[0] in ("17", "21")


def test_check_machine_gives_the_command_that_brings_java(lookup, monkeypatch, tmp_path):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    java = lookup()["Java"]
    assert (java.state, java.mend) == ("missing", "pomona doctor --fix")
    assert java.found == f"Java was not found in '{tmp_path}'"


def test_check_machine_gives_the_command_for_an_extra(lookup, monkeypatch):
    real = doctor._version
    gone = ("fastapi", "numba", "openvino", "onnxruntime", "onnxruntime-gpu")
    monkeypatch.setattr(doctor, "_version", lambda name: None if name in gone else real(name))
    checks = lookup()
    assert checks["extra serve"].found.endswith("without fastapi")
    assert checks["extra serve"].mend == "pip install 'pomona[serve]'"
    assert checks["extra fast"].state == "absent"
    assert checks["engine onnxruntime"].mend == "pip install 'pomona[onnxruntime]'"
    assert checks["engine openvino"].state == "missing"
    assert checks["libraries"].found == "without openvino"


def test_check_machine_knows_a_gpu_without_an_engine(lookup, monkeypatch):
    real = doctor._version
    monkeypatch.setattr("pomona.backbones.engines.gpus.list_gpus", lambda: ["NVIDIA H200, 1 MiB"])
    monkeypatch.setattr(
        doctor, "_version", lambda name: None if name == "onnxruntime-gpu" else real(name)
    )
    check = lookup()["engine onnxruntime-cuda"]
    assert check.state == "absent"
    assert "pomona[cuda]" in check.mend
    monkeypatch.setattr(doctor, "_version", lambda name: "1.31.0")
    assert lookup()["engine onnxruntime-cuda"].state == "ok"


def test_check_machine_says_when_a_disk_is_full(lookup, monkeypatch, tmp_path):
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(5e8))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "not" / "yet"))
    disk = lookup()["disk, cache files"]
    assert (disk.state, disk.mend) == ("missing", "make room for 1 GB")
    assert disk.found.startswith("0.5 GB free for")
