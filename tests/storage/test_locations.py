import os
import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pomona.errors import SettingsError
from pomona.storage.locations import LocalLocation, Location, open_location


@pytest.fixture
def place(tmp_path) -> Location:
    return LocalLocation(tmp_path / "out")


def test_what_is_put_is_listed_and_read_back(place):
    assert place.list() == []
    place.put("b.json", b"{}")
    place.at("a").put("part-0", b"\0\xff")
    assert place.list() == ["a", "b.json"]
    assert place.at("a").get("part-0") == b"\0\xff"
    assert place.has("a")
    assert place.has("a/part-0")
    assert not place.has("c")
    with pytest.raises(FileNotFoundError):
        place.get("c")


def test_a_writer_that_fails_leaves_what_was_there(place):
    place.put("a", b"old")
    with pytest.raises(RuntimeError), place.writer("a") as file:
        file.write(b"new")
        assert place.list() == ["a"]
        raise RuntimeError
    assert place.get("a") == b"old"
    assert [path.name for path in place.path.iterdir()] == ["a"]


def test_put_if_absent_has_one_winner(place):
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda i: place.put_if_absent("lock", str(i).encode()), range(32)))
    assert won.count(True) == 1
    assert place.get("lock") == str(won.index(True)).encode()
    assert place.list() == ["lock"]


def test_deleting_takes_files_folders_and_nothing_else(place, tmp_path):
    outside = tmp_path / "photos"
    outside.mkdir()
    (outside / "0.jpg").write_bytes(b"x")
    place.at("a/b").put("c", b"1")
    (place.path / "link").symlink_to(outside)
    for name in ("a", "link", "never there"):
        place.delete(name)
    assert place.list() == []
    assert (outside / "0.jpg").exists()
    place.delete_all()
    assert not place.path.exists()


def test_unfinished_files_are_cleared_and_never_listed(place):
    place.put("part-0", b"1")
    (place.path / ".part-1.0123.tmp").write_bytes(b"half")
    assert place.list() == ["part-0"]
    place.delete_unfinished()
    assert [path.name for path in place.path.iterdir()] == ["part-0"]


def test_a_replacement_comes_in_one_step_or_not_at_all(place):
    place.put("old", b"1")
    with pytest.raises(RuntimeError), place.replacement() as fresh:
        fresh.put("new", b"2")
        raise RuntimeError
    assert place.list() == ["old"]
    with place.replacement() as fresh:
        fresh.put("new", b"2")
    assert place.list() == ["new"]
    assert os.listdir(place.path.parent) == ["out"]


def test_what_is_private_is_its_owners_only(tmp_path):
    place = LocalLocation(tmp_path / "private", private=True)
    place.at("a").put("b", b"1")
    modes = [stat.S_IMODE(path.stat().st_mode) for path in (place.path / "a", place.path / "a/b")]
    assert modes == [0o700, 0o600]


def test_a_worker_elsewhere_gets_the_same_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    sent = pickle.dumps(LocalLocation(Path("out")))
    monkeypatch.chdir("/")
    assert pickle.loads(sent).path == tmp_path / "out"


@pytest.mark.parametrize("address", ["ftp://host/out", "http://host/out", "ssh://host"])
def test_addresses_of_other_kinds_are_refused(address):
    with pytest.raises(SettingsError, match="is an address of"):
        open_location(address)
