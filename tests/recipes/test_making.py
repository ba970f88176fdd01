"""The default recogniser's making, from small made pictures to a model folder."""

import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch", reason="needs PyTorch: make test-finetune")

from pomona.recognition import load_recogniser  # noqa: E402
from recipes.default_recogniser import making, training  # noqa: E402
from recipes.default_recogniser.fitting import Recipe  # noqa: E402
from recipes.default_recogniser.making import Settings, make_recogniser  # noqa: E402

SMALL = Recipe(n_steps=4, n_phone=3, n_studio=2, n_strangers=1)
RECIPES = (
    replace(SMALL, sizes=(64,)),
    replace(SMALL, sizes=(64, 96), n_steps=8, recolour=0.5),
)
COLOURS = {"Banana": (220, 200, 40), "Plum": (90, 30, 90), "Lime": (120, 190, 60)}


def paint(folder, colour, n, *, seed):
    """Photographs that can be told from each other, in groups of two alike."""
    folder.mkdir(parents=True)
    rng = np.random.default_rng(seed)
    for i in range(n):
        if i % 2 == 0:
            blocks = rng.integers(0, 256, (6, 6, 3))
        pixels = 0.5 * np.kron(blocks, np.ones((16, 16, 1))) + 0.5 * np.array(colour)
        pixels = np.clip(pixels + rng.normal(0, 2, pixels.shape), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"{i}.png")


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    root = tmp_path_factory.mktemp("pictures")
    for i, (name, colour) in enumerate(COLOURS.items()):
        paint(root / "grocery" / name, colour, 14, seed=i)
    for i, (name, colour) in enumerate(
        (("Banana", COLOURS["Banana"]), ("Tomato 1", (200, 40, 30)))
    ):
        paint(root / "fruits360/Training" / name, colour, 6, seed=10 + i)
        paint(root / "fruits360/Test" / name, colour, 4, seed=20 + i)
    paint(root / "fruits360/Test/Tomato Yellow", (230, 210, 60), 2, seed=30)
    for i, name in enumerate(("learn", "measure")):
        paint(root / name / "walls", (128, 128, 128), 4, seed=40 + i)
    return Settings(
        root,
        strangers=root / "learn",
        strangers_test=root / "measure",
        size=64,
        held_share=0.15,
    )


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(making, "POLISH", replace(SMALL, sizes=(64,)))


@pytest.fixture
def fits(monkeypatch):
    """How many networks were trained; the third one is interrupted while ``fail`` is set."""
    counted = {"n": 0, "fail": False}
    fit = training.fit_network  # type: ignore[attr-defined]

    def count(*args, **kwargs):
        if counted["fail"] and counted["n"] == 2:
            raise KeyboardInterrupt
        counted["n"] += 1
        return fit(*args, **kwargs)

    monkeypatch.setattr(training, "fit_network", count)
    return counted


def test_make_recogniser_writes_a_folder_that_answers(settings, tmp_path):
    seen = []
    metrics = make_recogniser(
        settings,
        tmp_path / "model",
        recipes=RECIPES,
        on_progress=lambda n, of: seen.append((n, of)),
    )
    # One count over all five networks.
    assert [n for n, _ in seen] == sorted(n for n, _ in seen)
    assert {of for _, of in seen} == {seen[-1][0]}
    # Whole groups: one or more pairs of each class.
    n_held = metrics["phone"]["n"]
    assert n_held >= 6
    assert n_held % 2 == 0
    assert metrics["studio"]["n"] == 8
    assert metrics["shipped"]["no_fruit"]["n"] == 4
    assert metrics["shipped"]["unseen"]["n"] == 2
    record = json.loads((tmp_path / "model/model.json").read_text())
    n = record["training"]["n_pictures"]
    assert (n["phone"], n["phone_held_back"], n["studio"], n["no_fruit"]) == (42, n_held, 12, 4)
    assert record["training"]["mending"]["n_studio"] == 2
    assert {label["label"] for label in record["labels"]} == {"Banana", "Plum", "Lime", "Tomato"}
    assert "## Limits" in (tmp_path / "model/MODEL_CARD.md").read_text()
    recogniser = load_recogniser(tmp_path / "model")
    answer = recogniser.score_pixels(np.zeros((3, 64, 64, 3), np.uint8))
    np.testing.assert_allclose(answer.probabilities.sum(axis=1), 1, atol=1e-5)


def test_an_interrupted_run_goes_on_behind_what_is_finished(settings, tmp_path, fits):
    kept = replace(settings, keep=tmp_path / "kept")
    fits["fail"] = True
    with pytest.raises(KeyboardInterrupt):
        make_recogniser(kept, tmp_path / "model", recipes=RECIPES)
    assert not (tmp_path / "model").exists()
    fits["fail"] = False
    metrics = make_recogniser(kept, tmp_path / "model", recipes=RECIPES)
    n_all = fits["n"]
    again = make_recogniser(kept, tmp_path / "again", recipes=RECIPES)
    assert fits["n"] == n_all
    assert again == metrics
    first, second = (
        (tmp_path / name / "recogniser.onnx").read_bytes() for name in ("model", "again")
    )
    assert first == second
    # Other pictures in a step are another network.
    others = [RECIPES[0], replace(RECIPES[1], n_phone=2)]
    make_recogniser(replace(kept, is_trial=True), tmp_path / "x", recipes=others)
    assert fits["n"] == n_all + 2


def test_another_code_finds_no_network_kept(settings, tmp_path, fits, monkeypatch):
    kept = replace(settings, keep=tmp_path / "kept", is_trial=True)
    make_recogniser(kept, tmp_path / "model", recipes=RECIPES)
    n_before = fits["n"]
    monkeypatch.setattr(training, "_code", lambda: "another code")
    make_recogniser(kept, tmp_path / "model", recipes=RECIPES)
    assert fits["n"] == 2 * n_before
