"""Calibration and scores of features made in code."""

import numpy as np
import pytest

from pomona.recognition.labels import ModelLabel
from recipes.default_recogniser.measuring import REFUSED, WRONG, Shown, make_head, measure

N = 24
LABELS = (
    ModelLabel("Apple Braeburn", "apple", {"fruits360": ["Apple Braeburn"]}),
    ModelLabel("Apple Pink Lady", "apple", {"grocery": ["Pink-Lady"]}),
    ModelLabel("Banana", "banana", {"grocery": ["Banana"], "fruits360": ["Banana"]}),
)
FRUITS = np.array([0, 0, 1])
# Of three labels and of no fruit.
CENTRES = np.eye(N)[:4] * 3.0


def show(y, *, spread=1.0, seed=0, views=2, each=1, named=True):
    """Pictures whose views are alike; ``each`` of them show one object."""
    rng = np.random.default_rng(seed)
    one = CENTRES[y] + spread * rng.normal(size=(len(y), N))
    features = one[:, None] + 0.1 * rng.normal(size=(len(y), views, N))
    is_fruit = y < 3
    fruit = np.where(is_fruit, FRUITS[np.minimum(y, 2)], -1)
    label = y if named else np.full(len(y), -1)
    return Shown(features, fruit, label, tuple(f"object {i // each:04d}" for i in range(len(y))))


@pytest.fixture(scope="module")
def measured():
    y = np.random.default_rng(1).integers(0, 3, 400)
    places = {
        "phone": show(y),
        "studio": show(y, spread=0.7, seed=2),
        "kitchen": show(y[:200], spread=1.6, seed=3, each=4, named=False),
    }
    strangers = show(np.full(200, 3), seed=4)
    # Three times too sure of itself.
    head = make_head(3 * CENTRES, np.zeros(4))
    return measure(head, places, strangers, LABELS)


def test_measure_calibrates(measured):
    done, metrics = measured
    assert done.head.temperature > 1.5
    assert metrics["phone"]["ece"] < 0.06
    assert metrics["phone"]["accuracy"] > 0.9
    assert metrics["accuracy"] == metrics["phone"]["accuracy"]
    assert done.rule.rejection_threshold is not None


def test_measure_refuses_strangers_and_little_else(measured):
    _, metrics = measured
    assert metrics["no_fruit"]["n"] == 200
    assert metrics["no_fruit"]["refused"] > 0.9
    refused = np.mean([place["refused"] for place in metrics["places"].values()])
    # What is unsure is not named either.
    assert refused < REFUSED + 0.15


def test_measure_counts_objects(measured):
    kitchen = measured[1]["places"]["kitchen"]
    assert (kitchen["n"], kitchen["n_objects"]) == (200, 50)
    assert kitchen["first"] <= kitchen["first_three"] == pytest.approx(1.0)
    assert kitchen["right"] + kitchen["wrong"] + kitchen["refused"] == pytest.approx(1.0)
    wrong = np.mean([place["wrong"] for place in measured[1]["places"].values()])
    assert wrong < WRONG + 0.05


def test_views_of_one_object_count_as_one():
    shown = Shown(np.zeros((4, 1, N)), np.zeros(4, int), np.zeros(4, int), ("a", "b", "b", "b"))
    np.testing.assert_allclose(shown.weights, [1 / 2, 1 / 6, 1 / 6, 1 / 6])
    assert [shown.half(i).objects for i in (0, 1)] == [("a",), ("b", "b", "b")]
