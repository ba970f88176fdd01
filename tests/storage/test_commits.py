"""Commits of a store, without Spark: whole or not at all, whoever is killed and whoever meets."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest

from pomona import schema
from pomona.errors import OutputError
from pomona.storage.claims import claim
from pomona.storage.commits import Batch, commit_batch
from pomona.storage.history import list_commits, shorten
from pomona.storage.locations import LocalLocation
from pomona.storage.state import check_properties, create_store, new_ids, read_state, sweep
from pomona.storage.table import ConflictError, commit, read_rows, read_snapshot, write_rows


def write_pictures(out, mine, names, *, etag):
    rows = {
        "picture_id": new_ids(len(names)),
        "path": names,
        "etag": [etag] * len(names),
        "size": [1] * len(names),
        "fingerprint": ["f"] * len(names),
        "features": [[1.0, 2.0]] * len(names),
    }
    columns = [rows.get(name, [None] * len(names)) for name in schema.STORED_FEATURES.names]
    table = pa.table(columns, schema=schema.STORED_FEATURES)
    listing = {"path": names, "etag": [etag] * len(names), "size": [1] * len(names)}
    pictures = pa.table(
        [listing.get(name, [None] * len(names)) for name in schema.LISTING.names],
        schema=schema.LISTING,
    )
    return pictures, write_rows(out.at("features"), mine.find_name(), table)


def add(out, state, mine, names, *, etag="1", **more):
    pictures, file = write_pictures(out, mine, names, etag=etag)
    batch = Batch(pictures, files=(file,), **more)
    return commit_batch(out, state, batch, fingerprint="f", claim=mine, note={})


def rows_of(out):
    state = read_state(out)
    rows = read_rows(out.at("features"), state.features.files, ["path", "etag"]).to_pylist()
    return sorted((row["path"], row["etag"]) for row in rows)


@pytest.fixture
def out(tmp_path):
    place = LocalLocation(tmp_path / "out")
    create_store(place, {"fingerprint": "f"})
    return place


def test_a_picture_takes_the_place_of_its_older_row(out):
    with claim(out) as mine:
        add(out, read_state(out), mine, ["a", "b", "c"])
        add(out, read_state(out), mine, ["b", "d"], etag="2")
        assert rows_of(out) == [("a", "1"), ("b", "2"), ("c", "1"), ("d", "2")]
        state = read_state(out)
        gone = frozenset(state.keys["picture_id"].to_pylist()[:1])
        commit_batch(out, state, Batch(gone=gone), fingerprint="f", claim=mine, note={})
        assert len(rows_of(out)) == 3
        assert sweep(out, mine) == 2
    names = {path.name for path in (out.path / "features").glob("*.parquet")}
    assert names == set(read_state(out).features.files)
    assert [one.pictures for one in list_commits(out)] == [3, 4, 3]


def test_quarantined_pictures_are_in_one_table_only(out):
    bad = pa.table({"path": ["a"], "size": [1], "reason_code": ["missing"], "reason": ["Gone."]})
    with claim(out) as mine:
        add(out, read_state(out), mine, ["a", "b"])
        pictures, _ = write_pictures(out, mine, ["a"], etag="2")
        batch = Batch(pictures, bad=bad, attempts={"a": 2})
        commit_batch(out, read_state(out), batch, fingerprint="f", claim=mine, note={})
        assert rows_of(out) == [("b", "1")]
        state = read_state(out)
        assert state.count("reason_code") == {"missing": 1}
        assert state.keys.filter(pc.equal(state.keys["path"], "a"))["attempts"].to_pylist() == [3]
        add(out, state, mine, ["a"], etag="3")
    assert rows_of(out) == [("a", "3"), ("b", "1")]
    assert read_state(out).quarantine.n_rows == 0


def test_who_comes_second_looks_again_and_the_others_rows_stay(out):
    with claim(out) as mine, claim(out) as other:
        seen = read_state(out)
        add(out, seen, other, ["a", "b"], etag="theirs")
        add(out, seen, mine, ["b", "c"], etag="mine")
    assert rows_of(out) == [("a", "theirs"), ("b", "theirs"), ("c", "mine")]


def test_a_table_refuses_a_commit_from_an_older_view(out):
    with claim(out) as mine:
        folder = out.at("features")
        seen = read_snapshot(folder)
        add(out, read_state(out), mine, ["a"])
        with pytest.raises(ConflictError):
            commit(folder, seen, schema.STORED_FEATURES)


def test_files_of_a_living_claim_are_not_swept(out):
    with claim(out) as mine, claim(out) as other:
        add(out, read_state(out), mine, ["a"])
        _, theirs = write_pictures(out, other, ["b"], etag="1")
        _, left = write_pictures(out, mine, ["c"], etag="1")
        assert sweep(out, mine) == 1
        assert out.at("features").has(theirs.name) and not out.at("features").has(left.name)


def test_a_shortened_log_keeps_the_counts_and_the_rows(out):
    with claim(out) as mine:
        for name in "abc":
            add(out, read_state(out), mine, [name])
        before = list_commits(out)
        shorten(out)
        assert list_commits(out) == before
        assert len(list((out.path / "features" / "_delta_log").glob("*.json"))) <= 3
        add(out, read_state(out), mine, ["d"])
    assert len(rows_of(out)) == len(list_commits(out)) == 4


def test_other_settings_are_refused_by_name(out):
    with pytest.raises(OutputError, match="with fingerprint 'f', and now it is 'g'"):
        check_properties(out, read_state(out), {"fingerprint": "g"})


# Batch k writes "x" anew and adds a picture called k; it goes on from what it finds.
COMMITTING = """
import sys
from pathlib import Path
from pomona.storage.claims import claim
from pomona.storage.locations import LocalLocation
from pomona.storage.state import read_state
from storage.test_commits import add, rows_of

out = LocalLocation(Path(sys.argv[1]))
with claim(out) as mine:
    while True:
        k = len(rows_of(out))
        add(out, read_state(out), mine, ["x", str(k)], etag=str(k))
"""


def test_a_writer_killed_at_any_moment_leaves_whole_commits(out):
    dice = random.Random(0)
    n_before = 0
    env = {"PYTHONPATH": ":".join(sys.path), "PATH": "/usr/bin:/bin"}
    for _ in range(6):
        command = [sys.executable, "-c", COMMITTING, str(out)]
        process = subprocess.Popen(command, env=env, stderr=subprocess.PIPE)
        wait_for_commit(out, n_before)
        time.sleep(dice.uniform(0, 0.1))
        process.send_signal(signal.SIGKILL)
        process.wait()
        rows = rows_of(out)
        n = len(rows)
        last = [etag for path, etag in rows if path == "x"]
        assert len(last) == 1
        names = sorted(int(path) for path, _ in rows if path != "x")
        # The first batch adds two rows, each later one adds one.
        assert names == [0, *range(2, n)] and int(last[0]) == max(names)
        n_before = n
    with claim(out) as mine:
        sweep(out, mine)
    files = {path.name for path in Path(out.path / "features").glob("*.parquet")}
    assert files == set(read_state(out).features.files)
    assert n_before > 6


def wait_for_commit(out, n_before):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if len(rows_of(out)) > n_before:
            return
        time.sleep(0.02)
    raise AssertionError("no commit came")


def test_a_claim_in_a_bucket_dies_with_its_process(tmp_path):
    import json
    import os

    from pomona.storage.claims import CLAIMS, _find_where, _is_dead_here

    place = LocalLocation(tmp_path).at(CLAIMS)
    ended = subprocess.Popen(["true"])
    ended.wait()
    here = {"where": _find_where(), "process": os.getpid()}
    for name, told in {
        "mine": here,
        "ended": here | {"process": ended.pid},
        "elsewhere": {"where": "another machine", "process": ended.pid},
    }.items():
        place.put(name, json.dumps(told).encode())
    dead = {name for name in ("mine", "ended", "elsewhere", "gone") if _is_dead_here(place, name)}
    assert dead == {"ended", "gone"}
