"""The pictures everybody tries Pomona with: enough, small, whole, and with their notice."""

from pathlib import Path

import pytest

from pomona.pictures.decode import decode_image

FRUIT = Path(__file__).parents[1] / "examples" / "fruit"


def _count(part):
    return {folder.name: len(list(folder.glob("*.jpg"))) for folder in (FRUIT / part).iterdir()}


def test_there_are_enough_of_each():
    assert set(_count("frames").values()) == {20}
    assert len(_count("frames")) >= 12
    assert sum(_count("photographs").values()) >= 60


def test_they_are_small_together():
    assert sum(path.stat().st_size for path in FRUIT.rglob("*") if path.is_file()) <= 4 << 20


@pytest.mark.parametrize("part", ["frames", "photographs"])
def test_every_picture_decodes_and_carries_no_metadata(part):
    for path in sorted((FRUIT / part).rglob("*.jpg")):
        content = path.read_bytes()
        assert b"Exif" not in content[:4096], path
        assert min(decode_image(content, path=str(path)).size) >= 100


def test_the_notice_names_every_folder_and_author():
    notice = (FRUIT / "NOTICE.md").read_text(encoding="utf-8").replace("\n", " ")
    assert [
        name for part in ("frames", "photographs") for name in _count(part) if name not in notice
    ] == []
    assert "Mihai Oltean, Horea Muresan" in notice
    assert "Marcus Klasson" in notice
    assert "Permission is hereby granted" in notice
