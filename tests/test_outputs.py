import json

import pytest

from pomona.errors import OutputError
from pomona.outputs import check_output, publish, read_run, staging, write_run


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


def test_publish_killed_half_way_never_looks_done(tmp_path, monkeypatch):
    (tmp_path / "features").mkdir()
    write_run(tmp_path, {"old": True})
    monkeypatch.setattr("pomona.outputs.write_run", lambda *_: 1 / 0)
    with staging(tmp_path) as folder:
        (folder / "features").mkdir()
        with pytest.raises(ZeroDivisionError):
            publish(folder, tmp_path, parts=("features",), run={"new": True})
    with pytest.raises(OutputError, match="holds no finished run"):
        read_run(tmp_path)


def test_read_run_refuses_damaged_files(tmp_path):
    (tmp_path / "run.json").write_text("{")
    with pytest.raises(OutputError, match="cannot be read"):
        read_run(tmp_path)
