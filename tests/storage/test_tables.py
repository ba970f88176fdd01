"""Files of a bucket are worked on several at a time, in their order, and never all at once."""

import threading
import time

import pyarrow as pa
import pytest

from pomona.storage.locations import LocalLocation
from pomona.storage.table import write_rows
from pomona.storage.tables import FILES, map_files, read_batches


class Remote(LocalLocation):
    """A folder that is not on a disk, for all that a table knows."""


@pytest.fixture
def remote(tmp_path, monkeypatch):
    monkeypatch.setattr("pomona.storage.tables.LocalLocation", type("Other", (), {}))
    return Remote(tmp_path)


def test_work_is_done_together_and_given_in_order(remote):
    running, most, begun = set(), [0], []
    lock = threading.Lock()

    def work(name):
        with lock:
            running.add(name)
            begun.append(name)
            most[0] = max(most[0], len(running))
        # The first one of all takes longest.
        time.sleep(0.1 if name == "0" else 0.01)
        with lock:
            running.discard(name)
        return name

    names = [str(number) for number in range(40)]
    given = map_files(work, remote, names)
    assert next(given) == "0"
    # What nobody has asked for does not pile up.
    assert len(begun) <= FILES + 2
    assert list(given) == names[1:]
    assert 1 < most[0] <= FILES


def test_rows_are_the_same_from_anywhere(remote, tmp_path):
    for number in range(6):
        rows = pa.table({"path": [f"{number}-{i}" for i in range(3)], "size": [1, 2, 3]})
        write_rows(remote, f"part-{number}.parquet", rows)
    far = pa.Table.from_batches(read_batches(remote, columns=["path"]))
    assert far["path"].to_pylist() == [f"{number}-{i}" for number in range(6) for i in range(3)]
    assert far.schema.names == ["path"]
