import json
import os
import subprocess
import sys

import pytest
from storage.run_records import make_run

from pomona.errors import OutputError
from pomona.storage.claims import claim
from pomona.storage.locations import LocalLocation
from pomona.storage.records import to_json
from pomona.storage.state import sweep
from pomona.storage.store import check_output, publish, read_run, staging


def write_run(out, state="old"):
    out.mkdir(parents=True, exist_ok=True)
    (out / "run.json").write_bytes(to_json(make_run(state)))


def test_check_output_takes_new_and_empty_folders(tmp_path):
    source = tmp_path / "photos"
    check_output(LocalLocation(tmp_path / "deep" / "new"), source, fresh=False)
    (tmp_path / "empty").mkdir()
    check_output(LocalLocation(tmp_path / "empty"), source, fresh=False)


def test_check_output_refuses_what_would_mix(tmp_path):
    source, out = tmp_path / "photos", tmp_path / "out"
    source.mkdir()
    with pytest.raises(OutputError, match="lies inside the source"):
        check_output(LocalLocation(source / "out"), source, fresh=True)
    with pytest.raises(OutputError, match="lies inside the source"):
        check_output(LocalLocation(source), source, fresh=True)
    with pytest.raises(OutputError, match="in a folder that is replaced"):
        check_output(LocalLocation(tmp_path), tmp_path / "features" / "photos", fresh=True)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError, match="is a file"):
        check_output(LocalLocation(tmp_path / "file"), source, fresh=True)
    out.mkdir()
    (out / "notes.txt").write_text("mine")
    with pytest.raises(OutputError, match="is not empty"):
        check_output(LocalLocation(out), source, fresh=False)
    write_run(out)
    with pytest.raises(OutputError, match="holds a run of an earlier Pomona"):
        check_output(LocalLocation(out), source, fresh=False)
    check_output(LocalLocation(out), source, fresh=True)


def test_staging_leaves_nothing_behind_when_it_fails(tmp_path):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt), staging(LocalLocation(out)) as staged:
        staged.at("features").make()
        raise KeyboardInterrupt
    assert not list(out.iterdir())


def test_what_a_killed_run_staged_is_swept_away(tmp_path):
    left = tmp_path / ".pomona" / "staged" / "0123456789ab" / "report"
    left.mkdir(parents=True)
    out = LocalLocation(tmp_path)
    with claim(out) as mine:
        sweep(out, mine)
    assert not left.parent.parent.exists()


def test_publish_replaces_parts_and_keeps_other_files(tmp_path):
    out = tmp_path
    (out / "notes.txt").write_text("mine")
    (out / "features").mkdir()
    (out / "reduced").mkdir()
    write_run(out)
    with staging(LocalLocation(out)) as staged:
        staged.at("features").make()
        staged.at("features").put("new", b"new")
        publish(staged, LocalLocation(out), parts=("features", "reduced"), run=make_run("é"))
    assert sorted(path.name for path in out.iterdir()) == ["features", "notes.txt", "run.json"]
    assert (out / "features" / "new").exists()
    assert json.loads((out / "run.json").read_text(encoding="utf-8"))["source"] == "é"


# Ends the process, as a kill does, at the n-th change of the file system from the start of publish.
KILLED = """
import os, sys
from pathlib import Path
from pomona.storage.claims import claim
from pomona.storage.locations import LocalLocation
from pomona.storage.store import publish, staging
from storage.run_records import make_run

CHANGES = {"os.rename", "os.remove", "os.rmdir", "os.mkdir", "shutil.rmtree"}
out, n = LocalLocation(Path(sys.argv[1])), int(sys.argv[2])

def watch(event, args):
    global n
    if armed and (event in CHANGES or event == "open" and args[2] & os.O_CREAT):
        n -= 1
        if n == 0:
            os._exit(9)

armed = False
sys.addaudithook(watch)
with staging(out) as staged:
    for part in ("features", "report"):
        staged.at(part).put("file", b"new")
    armed = True
    publish(staged, out, parts=("features", "reduced", "report"), run=make_run("new"))
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
    env = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    for step in range(1, 60):
        out = tmp_path / str(step)
        for part in old:
            (out / part).mkdir(parents=True)
            (out / part / "file").write_text("old")
        write_run(out)
        command = [sys.executable, "-c", KILLED, str(out), str(step)]
        rc = subprocess.run(command, check=False, env=env).returncode
        # Whoever looks next finds one of the two, whole.
        state = read_run(LocalLocation(out)).source
        assert _contents(out) == (old if state == "old" else {"features": "new", "report": "new"})
        with claim(LocalLocation(out)) as mine:
            sweep(LocalLocation(out), mine)
        assert {path.name for path in (out / ".pomona").iterdir()} == {"claims"}
        states.append(state)
        if rc == 0:
            break
    else:
        pytest.fail("publish never came to its end")
    assert states == sorted(states, reverse=True)
    assert states.count("old") >= 2
    assert states.count("new") >= 5


def test_read_run_refuses_damaged_files(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(OutputError, match="cannot be read"):
        read_run(LocalLocation(tmp_path))


def test_read_run_refuses_a_newer_format_and_what_lacks_something(tmp_path):
    write_run(tmp_path)
    plain = json.loads((tmp_path / "run.json").read_text())
    (tmp_path / "run.json").write_text(json.dumps(plain | {"format_version": 99}))
    with pytest.raises(OutputError, match="format version 99"):
        read_run(LocalLocation(tmp_path))
    (tmp_path / "run.json").write_text(json.dumps(plain | {"n_features": "many"}))
    with pytest.raises(OutputError, match=r"damaged: Expected `int`, got `str`.*n_features"):
        read_run(LocalLocation(tmp_path))
