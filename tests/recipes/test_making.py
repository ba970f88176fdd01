"""The default recogniser's making, from small made pictures to a model folder."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: make test-finetune")

from typer.testing import CliRunner  # noqa: E402

from pomona.errors import TrainingError  # noqa: E402
from pomona.recognition import load_recogniser  # noqa: E402
from recipes.default_recogniser.__main__ import app  # noqa: E402
from recipes.default_recogniser.fitting import Recipe  # noqa: E402
from recipes.default_recogniser.packaging import package  # noqa: E402
from recipes.default_recogniser.training import train  # noqa: E402

SMALL = Recipe(n_steps=4, size=64, batch=16)


@pytest.fixture(scope="module")
def networks(pack_file, tmp_path_factory):
    """One that never saw the yard, and one that goes on from it with everything."""
    folder = tmp_path_factory.mktemp("networks")
    seen = []
    train(
        pack_file,
        folder / "measured.npz",
        SMALL,
        leave_out=["yard"],
        hold_back=True,
        on_progress=lambda n, of: seen.append((n, of)),
    )
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
    train(pack_file, folder / "shipped.npz", SMALL, start=[folder / "measured.npz"])
    return folder


def test_pack_train_package_give_a_folder_that_answers(networks, pack_file, tmp_path):
    metrics = package(
        pack_file,
        networks / "shipped.npz",
        networks / "measured.npz",
        tmp_path / "model",
        size=64,
    )
    assert set(metrics["places"]) == {"phone", "studio", "yard"}
    assert metrics["places"]["yard"]["n_objects"] == 6
    # Whole groups: one or more pairs of each class.
    assert metrics["phone"]["n"] >= 6
    record = json.loads((tmp_path / "model/model.json").read_text())
    training = record["training"]
    assert training["measured"]["n_pictures"]["phone"] == 42 - metrics["phone"]["n"]
    assert training["shipped"]["n_pictures"] == {"phone": 42, "studio": 6, "world": 29, "none": 6}
    assert training["shipped"]["start"] == ["measured.npz"]
    assert {label["label"] for label in record["labels"]} == {"Banana", "Plum", "Lime", "Tomato"}
    card = (tmp_path / "model/MODEL_CARD.md").read_text()
    assert "| yard | 12 | 6 |" in card
    recogniser = load_recogniser(tmp_path / "model")
    answer = recogniser.score_pixels(np.zeros((3, 64, 64, 3), np.uint8))
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1, atol=1e-5)


def test_what_learnt_from_everything_measures_nothing(networks, pack_file, tmp_path):
    shipped = networks / "shipped.npz"
    with pytest.raises(TrainingError, match="learnt from everything"):
        package(pack_file, shipped, shipped, tmp_path / "model", size=64)
    assert not (tmp_path / "model").exists()


def test_a_seed_gives_nearly_the_same_network_again(networks, pack_file, tmp_path):
    """Sums of 16 bits come in another order each time; other pictures are another thing."""
    left_out = {"leave_out": ["yard"], "hold_back": True}
    train(pack_file, tmp_path / "again.npz", SMALL, **left_out)
    train(pack_file, tmp_path / "other.npz", replace(SMALL, seed=1), **left_out)

    def read(path):
        with np.load(path) as arrays:
            names = sorted(name for name in arrays if arrays[name].dtype.kind == "f")
            return np.concatenate([arrays[name].ravel() for name in names])

    first = read(networks / "measured.npz")
    again, other = (np.abs(read(tmp_path / f"{name}.npz") - first) for name in ("again", "other"))
    assert again.mean() < 0.3 * other.mean()


def test_commands_say_what_they_take():
    for command in ("pack", "train", "package"):
        done = CliRunner().invoke(app, [command, "--help"])
        assert done.exit_code == 0, done.output
