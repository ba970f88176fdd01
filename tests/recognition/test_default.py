"""The recogniser that comes with the package."""

import numpy as np
import pytest
from picture_files import encode
from PIL import Image, ImageDraw

from pomona.facts import load_classes, load_facts
from pomona.recognition.model import DEFAULT_MODEL, read_model
from pomona.recognition.recogniser import load_recogniser

MAX_BYTES = 20_000_000
# In the Test folder only: nothing was learnt from it.
NEVER_SEEN = {"Tomato Yellow"}


@pytest.fixture(scope="module")
def recogniser():
    return load_recogniser()


def test_default_is_small_and_whole():
    model = read_model()
    assert model.folder == DEFAULT_MODEL
    assert sum(file.stat().st_size for file in DEFAULT_MODEL.path.iterdir()) < MAX_BYTES
    assert not model.network.needs_onnxruntime


def test_default_knows_every_class_and_the_facts_of_each():
    labels = read_model().labels
    known = {
        (dataset, folder)
        for label in labels
        for dataset, folders in label.classes.items()
        for folder in folders
    }
    expected = {
        (each.dataset, each.class_name)
        for each in load_classes()
        if each.class_name not in NEVER_SEEN
    }
    assert known == expected
    assert {label.fruit_id for label in labels} <= set(load_facts())


def test_default_card_says_what_model_json_says():
    model = read_model()
    card = (DEFAULT_MODEL.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert model.network.sha256 in card
    for name in ("phone", "studio"):
        assert f"{100 * model.record.metrics[name]['accuracy']:.1f} %" in card


def test_default_does_not_know_what_is_no_fruit(recogniser):
    page = Image.new("RGB", (400, 300), "white")
    draw = ImageDraw.Draw(page)
    for i in range(14):
        draw.text((20, 15 + 20 * i), "which fruit is this? " * 3, fill="black")
    rng = np.random.default_rng(0)
    stripes = np.repeat(np.arange(0, 240, 6)[None] % 96 * 2, 240, axis=0).astype(np.uint8)
    pictures = {
        "page": page,
        "noise": Image.fromarray(rng.integers(0, 256, (300, 300, 3), dtype=np.uint8)),
        "stripes": Image.fromarray(stripes).convert("RGB"),
        "grey": Image.new("RGB", (300, 300), (120, 120, 120)),
    }
    answers = {name: recogniser.identify(encode(image)) for name, image in pictures.items()}
    assert {name: answer.decision for name, answer in answers.items()} == dict.fromkeys(
        pictures, "unknown"
    )


@pytest.mark.parametrize(
    ("folder", "least"), [("grocery", 0.85), ("fruits360/Test", 0.95)], ids=["phone", "studio"]
)
def test_default_knows_real_fruit(recogniser, shared, folder, least):
    """A few of each class, most of which it has learnt from: it is the file that is tested."""
    index = {
        name: i
        for i, label in enumerate(recogniser.model.labels)
        for names in label.classes.values()
        for name in names
    }
    hits = []
    for each in sorted((shared / "data" / folder).iterdir()):
        if each.name in NEVER_SEEN:
            continue
        for path in sorted(each.iterdir())[3:5]:
            scores = recogniser.score(path.read_bytes(), path=str(path))
            hits.append(int(scores.probabilities.argmax()) == index[each.name])
    assert np.mean(hits) >= least


@pytest.mark.parametrize("name", sorted(NEVER_SEEN))
def test_default_seldom_names_what_it_never_saw(recogniser, shared, name):
    folder = shared / "data/fruits360/Test" / name
    answers = [recogniser.identify(path.read_bytes()) for path in sorted(folder.iterdir())]
    fruit = next(each.fruit_id for each in load_classes() if each.class_name == name)
    wrong = [each for each in answers if each.decision != "unknown" and each.fruit_id != fruit]
    assert len(wrong) <= len(answers) / 2


def test_default_answers_the_same_to_every_format(recogniser):
    picture = Image.radial_gradient("L").convert("RGB").resize((320, 320))
    answers = [recogniser.score(encode(picture, name)) for name in ("PNG", "BMP", "TIFF")]
    for other in answers[1:]:
        assert np.array_equal(other.probabilities, answers[0].probabilities)
