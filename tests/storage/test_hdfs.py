"""HDFS behind the verbs of a location, over a stand-in; see stores/hdfs/hdfs_native.py."""

import inspect
import socket
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from picture_files import copy_frames

import pomona
from pomona.errors import SetupError
from pomona.settings import SourceSettings
from pomona.storage import hdfs
from pomona.storage.locations import open_location
from pomona.storage.table import read_rows, write_rows

STAND_IN = Path(__file__).parents[1] / "stores" / "hdfs"


@pytest.fixture
def name_node(tmp_path, monkeypatch):
    """The stand-in in the place of the package; its files are in the folder that is given."""
    folder = tmp_path / "hdfs"
    folder.mkdir()
    monkeypatch.setenv("POMONA_TEST_HDFS", str(folder))
    monkeypatch.syspath_prepend(str(STAND_IN))
    monkeypatch.delitem(sys.modules, "hdfs_native", raising=False)
    hdfs._open.cache_clear()
    yield folder
    hdfs._open.cache_clear()
    sys.modules.pop("hdfs_native", None)


def test_the_stand_in_has_the_calls_of_the_package(name_node, monkeypatch):
    import hdfs_native

    ours = hdfs_native.Client
    monkeypatch.undo()
    del sys.modules["hdfs_native"]
    real = pytest.importorskip("hdfs_native", reason="hdfs-native is not installed").Client
    assert real is not ours
    for name, call in inspect.getmembers(ours, inspect.isfunction):
        if not name.startswith("_"):
            wanted = list(inspect.signature(call).parameters)
            assert list(inspect.signature(getattr(real, name)).parameters) == wanted


def test_files_are_put_read_listed_and_deleted(name_node):
    place = open_location("hdfs://names/results")
    assert place.list() == []
    assert place.files() == []
    place.put("b.json", b"{}")
    place.put("b.json", b"[]")
    place.at("a").put("part-0", b"\0\xff")
    assert place.list() == ["a", "b.json"]
    assert [(file.name, file.size) for file in sorted(place.files(), key=str)] == [
        ("a/part-0", 2),
        ("b.json", 2),
    ]
    assert place.get("b.json") == b"[]"
    assert (place.has("a"), place.has("c")) == (True, False)
    with pytest.raises(FileNotFoundError):
        place.get("c")
    assert place.local_file("a/part-0").read_bytes() == b"\0\xff"
    place.delete_files(["b.json", "c"])
    place.at("a").remove_if_empty()
    assert place.list() == ["a"]
    place.delete_all()
    assert [*name_node.iterdir()] == []


def test_a_writer_that_fails_leaves_what_was_there(name_node):
    place = open_location("hdfs://names/results")
    place.put("a", b"old")
    with pytest.raises(RuntimeError), place.writer("a") as file:
        file.write(b"new")
        raise RuntimeError
    assert place.get("a") == b"old"
    assert [path.name for path in (name_node / "results").iterdir()] == ["a"]


def test_put_if_absent_has_one_winner(name_node):
    place = open_location("hdfs://names/results")
    place.make()
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda i: place.put_if_absent("lock", str(i).encode()), range(16)))
    assert won.count(True) == 1
    assert place.get("lock") == str(won.index(True)).encode()
    assert place.list() == ["lock"]


def test_tables_are_written_and_read_back(name_node):
    place = open_location("hdfs://names/results")
    rows = pa.table({"path": ["a", "b"], "size": [1, 2]})
    file = write_rows(place, "part-0.parquet", rows)
    assert file.size == (name_node / "results" / "part-0.parquet").stat().st_size
    assert read_rows(place, ["part-0.parquet"]).equals(rows)
    fresh = place.at("fresh")
    fresh.put("part-0.parquet", b"new")
    place.take(fresh)
    assert place.get("part-0.parquet") == b"new"


def test_pictures_are_read_from_it(name_node, spark, tmp_path, monkeypatch):
    source = copy_frames(name_node / "photos", n_labels=2, n_each=6)
    (source / "folder.jpg").mkdir()
    # To the workers as well.
    spark.sparkContext.addPyFile(str(STAND_IN / "hdfs_native.py"))
    monkeypatch.setitem(spark.sparkContext.environment, "POMONA_TEST_HDFS", str(name_node))
    records = {
        name: pomona.extract(SourceSettings(place), str(tmp_path / f"from-{name}"))
        for name, place in (("disk", str(source)), ("hdfs", "hdfs://names/photos"))
    }
    assert records["hdfs"].images_extracted == records["disk"].images_extracted == 12
    vectors = {}
    for name, root in (("disk", str(source)), ("hdfs", "hdfs://names/photos")):
        rows = read_features(tmp_path / f"from-{name}")
        vectors[name] = {row["path"].removeprefix(root): row["features"] for row in rows}
    assert vectors["disk"].keys() == vectors["hdfs"].keys()
    for name, vector in vectors["disk"].items():
        assert np.array_equal(vector, vectors["hdfs"][name])
    again = pomona.extract(SourceSettings("hdfs://names/photos"), str(tmp_path / "from-hdfs"))
    assert (again.changes.unchanged, again.changes.extracted) == (12, 0)


def read_features(out):
    from pomona.storage.state import find_state

    features = find_state(open_location(out)).features
    return read_rows(open_location(out).at("features"), features.files).to_pylist()


def test_a_name_node_that_does_not_answer_is_said_at_once():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        place = open_location(f"hdfs://127.0.0.1:{taken.getsockname()[1]}/results")
        with pytest.raises(SetupError, match="No NameNode answers"):
            place.list()
