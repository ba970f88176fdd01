import subprocess

from pomona.backbones.engines.gpus import list_gpus


def test_list_gpus_has_a_line_for_each(monkeypatch, tmp_path):
    driver = tmp_path / "nvidia-smi"
    driver.write_text("#!/bin/sh\necho 'NVIDIA H200, 143771 MiB'\n")
    driver.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list_gpus() == ["NVIDIA H200, 143771 MiB"]
    driver.write_text(
        "#!/bin/sh\necho 'has failed because it could not talk to the driver'; exit 9\n"
    )
    assert list_gpus() == []


def test_list_gpus_is_empty_without_a_driver(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert list_gpus() == []


def test_list_gpus_does_not_wait_for_a_driver_that_hangs(monkeypatch):
    def hang(*command, **settings):
        raise subprocess.TimeoutExpired("nvidia-smi", settings["timeout"])

    monkeypatch.setattr(subprocess, "run", hang)
    assert list_gpus() == []
