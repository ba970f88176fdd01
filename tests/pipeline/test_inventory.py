"""A store brought up to date from an inventory holds what a listing gives."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from picture_files import copy_frames
from pipeline.stores import change_source, read_store, run
from typer.testing import CliRunner

from pomona.cli.app import app
from pomona.errors import SourceError
from pomona.pictures.listing import list_images
from pomona.settings import ExtractSettings, SourceSettings, UpdateSettings


def write_inventory(source, file):
    """Write what a folder holds, cut into several files."""
    listed = list_images(SourceSettings(str(source))).all_pictures
    file.mkdir(exist_ok=True)
    columns = ["path", "size", "mtime"]
    for number, start in enumerate(range(0, len(listed), 10)):
        pq.write_table(listed.select(columns).slice(start, 10), file / f"{number}.parquet")


@pytest.fixture(scope="module")
def grown(spark, tmp_path_factory):
    """A store made by inventories, and one made by listings, of a source that changes."""
    root = tmp_path_factory.mktemp("inventory")
    source, lists = copy_frames(root / "fruit", n_labels=3, n_each=8), root / "lists"
    (source / "bad.jpg").write_bytes(b"no picture")
    settings = {"extract_settings": ExtractSettings(max_bad=0.5)}
    by_list = settings | {
        # Several commits out of each file, and files that end within one.
        "update_settings": UpdateSettings(commit_every="7", inventory=str(lists))
    }
    records, expected = [], {}
    for _ in range(2):
        write_inventory(source, lists)
        records.append(run(source, root / "out", **by_list))
        expected = expected or change_source(source)
    for part in lists.iterdir():
        part.unlink()
    write_inventory(source, lists)
    records.append(run(source, root / "out", **by_list))
    records.append(run(source, root / "out", **settings))
    run(source, root / "listed", **settings)
    return root, records, expected


def test_an_inventory_gives_the_rows_of_a_listing(grown):
    root, (first, *_), _ = grown
    assert (first.changes.new, first.changes.extracted, first.changes.quarantined) == (25, 24, 1)
    assert first.changes.commits >= 4
    assert read_store(root / "out", root / "fruit") == read_store(root / "listed", root / "fruit")


def test_it_finds_exactly_what_changed(grown):
    _, (_, second, _, listed), expected = grown
    assert {name: getattr(second.changes, name) for name in expected} == expected
    assert second.images_found == second.images_extracted + second.images_quarantined == 27
    assert second.label_counts == listed.label_counts
    assert second.quarantine_counts == listed.quarantine_counts == {"not_an_image": 1}


def test_nothing_new_is_nothing_done(grown):
    root, (_, second, third, listed), _ = grown
    for record in (third, listed):
        assert record.changes.unchanged == record.changes.listed == 27
        assert (record.changes.extracted, record.changes.commits) == (0, 0)
        assert record.source_sha256 == listed.source_sha256
    assert second.label_counts == third.label_counts
    for folder in ("staged", "compared"):
        assert not (root / "out" / ".pomona" / folder).exists()


def test_a_dry_run_counts_and_writes_nothing(grown, tmp_path):
    root, *_ = grown
    words = ["run", str(root / "fruit"), "--out", str(tmp_path / "out"), "--dry-run"]
    result = CliRunner().invoke(app, [*words, "--inventory", str(root / "lists")])
    assert result.exit_code == 0, result.output
    assert "Would read 27 pictures" in result.output
    assert not (tmp_path / "out").exists()


def test_an_inventory_of_something_else_takes_nothing_away(grown, tmp_path):
    root, *_ = grown
    table = pa.table({"path": ["/elsewhere/a.jpg"], "size": [1], "etag": ["e"]})
    pq.write_table(table, tmp_path / "list.parquet")
    before = read_store(root / "out", root / "fruit")
    settings = UpdateSettings(inventory=str(tmp_path / "list.parquet"))
    for fresh in (False, True):
        with pytest.raises(SourceError, match="names no picture"):
            run(root / "fruit", root / "out", update_settings=settings, fresh=fresh)
    assert read_store(root / "out", root / "fruit") == before


def test_what_stands_twice_is_taken_out(grown):
    from pomona.storage.claims import claim
    from pomona.storage.locations import open_location
    from pomona.storage.state import new_ids, read_state
    from pomona.storage.table import commit, read_rows, write_rows

    root, *_ = grown
    whole = read_store(root / "out", root / "fruit")
    features = open_location(root / "out").at("features")
    held = read_state(open_location(root / "out")).features
    rows = read_rows(features, sorted(held.files)[:1])
    rows = rows.set_column(0, rows.schema.field(0), new_ids(len(rows)))
    with claim(open_location(root / "out")) as mine:
        file = write_rows(features, mine.find_name(), rows)
        commit(features, held, rows.schema, add=[file])
    settings = UpdateSettings(inventory=str(root / "lists"))
    record = run(root / "fruit", root / "out", update_settings=settings)
    assert record.changes.gone == len(rows) > 0
    assert record.images_found == 27
    assert read_store(root / "out", root / "fruit") == whole
