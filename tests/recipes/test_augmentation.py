"""Varied pictures: of the size asked for, the same for the same seed, the fruit still in them."""

import random

import numpy as np
import pytest
from PIL import Image

from recipes.default_recogniser import augmentation

VARIATIONS = [augmentation.vary_phone, augmentation.vary_studio, augmentation.vary_stranger]


def disc(side=100, colour=(200, 30, 30)) -> Image.Image:
    """Return a disc before white, with a white spot of light inside."""
    y, x = np.mgrid[:side, :side]
    r = np.hypot(y - side / 2, x - side / 2)
    pixels = np.where((r < side * 0.35)[..., None], colour, 255).astype(np.uint8)
    pixels[r < side * 0.05] = 255
    return Image.fromarray(pixels)


@pytest.mark.parametrize("vary", VARIATIONS)
def test_variation_has_the_size_and_repeats(vary):
    made = [np.asarray(vary(disc(), random.Random(seed), 64)) for seed in range(20)]
    again = [np.asarray(vary(disc(), random.Random(seed), 64)) for seed in range(20)]
    assert all(pixels.shape == (64, 64, 3) and pixels.dtype == np.uint8 for pixels in made)
    assert all(np.array_equal(a, b) for a, b in zip(made, again, strict=True))
    assert len({pixels.tobytes() for pixels in made}) == 20


def test_cut_out_keeps_the_fruit_and_its_light():
    mask = np.asarray(augmentation.cut_out(disc()))
    assert mask[50, 50] == 255
    assert mask[50, 20] == 255
    assert mask[2, 2] == 0
    assert 0.3 < (mask > 127).mean() < 0.4


def test_vary_studio_shows_the_fruit_on_other_backgrounds():
    corners, reds = [], []
    for seed in range(60):
        pixels = np.asarray(augmentation.vary_studio(disc(), random.Random(seed), 64)).astype(int)
        corners.append(pixels[1, 1].min() > 200)
        reds.append(((pixels[..., 0] - pixels[..., 1]) > 60).mean())
    assert 0.2 < np.mean(corners) < 0.8
    assert np.mean(np.array(reds) > 0.02) > 0.9


def test_recolour_leaves_shape_and_white():
    before = np.asarray(disc())
    is_white = before.min(axis=2) == 255
    hues = set()
    for seed in range(20):
        after = np.asarray(augmentation.recolour(disc(), random.Random(seed)))
        assert (after[is_white] == 255).all()
        assert (after[~is_white].min(axis=1) < 200).all()
        hues.add(int(after[50, 30].argmax()))
    # Red, or as far as green or blue takes the lead of it.
    assert len(hues) > 1


def test_make_background_varies():
    made = {augmentation.make_background(random.Random(i), 16).tobytes() for i in range(30)}
    assert len(made) == 30


def test_vary_phone_takes_a_thin_picture():
    thin = Image.new("RGB", (400, 3), (10, 200, 30))
    assert augmentation.vary_phone(thin, random.Random(0), 32).size == (32, 32)
