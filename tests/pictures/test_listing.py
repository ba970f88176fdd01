import os
import unicodedata

import pytest

from pomona.errors import ImageError, SettingsError, SourceError
from pomona.pictures.fetch import fetch_bytes
from pomona.pictures.listing import list_images
from pomona.settings import SourceSettings


def _listed(root, **settings):
    return list_images(SourceSettings(root, **settings)).pictures


def test_list_images_takes_folder_names_exactly(photos):
    table = _listed(photos)
    assert len(table) == 12
    assert sorted(set(table["label"].to_pylist())) == ["50% #1 Kiwi", "Pomme d'été", "plum"]
    assert all(os.path.exists(path) for path in table["path"].to_pylist())
    assert table["path"].to_pylist()[0].endswith("/50% #1 Kiwi/0 %41#.jpg")


def test_list_images_keeps_both_unicode_forms_apart(photos):
    decomposed = photos / unicodedata.normalize("NFD", "Pomme d'été")
    decomposed.mkdir()
    (decomposed / "x.jpg").write_bytes(b"x")
    labels = _listed(photos)["label"].to_pylist()
    assert labels.count(decomposed.name) == 1
    assert labels.count("Pomme d'été") == 4


def test_list_images_takes_known_extensions_in_any_case_and_no_hidden_names(photos):
    for name in ("A.JPG", "b.JpEg", "c.tIf", "d.webp", "notes.txt", "._a.jpg", ".hidden.png"):
        (photos / name).write_bytes(b"x")
    (photos / ".cache").mkdir()
    (photos / ".cache" / "e.jpg").write_bytes(b"x")
    table = _listed(photos, label="folder").to_pylist()
    top = [os.path.basename(row["path"]) for row in table if row["label"] == "photos"]
    assert top == ["A.JPG", "b.JpEg", "c.tIf", "d.webp"]


def test_list_images_follows_links_and_does_not_loop(photos):
    (photos / "plum" / "up").symlink_to(photos)
    (photos / "more").symlink_to(photos / "plum")
    (photos / "plum" / "dead.jpg").symlink_to(photos / "nowhere.jpg")
    paths = _listed(photos)["path"].to_pylist()
    assert sum("/more/" in path for path in paths) == 5
    assert any(path.endswith("/plum/dead.jpg") for path in paths)


def test_list_images_glob_limit_and_sample(photos):
    assert len(_listed(photos, glob="plum/*")) == 4
    assert len(_listed(photos, glob="0*.jpg")) == 3
    assert _listed(photos, limit=5) == _listed(photos).slice(0, 5)
    sample = _listed(photos, sample=2)
    assert sorted(sample["label"].to_pylist()).count("plum") == 2
    (photos / "plum" / "a new one.txt").write_bytes(b"x")
    assert _listed(photos, sample=2) == sample


def test_list_images_label_rules(photos, tmp_path):
    assert set(_listed(photos, label="none")["label"].to_pylist()) == {None}
    by_number = _listed(photos, label=r"regex:(\d) %41")["label"].to_pylist()
    assert sorted(set(by_number)) == ["0", "1", "2", "3"]
    named = _listed(photos, label=r"regex:(x)?(?P<label>plum)/")["label"].to_pylist()
    assert set(named) == {"plum", None}
    table = tmp_path / "labels.csv"
    table.write_text('path,label\n"plum/0 %41#.jpg","a, b"\n', encoding="utf-8")
    assert _listed(photos, label=f"csv:{table}")["label"].to_pylist().count("a, b") == 1


def test_list_images_quarantines_names_that_are_not_text(photos):
    with open(os.path.join(os.fsencode(photos), b"caf\xe9.jpg"), "wb") as file:
        file.write(b"x")
    listing = list_images(SourceSettings(photos))
    assert listing.n_images == 13
    assert listing.quarantined.to_pylist()[0]["reason_code"] == "bad_name"
    assert listing.quarantined.to_pylist()[0]["path"].endswith("caf\\xe9.jpg")


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"label": "regex:("}, "is not a regular expression"),
        ({"label": "regex:plum"}, "has no group"),
        ({"label": "csv:/nowhere.csv"}, "cannot be read"),
        ({"label": "colour"}, "Unknown label rule 'colour'"),
        ({"limit": 0}, "limit is '0'"),
        ({"sample": -1}, "sample is '-1'"),
    ],
)
def test_list_images_refuses_wrong_settings(photos, settings, match):
    with pytest.raises(SettingsError, match=match):
        list_images(SourceSettings(photos, **settings))


def test_list_images_refuses_label_table_without_its_columns(photos, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("file,class\n", encoding="utf-8")
    with pytest.raises(SettingsError, match="It needs 'path'"):
        list_images(SourceSettings(photos, label=f"csv:{table}"))


def test_list_images_refuses_sources_without_pictures(photos, tmp_path):
    with pytest.raises(SourceError, match="does not exist"):
        list_images(SourceSettings(tmp_path / "nowhere"))
    with pytest.raises(SourceError, match="is a file"):
        list_images(SourceSettings(photos / "plum" / "0 %41#.jpg"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="No pictures below"):
        list_images(SourceSettings(tmp_path / "empty"))
    with pytest.raises(SourceError, match="No pictures that match 'x/"):
        list_images(SourceSettings(photos, glob="x/*"))


def test_fetch_bytes_says_why_there_are_none(tmp_path, monkeypatch):
    (tmp_path / "a.jpg").write_bytes(b"abc")
    assert fetch_bytes(str(tmp_path / "a.jpg")) == b"abc"
    with pytest.raises(ImageError, match="is gone") as caught:
        fetch_bytes(str(tmp_path / "b.jpg"))
    assert caught.value.reason_code == "missing"
    monkeypatch.setattr("pomona.pictures.fetch.MAX_FILE_BYTES", 2)
    with pytest.raises(ImageError, match="larger than 2 bytes") as caught:
        fetch_bytes(str(tmp_path / "a.jpg"))
    assert caught.value.reason_code == "too_large_file"

    def refuse(error):
        def opener(*_, **__):
            raise error

        return opener

    for error, code in (
        (PermissionError(13, "no"), "unreadable"),
        (OSError(5, "I/O"), "read_error"),
    ):
        monkeypatch.setattr("builtins.open", refuse(error))
        with pytest.raises(ImageError, match=r".") as caught:
            fetch_bytes("a.jpg")
        monkeypatch.undo()
        assert caught.value.reason_code == code
