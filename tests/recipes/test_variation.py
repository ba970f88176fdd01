"""Varied pictures stay pictures."""

import random

import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: make test-finetune")

from recipes.default_recogniser.variation import paste, recolour, vary  # noqa: E402


@pytest.fixture(autouse=True)
def _seeds():
    torch.manual_seed(0)
    random.seed(0)


def halves(n=8):
    """Red on the left, blue on the right."""
    x = torch.zeros(n, 3, 40, 40)
    x[:, 0, :, :20] = 200
    x[:, 2, :, 20:] = 200
    return x


def test_vary_cuts_to_the_window():
    left = (-0.6, 0.0, 0.2, 0.5)
    found = vary(halves(), 24, windows=[left] * 4 + [None] * 4, degrees=0.0)
    assert found.shape == (8, 3, 24, 24)
    assert found[:4, 0].mean() > 180
    assert found[:4, 2].mean() < 20


def test_recolour_changes_light_and_keeps_within_bytes():
    before = halves(64)
    found = recolour(before.clone())
    assert found.min() >= 0
    assert found.max() <= 255
    assert (found.mean((1, 2, 3)) - before.mean((1, 2, 3))).abs().max() > 10
    # Red stays redder than blue on its side, whatever the light.
    left = found[..., :16].mean((2, 3))
    assert (left[:, 0] > left[:, 2]).float().mean() > 0.95


def test_paste_lays_the_fruit_on_a_room():
    frames = torch.full((6, 3, 64, 64), 255.0)
    frames[:, 0, 12:52, 12:52] = 220
    frames[:, 1:, 12:52, 12:52] = 30
    rooms = torch.zeros(6, 3, 64, 64)
    rooms[:, 1] = 120
    found = paste(frames, 48, lambda n: rooms[:n])
    red = (found[:, 0] - found[:, 1] > 100).float().mean((1, 2))
    assert (red > 0.01).all()
    # None of the studio's white ground is left.
    assert (found.amin(1) > 240).float().mean() < 0.02
