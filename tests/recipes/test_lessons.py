"""Packed pictures: what is learnt from them, and what is not."""

import io

import numpy as np
import pytest
from PIL import Image

from pomona.errors import TrainingError
from recipes.default_recogniser.lessons import Targets, find_examples, read_pack
from recipes.default_recogniser.packing import find_rows, pack

COLOURS = {"Banana": (220, 200, 40), "Plum": (90, 30, 90), "Lime": (120, 190, 60)}


def test_pack_holds_all_and_says_what_it_is(packed):
    rows = packed.rows
    assert len(packed.find("phone")) == 42
    assert len(packed.find("studio")) == 6
    assert {row["set"] for row in rows if row["kind"] == "world"} == {"fruteria", "hall", "yard"}
    image = packed.image(packed.find("phone")[0])
    assert min(image.size) == 64
    large = packed.image(packed.find("world")[0])
    assert min(large.size) == 64
    assert packed.squares(32).shape == (len(rows), 32, 32, 3)


def test_targets_name_folders_fruits_and_nothing(packed):
    targets = Targets.of(packed)
    assert {label.label for label in targets.labels} == {"Banana", "Plum", "Lime", "Tomato"}
    assert targets.names[-1] == "none"
    n = targets.n_outputs
    assert n == 5
    assert targets.find("Plum", None) < n - 1
    assert targets.find(None, "none") == n - 1
    # Only its fruit is known.
    assert targets.find(None, "plum") == n + targets.fruits["plum"]
    assert targets.fruit("Plum", None) == targets.fruit(None, "plum")
    assert targets.find(None, "mixed") is None


def test_nothing_is_learnt_from_what_is_left_out(packed):
    targets = Targets.of(packed)
    held = np.zeros(len(packed.rows), bool)
    held[packed.find("phone")[:5]] = True
    all_of = find_examples(packed, targets, without=(), held=None)
    some = find_examples(packed, targets, without=["yard"], held=held)
    assert set(all_of) == {"phone", "studio", "world", "none"}
    assert len(all_of["phone"]) - len(some["phone"]) == 5
    assert {packed.rows[one.picture]["set"] for one in some["world"]} == {"fruteria", "hall"}
    # A bowl teaches by its boxes alone.
    windows = [one for one in all_of["world"] if one.window is not None]
    assert [packed.rows[one.picture]["fruit"] for one in windows] == ["mixed", "mixed"]
    np.testing.assert_allclose(windows[0].window, (-0.5, -0.4, 0.3, 0.4), atol=1e-6)
    kinds = {packed.rows[one.picture]["kind"] for some in all_of.values() for one in some}
    assert "studio_test" not in kinds
    assert "none_test" not in kinds


def test_a_set_that_is_missing_is_named(tmp_path):
    with pytest.raises(TrainingError, match="grocery"):
        next(find_rows(tmp_path, tmp_path))


def test_pack_reads_back(packed, tmp_path, pictures):
    counts = pack(pictures, pictures / "strangers", tmp_path / "again.parquet", side=64)
    again = read_pack(tmp_path / "again.parquet")
    assert counts["phone"] == 42
    assert again.rows == packed.rows
    assert Image.open(io.BytesIO(again.jpegs[0])).format == "JPEG"
