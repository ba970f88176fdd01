"""What is learnt from and what never is, from folders of pictures."""

import pytest
from picture_files import encode
from PIL import Image

from pomona.errors import TrainingError
from recipes.default_recogniser.pictures import load_data


@pytest.fixture
def folders(tmp_path):
    tree = {
        "grocery": ["Kiwi", "Lemon"],
        "fruits360/Training": ["Plum", "Plum 3"],
        "fruits360/Test": ["Plum", "Plum 3", "Tomato Yellow"],
        "strangers": ["wallpapers"],
    }
    for name, labels in tree.items():
        for label in labels:
            for i in range(2):
                path = tmp_path / name / label / f"{i}.png"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(encode(Image.new("RGB", (500, 250), (20 * i, 90, 10)), "PNG"))
    return tmp_path


def test_load_data_keeps_what_is_left_out_apart(folders):
    data = load_data(folders, strangers=folders / "strangers", leave_out=["Lemon", "Plum 3"])
    assert set(data.phone.folders) == {"Kiwi"}
    assert set(data.studio.folders) == set(data.studio_test.folders) == {"Plum"}
    assert sorted(data.unseen.folders) == ["Lemon"] * 2 + ["Plum 3"] * 2 + ["Tomato Yellow"] * 2
    assert len(data.unseen.pixels) == len(data.unseen.folders)
    assert len(data.strangers) == 2
    assert len(data.strangers_test) == 0


def test_load_data_makes_large_pictures_smaller(folders):
    data = load_data(folders)
    assert {pixels.shape for pixels in data.phone.pixels} == {(200, 400, 3)}


def test_load_data_names_the_folder_that_is_missing(tmp_path):
    (tmp_path / "grocery").mkdir()
    with pytest.raises(TrainingError, match="fruits360/Training"):
        load_data(tmp_path)
