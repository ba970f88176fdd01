"""Calibration and scores of features made in code."""

import numpy as np
import pytest

from pomona.recognition.classifiers import Linear
from pomona.recognition.labels import ModelLabel
from pomona.training.packing import Part
from recipes.default_recogniser.measuring import carry_over, make_head, measure, score_shipped

N = 24
LABELS = (
    ModelLabel("Apple Braeburn", "apple", {"fruits360": ["Apple Braeburn"]}),
    ModelLabel("Apple Pink Lady", "apple", {"grocery": ["Pink-Lady"]}),
    ModelLabel("Banana", "banana", {"grocery": ["Banana"], "fruits360": ["Banana"]}),
)
CENTRES = np.eye(N)[:3] * 2.5


def draw(y, spread=1.0, seed=0):
    rng = np.random.default_rng(seed)
    return CENTRES[y] + spread * rng.normal(size=(len(y), N))


def learnt(seed=0):
    """Of all labels, once as photographs and once as studio frames."""
    y = np.arange(240) % 3
    return Part(draw(y, seed=seed), y), Part(draw(y, spread=0.5, seed=seed + 1), y)


@pytest.fixture(scope="module")
def measured():
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, 400)
    folders = ["Apple Braeburn", "Pink-Lady", "Banana"]
    strange = rng.normal(size=(150, N)) - 3 * CENTRES[0]
    return measure(
        # Four times too sure of itself.
        Linear(4 * CENTRES, np.zeros(3)),
        LABELS,
        phone=(draw(y)[:, None], y),
        studio_test=(draw(y, seed=2)[:, None], [folders[i] for i in y]),
        learnt=learnt(seed=3),
        strangers_test=np.stack([strange, strange], axis=1),
        unseen=(draw(np.zeros(50, int), seed=4)[:, None], ["Apple Golden 1"] * 50),
        refused_share=0.04,
    )


def test_measure_calibrates(measured):
    assert measured.head.temperature > 2
    assert measured.metrics["phone"]["ece"] < 0.05
    assert measured.metrics["phone"]["accuracy"] > 0.85
    assert measured.metrics["accuracy"] == measured.metrics["phone"]["accuracy"]


def test_measure_refuses_strangers_and_little_else(measured):
    assert measured.metrics["no_fruit"] == {"n": 150, "refused": pytest.approx(1.0, abs=0.05)}
    assert measured.metrics["phone"]["decisions"]["unknown"] < 0.15


def test_distances_count_in_what_is_usual_for_the_kind(measured):
    # Photographs lie twice as far from each other here as studio frames.
    studio = draw(np.arange(300) % 3, spread=0.5, seed=9)
    found = measure(
        Linear(4 * CENTRES, np.zeros(3)),
        LABELS,
        phone=(draw(np.arange(300) % 3)[:, None], np.arange(300) % 3),
        studio_test=(studio[:, None], ["Apple Braeburn", "Pink-Lady", "Banana"] * 100),
        learnt=learnt(seed=3),
        strangers_test=np.zeros((0, 1, N)),
        unseen=(np.zeros((0, 1, N)), []),
        refused_share=0.05,
    )
    usual = found.head.rejection.usual
    assert len(usual) == 6
    assert 2.5 < usual[0] / usual[3] < 5.5
    # Both kinds are refused alike, though one threshold serves both.
    shares = [found.metrics[kind]["decisions"]["unknown"] for kind in ("phone", "studio")]
    assert max(shares) < 0.12


def test_measure_scores_unseen_varieties_by_their_fruit(measured):
    unseen = measured.metrics["unseen"]
    assert unseen["n"] == 50
    assert [part["folder"] for part in unseen["per_folder"]] == ["Apple Golden 1"]
    shares = [unseen[name] for name in ("answered_fruit", "sure_and_wrong", "refused")]
    assert sum(shares) == pytest.approx(1)
    assert unseen["answered_fruit"] > 0.7


def test_measure_scores_each_half_by_what_the_other_set():
    y = np.arange(200) % 3
    features = draw(y)[:, None]
    nothing = np.zeros((0, N))
    wrong = y.copy()
    # The even half is mislabelled: what it calibrates must not believe a word of the network.
    wrong[::2] = (wrong[::2] + 1) % 3
    names = ["Apple Braeburn", "Pink-Lady", "Banana"]
    found = measure(
        Linear(CENTRES, np.zeros(3)),
        LABELS,
        phone=(features, wrong),
        studio_test=(features, [names[i] for i in wrong]),
        learnt=learnt(),
        strangers_test=nothing[:, None],
        unseen=(nothing[:, None], []),
        refused_share=0.05,
    )
    bins = [each for each in found.metrics["phone"]["reliability"] if each["n"] >= 10]
    # The odd half is right, and doubted by the temperature of the even one; the even half is
    # mislabelled, and believed by that of the odd one.
    assert max(each["confidence"] for each in bins if each["accuracy"] > 0.8) < 0.6
    assert max(each["accuracy"] for each in bins if each["confidence"] > 0.9) < 0.2


def test_carry_over_takes_the_calibration_and_knows_its_own_pictures(measured):
    y = np.arange(90) % 3
    strange = draw(y, seed=8) - 4 * CENTRES[0]
    linear = Linear(2 * CENTRES, np.zeros(3))
    own = make_head(linear, LABELS, learnt(seed=7))
    head = carry_over(measured.head, own)
    assert head.temperature == measured.head.temperature
    assert np.array_equal(head.rejection.weights, measured.head.rejection.weights)
    assert np.array_equal(head.rejection.usual, measured.head.rejection.usual)
    assert head.rejection.means is own.rejection.means
    assert head.classifier is linear
    scores = score_shipped(
        head,
        measured.rule,
        LABELS,
        studio_test=(draw(y)[:, None], ["Apple Braeburn", "Pink-Lady", "Banana"] * 30),
        strangers_test=strange[:, None],
        unseen=(draw(y * 0)[:, None], ["Apple Golden 1"] * 90),
    )
    assert scores["studio"]["n"] == 90
    assert scores["studio"]["accuracy"] > 0.85
    assert scores["no_fruit"]["refused"] > 0.9
    assert scores["unseen"]["answered_fruit"] > 0.7


def test_measure_without_strangers_refuses_by_distance_and_doubt():
    y = np.arange(60) % 3
    nothing = np.zeros((0, N))
    found = measure(
        Linear(CENTRES, np.zeros(3)),
        LABELS,
        phone=(draw(y)[:, None], y),
        studio_test=(draw(y)[:, None], ["Banana"] * 60),
        learnt=learnt(),
        strangers_test=nothing[:, None],
        unseen=(nothing[:, None], []),
        refused_share=0.05,
    )
    rejection = found.head.rejection
    assert rejection.weights.tolist() == [0, 0.5, 0.5]
    assert "no_fruit" not in found.metrics


def test_measure_averages_the_views_of_a_picture():
    y = np.arange(300) % 3
    nothing = np.zeros((0, N))

    def accuracy(n_views):
        views = np.stack([draw(y, spread=2.0, seed=10 + i) for i in range(n_views)], axis=1)
        found = measure(
            Linear(CENTRES, np.zeros(3)),
            LABELS,
            phone=(views, y),
            studio_test=(views, ["Apple Braeburn", "Pink-Lady", "Banana"] * 100),
            learnt=learnt(),
            strangers_test=nothing[:, None],
            unseen=(nothing[:, None], []),
            refused_share=0.05,
        )
        return found.metrics["phone"]["accuracy"]

    assert accuracy(5) > accuracy(1) + 0.1
