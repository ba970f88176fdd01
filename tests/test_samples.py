"""The synthetic fruit: same arguments, same pixels; classes differ more than frames."""

import hashlib
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pomona.errors import OutputError, SettingsError
from pomona.samples import class_name, render_fruit, write_samples


def hash_files(directory: Path) -> dict[str, str]:
    return {
        str(path.relative_to(directory)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(directory.rglob("*.jpg"))
    }


def render_turn(class_index: int, *, n_frames: int = 6, size: int = 48) -> np.ndarray:
    return np.stack(
        [render_fruit(class_index, f, n_frames=n_frames, size=size) for f in range(n_frames)]
    ).astype(np.float64)


def test_render_fruit_repeats_whatever_came_between():
    first = render_fruit(3, 5, n_frames=20, seed=7)
    for index in range(6):  # more varieties than are kept in memory
        render_fruit(index, 0, n_frames=3, seed=7, size=32)
    np.testing.assert_array_equal(render_fruit(3, 5, n_frames=20, seed=7), first)


def test_render_fruit_repeats_in_another_process():
    code = (
        "import hashlib; from pomona.samples import render_fruit;"
        "pixels = render_fruit(2, 4, n_frames=9, seed=1);"
        "print(hashlib.sha256(pixels.tobytes()).hexdigest())"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()
    here = render_fruit(2, 4, n_frames=9, seed=1)
    assert hashlib.sha256(here.tobytes()).hexdigest() == found


@pytest.mark.parametrize("size", [16, 33, 100, 300])
def test_render_fruit_fills_the_size_asked_for(size):
    pixels = render_fruit(0, 0, n_frames=1, size=size)
    assert pixels.shape == (size, size, 3)
    assert pixels.dtype == np.uint8
    assert 0.25 < (pixels.min(axis=2) < 250).mean() < 0.9


def test_render_fruit_keeps_the_corners_white_for_every_kind():
    for index in range(24):
        for frame in range(0, 8, 3):
            pixels = render_fruit(index, frame, n_frames=8, size=40)
            corners = pixels[[0, 0, -1, -1], [0, -1, 0, -1]]
            assert (corners == 255).all(), class_name(index)


def test_render_fruit_fits_the_picture_for_every_kind():
    for index in range(24):
        pixels = render_fruit(index, 1, n_frames=5, size=64)
        frame = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
        assert (frame.min(axis=1) > 250).mean() > 0.9, class_name(index)


def test_render_fruit_has_soft_edges_and_shading():
    pixels = render_fruit(0, 0, n_frames=1, size=200)
    fruit = pixels[pixels.min(axis=2) < 250]
    assert len(np.unique(fruit, axis=0)) > 1000


def test_render_fruit_frames_differ():
    turn = render_turn(11, n_frames=24)
    steps = [np.abs(a - b).mean() for a, b in pairwise(turn)]
    assert min(steps) > 0.1


def test_render_fruit_frames_of_a_long_turn_are_all_different():
    pixels = {render_fruit(0, f, n_frames=50_000, size=32).tobytes() for f in range(40)}
    assert len(pixels) == 40


def test_render_fruit_half_a_turn_shows_the_other_side():
    front, back = (render_fruit(5, f, n_frames=2).astype(float) for f in range(2))
    assert np.abs(front - back).mean() > 3


def test_render_fruit_classes_differ_more_than_frames():
    turns = np.stack([render_turn(index) for index in range(12)])
    means = turns.mean(axis=1)
    within = np.sqrt(((turns - means[:, None]) ** 2).mean(axis=(1, 2, 3, 4))).mean()
    between = np.sqrt(((means - means.mean(axis=0)) ** 2).mean(axis=(1, 2, 3))).mean()
    assert between > within


def test_render_fruit_frames_are_nearest_to_their_own_class():
    turns = np.stack([render_turn(index) for index in range(30)])
    means = turns[:, ::2].mean(axis=1)  # the other half of the frames is asked below
    asked = turns[:, 1::2].reshape(-1, *means.shape[1:])
    distance = ((asked[:, None] - means[None]) ** 2).mean(axis=(2, 3, 4))
    right = distance.argmin(axis=1) == np.repeat(np.arange(30), 3)
    assert right.mean() > 0.75


def test_render_fruit_seed_changes_the_fruit():
    assert (render_fruit(0, 0, n_frames=1) != render_fruit(0, 0, n_frames=1, seed=1)).any()


def test_class_name_is_unique_and_fit_for_a_folder():
    for seed in range(3):
        names = [class_name(index, seed) for index in range(200)]
        assert len({name.lower() for name in names}) == 200
        assert all(name == name.strip() and name.replace(" ", "").isalnum() for name in names)
    assert any(" " in name for name in names)
    assert any(" " not in name for name in names)


def test_class_name_does_not_change():
    assert sorted(class_name(index) for index in range(3)) == [
        "Cherry Red",
        "Eggplant Purple",
        "Pomegranate",
    ]


def test_write_samples_lays_out_one_folder_per_class(tmp_path):
    seen: list[int] = []
    total = write_samples(
        tmp_path / "new" / "fruit",
        n_classes=3,
        n_per_class=4,
        size=40,
        workers=0,
        on_progress=seen.append,
    )
    assert total == sum(seen) == 12
    found = {
        p.name: sorted(f.name for f in p.iterdir()) for p in (tmp_path / "new/fruit").iterdir()
    }
    names = [f"{frame:05d}.jpg" for frame in range(4)]
    assert found == {class_name(index): names for index in range(3)}
    with Image.open(tmp_path / "new/fruit" / class_name(0) / "00002.jpg") as picture:
        assert (picture.format, picture.mode, picture.size) == ("JPEG", "RGB", (40, 40))
        pixels = np.asarray(picture).astype(int)
    assert np.abs(pixels - render_fruit(0, 2, n_frames=4, size=40)).mean() < 6


def test_write_samples_gives_the_same_bytes_in_any_number_of_processes(tmp_path):
    options = {"n_classes": 2, "n_per_class": 5, "seed": 3, "size": 32}
    write_samples(tmp_path / "one", workers=1, **options)
    write_samples(tmp_path / "two", workers=2, **options)
    write_samples(tmp_path / "one again", workers=1, **options)
    hashes = hash_files(tmp_path / "one")
    assert len(hashes) == len(set(hashes.values())) == 10
    assert hash_files(tmp_path / "two") == hashes
    assert hash_files(tmp_path / "one again") == hashes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_classes": 0}, "n_classes is '0'"),
        ({"n_per_class": 0}, "n_per_class is '0'"),
        ({"seed": -1}, "seed is '-1'"),
        ({"workers": -1}, "workers is '-1'"),
        ({"size": 15}, "size is '15'.*16 to 2048"),
        ({"size": 2049}, "size is '2049'"),
    ],
)
def test_write_samples_refuses_values_out_of_range(tmp_path, options, message):
    with pytest.raises(SettingsError, match=message):
        write_samples(tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_write_samples_refuses_a_file_as_folder(tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match=r"Cannot make folders in '.*taken'"):
        write_samples(tmp_path / "taken", n_classes=1, n_per_class=1)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-1, 0, 1), "class_index is '-1'"),
        ((0, -1, 1), "frame is '-1'"),
        ((0, 0, 0), "n_frames is '0'"),
    ],
)
def test_render_fruit_refuses_values_out_of_range(arguments, message):
    index, frame, n_frames = arguments
    with pytest.raises(SettingsError, match=message):
        render_fruit(index, frame, n_frames=n_frames)
