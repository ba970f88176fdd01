"""Whole runs on real Spark, in a process of their own as a user starts them."""

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.dataset as ds
import pytest
from picture_files import FRAMES, copy_frames, encode, make_pixels
from pictures.test_decode import BAD

import pomona
from pomona.errors import QuarantineError
from pomona.reduction.fitted import load_reduction
from pomona.schema import REASON_CODES, STORED_FEATURES
from pomona.storage.locations import LocalLocation
from pomona.storage.records import to_plain
from pomona.storage.state import read_state


def _read(folder):
    return ds.dataset(folder, format="parquet").to_table().to_pylist()


def _run(spark, source, out, **more):
    return pomona.run(pomona.SourceSettings(source), out, **more)


@pytest.fixture(scope="module")
def finished(spark, tmp_path_factory):
    """A run of 24 frames."""
    root = tmp_path_factory.mktemp("run")
    copy_frames(root / "fruit", n_labels=3, n_each=8)
    seen = []
    record = _run(
        spark,
        root / "fruit",
        root / "out",
        on_progress=lambda done, total: seen.append((done, total)),
    )
    return root / "out", record, seen


def test_run_writes_what_the_contract_says(spark, finished):
    out, record, _ = finished
    names = {"run.json", "features", "reduced", "quarantine", "model", "report", ".pomona"}
    assert {path.name for path in out.iterdir()} == names
    assert json.loads((out / "run.json").read_text()) == to_plain(record)
    assert (record.images_found, record.images_extracted, record.n_features) == (
        24,
        24,
        1280,
    )
    features = _read(out / "features")
    assert list(features[0]) == STORED_FEATURES.names
    assert len(features) == 24
    assert all(len(row["features"]) == 1280 for row in features)
    table = spark.read.parquet(f"file://{out}/features")
    assert table.schema["features"].metadata["dimension"] == 1280
    assert record.explained_variance >= 0.95
    assert (out / "report" / "index.html").stat().st_size > 100_000


def test_run_reduces_as_its_model_says(finished):
    out, record, _ = finished
    features = {row["path"]: row["features"] for row in _read(out / "features")}
    reduction = load_reduction(out / "model")
    for row in _read(out / "reduced"):
        expected = reduction.transform(np.float32([features[row["path"]]]))[0]
        np.testing.assert_allclose(row["pca"], expected, atol=1e-5)
        assert len(row["pca"]) == record.n_components


def test_run_reports_progress_up_to_the_end(finished):
    *_, seen = finished
    assert seen[0] == (0, 24)
    assert seen[-1] == (24, 24)


@pytest.mark.parametrize("format", ["csv", "json"])
def test_reduce_writes_other_formats(spark, photos, tmp_path, format):
    out = tmp_path / "50% [#é] out"
    record = _run(
        spark,
        photos,
        out,
        reduce_settings=pomona.ReduceSettings(components=3, format=format),
    )
    assert record.n_components == 3
    lines = [
        line
        for part in sorted((out / "reduced").glob("part-*"))
        for line in part.open(encoding="utf-8")
    ]
    if format == "json":
        rows = [json.loads(line) for line in lines]
        assert {len(row["pca"]) for row in rows} == {3}
    else:
        header = next(csv.reader(lines[:1]))
        assert header == ["path", "label", "pca_0", "pca_1", "pca_2"]
        rows = [dict(zip(header, row, strict=True)) for row in csv.reader(lines) if row != header]
    assert {row["label"] for row in rows} == {"50% #1 Kiwi", "Pomme d'été", "plum"}
    assert sorted(row["path"] for row in rows) == sorted(
        str(path) for path in photos.rglob("*.jpg")
    )
    again = pomona.reduce(out, reduce_settings=pomona.ReduceSettings(components=2))
    assert again.n_components == 2
    assert not (out / "report").exists()
    assert Path(pomona.report(str(out))).is_file()


def test_run_puts_every_bad_picture_into_quarantine(spark, photos, tmp_path):
    (photos / "bad").mkdir()
    for code, (name, data) in BAD.items():
        (photos / "bad" / f"{code}{Path(name).suffix}").write_bytes(data)
    (photos / "bad" / "missing.jpg").symlink_to(photos / "nowhere.jpg")
    record = _run(
        spark, photos, tmp_path / "out", extract_settings=pomona.ExtractSettings(max_bad=0.9)
    )
    rows = {Path(row["path"]).stem: row for row in _read(tmp_path / "out" / "quarantine")}
    assert {stem: row["reason_code"] for stem, row in rows.items()} == {
        code: code for code in [*BAD, "missing"]
    }
    assert set(record.quarantine_counts) <= set(REASON_CODES)
    assert record.images_found == record.images_extracted + record.images_quarantined == 21
    assert sum(record.label_counts.values()) == 12


def test_run_fails_after_writing_quarantine_when_too_much_is_bad(spark, photos, tmp_path):
    (photos / "plum" / "0 %41#.jpg").write_bytes(b"")
    out = tmp_path / "out"
    with pytest.raises(QuarantineError, match=r"1 of 12 pictures \(8.3%\).*1 empty_file"):
        _run(spark, photos, out)
    assert {path.name for path in out.iterdir()} == {".pomona", "features", "quarantine"}
    assert len(_read(out / "quarantine")) == 1
    # What was done is kept: allowing more costs no second pass.
    record = _run(spark, photos, out, extract_settings=pomona.ExtractSettings(max_bad=0.1))
    assert (record.changes.unchanged, record.changes.extracted) == (12, 0)
    assert (out / "report" / "index.html").exists()


# In another process: a decoder that dies as a real one would, by a signal.
CRASHING = """
import os, signal
import PIL.Image
opened = PIL.Image.open
def open(fp, *args, **kwargs):
    if hasattr(fp, "getvalue") and b"CRASH-THE-DECODER" in fp.getvalue():
        os.kill(os.getpid(), signal.SIGSEGV)
    return opened(fp, *args, **kwargs)
PIL.Image.open = open
"""


def _pomona(*arguments, **more):
    return subprocess.Popen(
        [sys.executable, "-m", "pomona", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **more,
    )


def test_extract_survives_a_decoder_crash(photos, tmp_path):
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(CRASHING)
    bomb = encode(make_pixels(99), comment=b"CRASH-THE-DECODER")
    (photos / "plum" / "bomb.jpg").write_bytes(bomb)
    process = _pomona(
        *("extract", photos, "--out", tmp_path / "out", "--max-bad", "0.1", "--master", "local[2]"),
        env=os.environ | {"PYTHONPATH": str(tmp_path / "site")},
    )
    _, errors = process.communicate(timeout=180)
    assert process.returncode == 0, errors
    rows = _read(tmp_path / "out" / "quarantine")
    assert [(Path(row["path"]).name, row["reason_code"]) for row in rows] == [
        ("bomb.jpg", "decoder_crash")
    ]
    assert len(_read(tmp_path / "out" / "features")) == 12


def test_run_stopped_by_ctrl_c_keeps_what_was_committed(tmp_path):
    # Long enough to be stopped in the middle: 1,440 pictures.
    for i in range(4):
        (tmp_path / "fruit" / str(i)).parent.mkdir(exist_ok=True)
        (tmp_path / "fruit" / str(i)).symlink_to(FRAMES)
    command = ("run", tmp_path / "fruit", "--out", tmp_path / "out", "--log-json")
    process = _pomona(*command, "--commit-every", "100")
    assert process.stderr is not None
    for line in process.stderr:
        if '"done"' in line:
            break
    time.sleep(1)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert "What was committed is kept" in errors
    out = LocalLocation(tmp_path / "out")
    assert not out.has("run.json")
    assert read_state(out).features.n_rows in range(0, 1440, 100)
    assert out.at(".pomona/claims").list() == []
