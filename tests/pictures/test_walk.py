import pytest

from pomona.errors import SourceError
from pomona.pictures.listing import list_images
from pomona.pictures.walk import find_pictures
from pomona.recognition.prediction import find_photos
from pomona.settings import SourceSettings


@pytest.fixture
def photos(tmp_path):
    folder = tmp_path / "photos"
    for name in (
        "a.jpg",
        "plum/b.PNG",
        ".hidden/c.jpg",
        "plum/.d.jpg",
        "plum/deep/e.webp",
        "f.txt",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"x" * 7)
    (folder / "more").symlink_to(folder / "plum")
    (folder / "plum" / "up").symlink_to(folder)
    return folder


def test_find_pictures_follows_links_and_leaves_hidden_names_out(photos):
    found = find_pictures(str(photos))
    assert [picture.relative for picture in found] == [
        "a.jpg",
        "more/b.PNG",
        "more/deep/e.webp",
        "plum/b.PNG",
        "plum/deep/e.webp",
    ]
    assert {picture.size for picture in found} == {7}
    assert all(picture.mtime_ns > 0 for picture in found)


def test_find_pictures_matches_names_and_paths(photos):
    assert [p.relative for p in find_pictures(str(photos), glob="a*")] == ["a.jpg"]
    assert [p.relative for p in find_pictures(str(photos), glob="plum/*.webp")] == [
        "plum/deep/e.webp"
    ]


def test_every_command_finds_the_same_pictures(photos):
    listed = list_images(SourceSettings(photos)).pictures["path"].to_pylist()
    assert find_photos(photos) == listed == [p.path for p in find_pictures(str(photos))]


def test_find_pictures_says_what_cannot_be_listed(tmp_path):
    with pytest.raises(SourceError, match="cannot be listed"):
        find_pictures(str(tmp_path / "nowhere"))
