"""Inventories in the shapes that the clouds write, read piece by piece."""

import gzip
import json
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from pomona.errors import SettingsError, SourceError
from pomona.pictures.inventory import PIECE_ROWS, open_inventory
from pomona.pictures.inventory_rows import read_inventory
from pomona.settings import SourceSettings

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def read(place, source):
    inventory = open_inventory(str(place), source)
    tables = [
        pa.Table.from_batches(list(read_inventory(inventory, number, source)))
        for number in range(len(inventory.pieces))
    ]
    return pa.concat_tables(tables).sort_by("path").to_pylist()


def test_s3_csv_of_a_bucket_with_versions(tmp_path):
    rows = [
        ("photos", "fruit/apple/a%20b+c%2B1.jpg", "true", "false", "10", "e1"),
        ("photos", "fruit/apple/old.jpg", "false", "false", "11", "e2"),
        ("photos", "fruit/apple/gone.jpg", "true", "true", "", ""),
        ("photos", "fruit/apple/notes.txt", "true", "false", "5", "e3"),
        ("photos", "fruit/.hidden/a.jpg", "true", "false", "5", "e3"),
        ("photos", "fruit/apple%2F%2Fodd.jpg", "true", "false", "12", "e4"),
        ("photos", "fruit/apple/%FF.jpg", "true", "false", "13", "e5"),
        ("photos", "vegetables/leek/a.jpg", "true", "false", "14", "e6"),
        ("other", "fruit/apple/b.jpg", "true", "false", "15", "e7"),
    ]
    lines = [",".join(f'"{word}"' for word in (*row, "2026-01-01T12:00:00.000Z")) for row in rows]
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "1.csv.gz").write_bytes(gzip.compress("\n".join(lines).encode()))
    manifest = {
        "sourceBucket": "photos",
        "destinationBucket": "arn:aws:s3:::lists",
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, IsLatest, IsDeleteMarker, Size, ETag, LastModifiedDate",
        "files": [{"key": "data/1.csv.gz", "size": 1}],
    }
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    found = read(tmp_path / "manifest.json", SourceSettings("s3://photos/fruit"))
    assert found == [
        {
            "path": "s3://photos/fruit/apple//odd.jpg",
            "label": None,
            "size": 12,
            "etag": None,
            "mtime": None,
            "bad_name": True,
        },
        {
            "path": "s3://photos/fruit/apple/\\xff.jpg",
            "label": None,
            "size": 13,
            "etag": None,
            "mtime": None,
            "bad_name": True,
        },
        {
            "path": "s3://photos/fruit/apple/a b c+1.jpg",
            "label": "apple",
            "size": 10,
            "etag": "e1",
            "mtime": NOON,
            "bad_name": False,
        },
    ]
    with pytest.raises(SettingsError, match="is of the bucket 'photos'"):
        open_inventory(str(tmp_path / "manifest.json"), SourceSettings("s3://others"))


def test_azure_parquet_names_begin_with_the_container(tmp_path):
    table = pa.table(
        {
            "Name": ["photos/fruit/apple/a.jpg", "photos/fruit/apple/b.jpg"],
            "Content-Length": [10, 11],
            "Etag": ["0x8D", "0x8E"],
            "Last-Modified": [int(NOON.timestamp() * 1000)] * 2,
            "Snapshot": [None, "2025-01-01T00:00:00Z"],
        }
    )
    pq.write_table(table, tmp_path / "rule.parquet")
    manifest = {"ruleDefinition": {"format": "parquet"}, "files": [{"blob": "rule.parquet"}]}
    (tmp_path / "rule-manifest.json").write_text(json.dumps(manifest))
    (found,) = read(tmp_path / "rule-manifest.json", SourceSettings("az://photos"))
    assert (found["path"], found["label"]) == ("az://photos/fruit/apple/a.jpg", "apple")
    assert (found["etag"], found["mtime"]) == ("0x8D", NOON)


def test_google_csv_says_the_etag_of_a_download(tmp_path):
    table = pa.table(
        {
            "bucket": ["photos"],
            "name": ["apple/a.jpg"],
            "size": [10],
            "etag": ["CIj0"],
            "md5Hash": ["1B2M2Y8AsgTpgAmY7PhCfg=="],
            "updated": ["2026-01-01T12:00:00Z"],
            "timeDeleted": [None],
        }
    )
    pacsv.write_csv(table, tmp_path / "shard_0.csv")
    manifest = {"report_config": {}, "report_shards_file_names": ["shard_0.csv"]}
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    (found,) = read(tmp_path / "manifest.json", SourceSettings("gs://photos"))
    assert found["etag"] == '"d41d8cd98f00b204e9800998ecf8427e"'
    assert (found["path"], found["mtime"]) == ("gs://photos/apple/a.jpg", NOON)


@pytest.mark.parametrize("time", ["2026-01-01 12:00:00", "2026-01-01T14:00:00+02:00"])
def test_a_table_of_a_folder_names_paths_in_either_way(tmp_path, time):
    photos = tmp_path / "photos"
    paths = ["apple/a.jpg", f"{photos}/apple/b.jpg", "/elsewhere/c.jpg", "s3://photos/d.jpg"]
    table = pa.table({"path": paths, "size": [1, 2, 3, 4], "mtime": [time] * 4})
    (tmp_path / "lists").mkdir()
    pacsv.write_csv(table, tmp_path / "lists" / "1.csv")
    found = read(tmp_path / "lists", SourceSettings(str(photos)))
    assert [row["path"] for row in found] == [f"{photos}/apple/{name}.jpg" for name in "ab"]
    assert {row["mtime"] for row in found} == {NOON}


@pytest.mark.parametrize(
    "times",
    [
        pa.array([NOON.timestamp()]),
        pa.array([int(NOON.timestamp())]),
        pa.array([int(NOON.timestamp()) * 10**9]),
        pa.array([NOON.replace(tzinfo=None)], pa.timestamp("ns")),
    ],
)
def test_times_in_any_unit(tmp_path, times):
    table = pa.table({"path": ["a.jpg"], "size": [1], "mtime": times})
    pq.write_table(table, tmp_path / "list.parquet")
    (found,) = read(tmp_path / "list.parquet", SourceSettings("s3://photos"))
    assert found["mtime"] == NOON


def test_long_parquet_is_cut_into_pieces(tmp_path):
    n = PIECE_ROWS + 10
    table = pa.table({"path": ["a.jpg"] * n, "size": [1] * n, "etag": ["e"] * n})
    pq.write_table(table, tmp_path / "list.parquet", row_group_size=PIECE_ROWS // 4)
    inventory = open_inventory(str(tmp_path / "list.parquet"), SourceSettings("s3://photos"))
    assert inventory.n_rows == n
    assert [piece.groups for piece in inventory.pieces] == [(0, 1, 2, 3), (4,)]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("list.csv", "path,etag\na,b\n", "has the columns path, etag"),
        ("list.csv", "path,size\na,1\n", "etag or mtime"),
        ("list.orc", "", "Parquet or CSV"),
        ("manifest.json", "{", "cannot be read"),
        ("manifest.json", "{}", "cannot be read"),
        ("list.parquet", "no table", "cannot be read"),
    ],
)
def test_what_is_no_inventory_is_said_before_work_starts(tmp_path, name, content, said):
    (tmp_path / name).write_text(content)
    with pytest.raises(SourceError, match=said):
        open_inventory(str(tmp_path / name), SourceSettings("s3://photos"))
    with pytest.raises(SourceError, match="cannot be read"):
        open_inventory(str(tmp_path / f"no{name}"), SourceSettings("s3://photos"))


def test_no_choice_among_what_nobody_counted(tmp_path):
    with pytest.raises(SettingsError, match="--limit and --sample"):
        open_inventory("list.csv", SourceSettings("s3://photos", limit=3))
