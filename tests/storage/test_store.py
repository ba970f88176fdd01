import json
import subprocess
import sys

import pytest

from pomona.errors import OutputError
from pomona.storage.store import check_output, publish, read_run, staging, write_run


def test_check_output_takes_new_and_empty_folders(tmp_path):
    source = tmp_path / "photos"
    check_output(tmp_path / "deep" / "new", source, overwrite=False)
    (tmp_path / "empty").mkdir()
    check_output(tmp_path / "empty", source, overwrite=False)


def test_check_output_refuses_what_would_mix(tmp_path):
    source, out = tmp_path / "photos", tmp_path / "out"
    source.mkdir()
    with pytest.raises(OutputError, match="lies inside the source"):
        check_output(source / "out", source, overwrite=True)
    with pytest.raises(OutputError, match="lies inside the source"):
        check_output(source, source, overwrite=True)
    with pytest.raises(OutputError, match="in a folder that is replaced"):
        check_output(tmp_path, tmp_path / "features" / "photos", overwrite=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        check_output(tmp_path / "file", source, overwrite=True)
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty"):
        check_output(out, source, overwrite=False)
    write_run(out, {})
    with pytest.raises(OutputError, match="holds a finished run"):
        check_output(out, source, overwrite=False)
    check_output(out, source, overwrite=True)


def test_staging_leaves_nothing_behind_when_it_fails(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), staging(out) as folder:
        (folder / "features").mkdir()
        raise KeyboardInterrupt
    assert not out.exists()


def test_staging_clears_what_a_killed_run_left(tmp_path):
    left = tmp_path / "out" / ".pomona-unfinished" / "features"
    left.mkdir(parents=True)
    check_output(tmp_path / "out", tmp_path / "photos", overwrite=False)
    with staging(tmp_path / "out") as folder:
        assert not (folder / "features").exists()


def test_publish_replaces_parts_and_keeps_other_files(tmp_path):
    out = tmp_path
    (out / "notes.txt").write_text("mine")
    (out / "features").mkdir()
    (out / "reduced").mkdir()
    write_run(out, {"old": True})
    with staging(out) as folder:
        (folder / "features").mkdir()
        (folder / "features" / "new").write_text("new")
        publish(folder, out, parts=("features", "reduced"), run={"new": "é"})
    assert sorted(path.name for path in out.iterdir()) == ["features", "notes.txt", "run.json"]
    assert (out / "features" / "new").exists()
    assert json.loads((out / "run.json").read_text(encoding="utf-8")) == {"new": "é"}


# Ends the process, as a kill does, at the n-th change of the file system from the start of publish.
KILLED = """
import os, sys
from pathlib import Path
from pomona.storage.store import publish, staging

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}
out, n = Path(sys.argv[1]), int(sys.argv[2])

def watch(event, args):
    global n
    writes = event == "open" and isinstance(args[1], str) and "w" in args[1]
    if armed and (event in CHANGES or writes):
        n -= 1
        if n == 0:
            os._exit(9)

armed = False
sys.addaudithook(watch)
with staging(out) as folder:
    for part in ("features", "report"):
        (folder / part).mkdir()
        (folder / part / "file").write_text("new")
    armed = True
    publish(folder, out, parts=("features", "reduced", "report"), run={"state": "new"})
    armed = False
"""


def _contents(out):
    return {
        part: (out / part / "file").read_text()
        for part in ("features", "reduced", "report")
        if (out / part).exists()
    }


def test_publish_killed_at_any_step_leaves_the_old_or_the_new_result_whole(tmp_path):
    old = {"features": "old", "reduced": "old"}
    states = []
    for step in range(1, 60):
        out = tmp_path / str(step)
        for part in old:
            (out / part).mkdir(parents=True)
            (out / part / "file").write_text("old")
        write_run(out, {"state": "old"})
        command = [sys.executable, "-c", KILLED, str(out), str(step)]
        rc = subprocess.run(command, check=False).returncode
        # Whoever looks next finds one of the two, whole.
        state = read_run(out)["state"]
        assert _contents(out) == (old if state == "old" else {"features": "new", "report": "new"})
        with staging(out):
            pass
        assert not [path for path in out.iterdir() if path.name.startswith(".")]
        states.append(state)
        if rc == 0:
            break
    else:
        pytest.fail("publish never came to its end")
    assert states == sorted(states, reverse=True)
    assert states.count("old") >= 2
    assert states.count("new") >= 5


def test_publish_without_a_run_leaves_none(tmp_path):
    write_run(tmp_path, {"old": True})
    with staging(tmp_path) as folder:
        (folder / "quarantine").mkdir()
        publish(folder, tmp_path, parts=("features", "quarantine"), run=None)
    assert [path.name for path in tmp_path.iterdir()] == ["quarantine"]
    with pytest.raises(OutputError, match="holds no finished run"):
        read_run(tmp_path)


def test_read_run_refuses_damaged_files(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(OutputError, match="cannot be read"):
        read_run(tmp_path)
