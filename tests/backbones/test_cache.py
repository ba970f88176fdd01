import errno
import json

import pytest
from tiny_networks import write_network, write_spec

from pomona.backbones import find_backbone, find_weights
from pomona.backbones.cache import (
    default_cache,
    entry_name,
    find_entry,
    list_entries,
    remove_entry,
    store_entry,
    verify_entry,
)
from pomona.backbones.making.own import add_network
from pomona.errors import SettingsError, SetupError


@pytest.fixture
def cache(tmp_path):
    return tmp_path / "50% #1 cache"


@pytest.fixture
def entry(cache, tmp_path):
    return add_network(
        "tiny", write_network(tmp_path / "a.onnx"), write_spec(tmp_path / "a.toml"), cache=cache
    )


def _everything(cache):
    return {path: path.read_bytes() for path in cache.rglob("*") if path.is_file()}


def test_default_cache_follows_xdg(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert default_cache() == tmp_path / "pomona"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert default_cache().parts[-2:] == (".cache", "pomona")


def test_entry_name_gives_layers_entries_of_their_own():
    names = [entry_name("vgg16", pooling) for pooling in (None, "avg", "flatten", "fc2")]
    assert names == ["vgg16", "vgg16", "vgg16", "vgg16.fc2"]


def test_store_entry_writes_record_hash_and_versions(entry, cache):
    manifest = json.loads((entry.folder / "manifest.json").read_text())
    assert manifest["backbone"]["sha256"] == entry.spec.sha256
    assert manifest["fingerprint"] == entry.spec.fingerprint()
    assert manifest["versions"]["pomona"]
    assert entry.weights.name.startswith(entry.spec.sha256[:32])
    assert find_entry(cache, "tiny").spec == entry.spec
    assert find_weights(find_backbone("tiny", cache=cache), cache=cache) == entry.weights


def test_store_entry_replaces_whole(entry, cache, tmp_path):
    other = write_network(tmp_path / "b.onnx", weight=3.0)
    again = add_network("tiny", other, write_spec(tmp_path / "b.toml"), cache=cache)
    assert again.spec.sha256 != entry.spec.sha256
    assert {path.name for path in again.folder.iterdir()} == {"manifest.json", again.weights.name}
    assert [path.name for path in (cache / "backbones").iterdir()] == ["tiny"]


def test_store_entry_leaves_nothing_when_it_is_interrupted(entry, cache):
    before = _everything(cache)

    def interrupt(path):
        path.write_bytes(b"half a net")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store_entry(cache, entry.spec, interrupt, name="other", facts={})
    assert _everything(cache) == before
    assert [found.name for found in list_entries(cache)] == ["tiny"]


def test_what_a_killed_process_left_is_not_an_entry(entry, cache):
    left = cache / "backbones" / ".unfinished-abc"
    left.mkdir()
    (left / "model.onnx").write_bytes(b"half")
    assert [found.name for found in list_entries(cache)] == ["tiny"]
    assert find_entry(cache, ".unfinished-abc") is None


def test_store_entry_says_when_the_disk_is_full(entry, cache):
    before = _everything(cache)

    def fill(path):
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SetupError, match=r"The disk of the cache .* is full"):
        store_entry(cache, entry.spec, fill, name="tiny", facts={})
    assert _everything(cache) == before


def test_store_entry_says_when_the_cache_cannot_be_written(entry, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SetupError, match=r"cannot be written.*Choose another with --cache"):
        store_entry(tmp_path / "file", entry.spec, lambda path: None, name="x", facts={})


def test_verify_entry_finds_a_changed_file(entry):
    assert verify_entry(entry) == entry.weights
    data = bytearray(entry.weights.read_bytes())
    data[40] ^= 1
    entry.weights.write_bytes(data)
    with pytest.raises(SetupError, match="so the file is damaged or replaced"):
        verify_entry(entry)
    entry.weights.unlink()
    with pytest.raises(SetupError, match="are missing"):
        verify_entry(entry)


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"format_version": 1, "backbone": {}}'])
def test_a_damaged_manifest_is_an_error_and_can_be_removed(entry, cache, text):
    (entry.folder / "manifest.json").write_text(text)
    with pytest.raises(SetupError, match="is damaged"):
        find_backbone("tiny", cache=cache)
    assert [type(found) for found in list_entries(cache)] == [SetupError]
    remove_entry(cache, "tiny")
    assert list(list_entries(cache)) == []


def test_remove_entry_refuses_what_is_not_there(cache):
    for name in ("vgg16", "../..", ""):
        with pytest.raises(SettingsError, match="holds no backbone"):
            remove_entry(cache, name)
