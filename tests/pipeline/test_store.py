"""A store that grows: only new work, nothing lost, nothing doubled."""

import json
import threading

import numpy as np
import pytest
from picture_files import copy_frames
from pipeline.stores import change_source, read_store, run

import pomona
from pomona.errors import OutputError
from pomona.reduction.fitted import load_reduction
from pomona.settings import ExtractSettings, RunSettings, SourceSettings, UpdateSettings


@pytest.fixture(scope="module")
def grown(spark, tmp_path_factory):
    """A store that saw adds, changes, moves and deletions, and one made of the same in one go."""
    root = tmp_path_factory.mktemp("grown")
    source = copy_frames(root / "fruit", n_labels=3, n_each=8)
    (source / "bad.jpg").write_bytes(b"no picture")
    settings = {"extract_settings": ExtractSettings(max_bad=0.5)}
    first = run(source, root / "out", **settings)
    expected = change_source(source)
    second = run(source, root / "out", **settings)
    third = run(source, root / "out", **settings)
    whole = run(source, root / "whole", **settings)
    return root, [first, second, third, whole], expected


def test_a_run_finds_exactly_what_changed(grown):
    _, (first, second, third, _), expected = grown
    assert (first.changes.new, first.changes.extracted, first.changes.quarantined) == (25, 24, 1)
    found = {name: getattr(second.changes, name) for name in expected}
    assert found == expected
    assert second.changes.unchanged == 25 - 3 - 2 - 5 - 1
    assert second.images_found == second.images_extracted + second.images_quarantined == 27
    assert third.changes.unchanged == third.changes.listed == 27
    assert (third.changes.extracted, third.changes.commits) == (0, 0)


def test_a_grown_store_holds_what_one_go_gives(grown):
    root, (_, second, _, whole), _ = grown
    assert read_store(root / "out", root / "fruit") == read_store(root / "whole", root / "fruit")
    assert second.label_counts == whole.label_counts
    assert second.n_components == whole.n_components
    grown_pca, whole_pca = (load_reduction(root / out / "model") for out in ("out", "whole"))
    for name in ("mean", "scale", "explained_variance"):
        np.testing.assert_allclose(
            getattr(grown_pca, name), getattr(whole_pca, name), rtol=1e-9, atol=1e-12
        )


def test_reduced_has_a_row_for_each_live_picture(grown):
    import pyarrow.dataset as ds

    root, (_, second, *_), _ = grown
    features, reduced = (
        ds.dataset(root / "out" / part, format="parquet").to_table()
        for part in ("features", "reduced")
    )
    assert sorted(features["path"].to_pylist()) == sorted(reduced["path"].to_pylist())
    assert len(features) == second.images_extracted


def test_readers_of_other_makes_open_it(grown, spark):
    import duckdb
    import pandas as pd
    import polars as pl
    from deltalake import DeltaTable

    root, (_, second, *_), _ = grown
    folder, n = root / "out" / "features", second.images_extracted
    frame = pd.read_parquet(folder)
    assert (len(frame), len(frame["features"].iloc[0])) == (n, 1280)
    assert duckdb.sql(f"SELECT count(*) FROM '{folder}/*.parquet'").fetchall() == [(n,)]
    assert spark.read.parquet(f"file://{folder}").count() == n
    assert pl.read_parquet(f"{folder}/*.parquet").height == n
    assert DeltaTable(folder).to_pyarrow_table().num_rows == n
    assert pl.read_delta(str(folder)).height == n


def test_history_tells_of_each_commit(grown):
    root, *_ = grown
    commits = pomona.history(str(root / "out"))
    assert sum(commit.extracted for commit in commits) == 24 + 7
    assert sum(commit.quarantined for commit in commits) == 1
    assert commits[-1].pictures == 26
    assert [commit.at for commit in commits] == sorted(commit.at for commit in commits)


def test_no_path_stands_in_the_log(grown):
    root, *_ = grown
    log = b"".join(path.read_bytes() for path in (root / "out").glob("*/_delta_log/*.json"))
    assert b".jpg" not in log


def test_check_finds_what_is_wrong_and_repair_mends_it(grown, tmp_path):
    import shutil

    root, *_ = grown
    out = tmp_path / "out"
    shutil.copytree(root / "out", out)
    assert pomona.check(str(out)).problems == []
    victim = max((out / "features").glob("*.parquet"), key=lambda path: path.stat().st_size)
    content = bytearray(victim.read_bytes())
    content[len(content) // 2] ^= 1
    victim.write_bytes(content)
    (out / "features" / "part-20200101T000000-00000000-00000-left.parquet").write_bytes(b"x")
    found = pomona.check(str(out))
    assert (len(found.problems), found.orphans) == (1, 1)
    assert "is damaged" in found.problems[0]
    repaired = pomona.check(str(out), repair=True)
    assert len(repaired.repaired) >= 2
    record = run(root / "fruit", out, extract_settings=ExtractSettings(max_bad=0.5))
    assert record.changes.new > 0
    assert pomona.check(str(out)).problems == []
    assert read_store(out, root / "fruit") == read_store(root / "whole", root / "fruit")


def test_settings_that_do_not_fit_are_named(grown):
    root, *_ = grown
    with pytest.raises(OutputError, match=r"with label 'folder', and now it is 'none'"):
        pomona.run(SourceSettings(root / "fruit", label="none"), str(root / "out"))
    with pytest.raises(OutputError, match=r"with source '.*fruit', and now it is '.*moved'"):
        run(root / "fruit" / "moved", root / "out")


def test_many_commits_and_always_refit_give_the_same(spark, tmp_path):
    source = copy_frames(tmp_path / "fruit", n_labels=2, n_each=10)
    always = RunSettings(refit="always")
    held = sorted(source.rglob("*.jpg"))
    for path in held[5:]:
        path.rename(path.with_suffix(".later"))
    for start, stop in ((5, 12), (12, 20)):
        run(source, tmp_path / "out", run_settings=always)
        for path in held[start:stop]:
            path.with_suffix(".later").rename(path)
    record = run(
        source,
        tmp_path / "out",
        run_settings=always,
        update_settings=UpdateSettings(commit_every="3"),
    )
    run(source, tmp_path / "whole")
    assert record.changes.commits >= 2
    assert read_store(tmp_path / "out", source) == read_store(tmp_path / "whole", source)
    ten, one = (load_reduction(tmp_path / name / "model") for name in ("out", "whole"))
    np.testing.assert_allclose(ten.explained_variance, one.explained_variance, rtol=1e-9)
    np.testing.assert_allclose(ten.mean, one.mean, rtol=1e-9, atol=1e-12)


def test_without_refit_new_rows_get_the_stored_pca(spark, tmp_path):
    source = copy_frames(tmp_path / "fruit", n_labels=2, n_each=8)
    first = run(source, tmp_path / "out")
    before = (tmp_path / "out" / "model" / "components.npy").read_bytes()
    copy_frames(tmp_path / "more", n_labels=3, n_each=2)
    (tmp_path / "more" / sorted(p.name for p in (tmp_path / "more").iterdir())[2]).rename(
        source / "third"
    )
    second = run(source, tmp_path / "out", run_settings=RunSettings(refit="never"))
    assert (tmp_path / "out" / "model" / "components.npy").read_bytes() == before
    assert second.n_components == first.n_components
    assert second.drift.explained_variance < first.explained_variance
    assert second.drift.strangeness > 0
    reduction = load_reduction(tmp_path / "out" / "model")
    import pyarrow.dataset as ds

    rows = {
        part: {
            row["path"]: row
            for row in ds.dataset(tmp_path / "out" / part, format="parquet").to_table().to_pylist()
        }
        for part in ("features", "reduced")
    }
    assert rows["features"].keys() == rows["reduced"].keys()
    for path, row in rows["reduced"].items():
        expected = reduction.transform(np.float32([rows["features"][path]["features"]]))[0]
        np.testing.assert_allclose(row["pca"], expected, atol=1e-5)
    third = run(source, tmp_path / "out")
    assert third.explained_variance >= 0.95


def test_quarantined_pictures_are_tried_again_when_it_makes_sense(spark, tmp_path):
    source = copy_frames(tmp_path / "fruit", n_labels=2, n_each=4)
    (source / "gone.jpg").symlink_to(tmp_path / "nowhere.jpg")
    (source / "bad.jpg").write_bytes(b"text")
    settings = {"extract_settings": ExtractSettings(max_bad=0.5)}
    first = run(source, tmp_path / "out", **settings)
    assert first.quarantine_counts == {"missing": 1, "not_an_image": 1}
    second = run(source, tmp_path / "out", **settings)
    assert (second.changes.retried, second.changes.quarantined) == (1, 1)
    forced = run(source, tmp_path / "out", update_settings=UpdateSettings(retry=True), **settings)
    assert forced.changes.retried == 2
    import pyarrow.dataset as ds

    table = ds.dataset(tmp_path / "out" / "quarantine", format="parquet").to_table().to_pylist()
    assert {row["reason_code"]: row["attempts"] for row in table} == {
        "missing": 3,
        "not_an_image": 2,
    }


def test_two_runs_at_once_double_nothing(spark, tmp_path):
    source = copy_frames(tmp_path / "fruit", n_labels=3, n_each=8)
    (source / "bad.jpg").write_bytes(b"text")
    settings = {
        "extract_settings": ExtractSettings(max_bad=0.5),
        "update_settings": UpdateSettings(commit_every="5"),
    }
    errors = []

    def one():
        try:
            run(source, tmp_path / "out", **settings)
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    last = run(source, tmp_path / "out", **settings)
    assert last.images_found == last.changes.listed == last.changes.unchanged == 25
    run(source, tmp_path / "whole", **settings)
    assert read_store(tmp_path / "out", source) == read_store(tmp_path / "whole", source)
    assert pomona.check(str(tmp_path / "out")).problems == []


def test_forgotten_pictures_leave_no_trace_and_do_not_come_back(spark, tmp_path):
    source = copy_frames(tmp_path / "fruit", n_labels=3, n_each=6)
    out = tmp_path / "out"
    run(source, out, run_settings=RunSettings(export=("csv",)))
    victim = sorted(source.rglob("*.jpg"))[3]
    label = sorted(path.name for path in source.iterdir())[-1]
    what = pomona.ForgetSettings(paths=(str(victim.relative_to(source)),), label=label)
    receipt = pomona.forget(str(out), what)
    assert (receipt.forgotten, receipt.features, receipt.versions_left) == (7, 7, 0)
    assert receipt.files_deleted >= 1
    for path in out.rglob("*"):
        if path.is_file():
            content = path.read_bytes()
            assert f"{victim.parent.name}/{victim.name}".encode() not in content, path
            assert f"/{label}/".encode() not in content, path
    again = run(source, out)
    assert (again.changes.extracted, again.changes.forgotten, again.images_found) == (0, 7, 11)
    assert pomona.check(str(out)).problems == []
    receipts = list((out / ".pomona" / "receipts").iterdir())
    assert json.loads(receipts[0].read_text())["forgotten"] == 7


def test_watch_ends_after_its_rounds_and_writes_figures(spark, tmp_path):
    from pomona.pipeline.run import Wishes

    source = copy_frames(tmp_path / "fruit", n_labels=2, n_each=4)
    wishes = Wishes(
        SourceSettings(source),
        str(tmp_path / "out"),
        ExtractSettings(),
        UpdateSettings(),
        pomona.ReduceSettings(),
        RunSettings(),
        None,
        pomona.SparkSettings(),
    )
    metrics = tmp_path / "pomona.prom"
    figures = pomona.watch(wishes, pomona.WatchSettings(every=1, rounds=2, metrics=str(metrics)))
    assert (figures["rounds_total"], figures["extracted_total"]) == (2, 8)
    assert "pomona_watch_pictures 8" in metrics.read_text()


def test_a_full_disk_leaves_the_store_as_it_was(spark, tmp_path, monkeypatch):
    from pomona.storage.locations import LocalLocation

    source = copy_frames(tmp_path / "fruit", n_labels=2, n_each=4)
    run(source, tmp_path / "out")
    before = read_store(tmp_path / "out", source)
    copy_frames(tmp_path / "more", n_labels=3, n_each=2)
    third = sorted((tmp_path / "more").iterdir())[2]
    third.rename(source / third.name)

    def refuse(self, name, content):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(LocalLocation, "put", refuse)
        with pytest.raises(OutputError, match="No space left on device"):
            run(source, tmp_path / "out")
    assert read_store(tmp_path / "out", source) == before
    record = run(source, tmp_path / "out")
    assert record.changes.new == 2
