import zipfile

import pytest
from tiny_networks import write_network, write_spec

from pomona.backbones.cache import list_entries
from pomona.backbones.making.own import add_network
from pomona.backbones.making.transfer import pack_entry, unpack_entry
from pomona.errors import SettingsError, SetupError


@pytest.fixture
def entry(tmp_path):
    model = write_network(tmp_path / "a.onnx")
    return add_network("tiny", model, write_spec(tmp_path / "a.toml"), cache=tmp_path / "here")


def test_unpack_entry_gives_what_was_packed(entry, tmp_path):
    file = pack_entry(entry, tmp_path / "tiny.pomona")
    there = unpack_entry(file, cache=tmp_path / "there")
    assert there.spec == entry.spec
    assert there.manifest["versions"] == entry.manifest["versions"]
    assert there.weights.read_bytes() == entry.weights.read_bytes()
    assert not list(tmp_path.glob(".*.tmp"))


def test_unpack_entry_refuses_damage_and_stores_nothing(entry, tmp_path):
    file = pack_entry(entry, tmp_path / "tiny.pomona")
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[whole.index(b"doubled")] ^= 1
    for data in (whole[: len(whole) // 2], bytes(flipped), b"", b"text"):
        file.write_bytes(data)
        with pytest.raises(SettingsError, match="is not a packed network, or is damaged"):
            unpack_entry(file, cache=tmp_path / "there")
    with pytest.raises(SettingsError, match="is not a packed network"):
        unpack_entry(tmp_path / "nothing", cache=tmp_path / "there")
    assert list(list_entries(tmp_path / "there")) == []


def test_unpack_entry_refuses_another_network_under_the_same_manifest(entry, tmp_path):
    file = pack_entry(entry, tmp_path / "tiny.pomona")
    with zipfile.ZipFile(file) as archive:
        manifest = archive.read("manifest.json")
    other = write_network(tmp_path / "b.onnx", weight=3.0)
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("manifest.json", manifest)
        archive.write(other, "model.onnx")
    with pytest.raises(SettingsError, match="is not the one of its manifest"):
        unpack_entry(file, cache=tmp_path / "there")


def test_pack_entry_says_where_it_cannot_write(entry, tmp_path):
    with pytest.raises(SetupError, match="Choose another place with --to"):
        pack_entry(entry, tmp_path / "nowhere" / "tiny.pomona")
