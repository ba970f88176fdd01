import numpy as np
import pytest

from pomona.recognition.rejection import Rejection, choose_threshold, fit_rejection, within_class

RNG = np.random.default_rng(0)
N_CLASSES, N_COMPONENTS, N_FEATURES = 3, 4, 8


def _draw(n, *, strange=False):
    y = RNG.integers(N_CLASSES, size=n)
    centres = 5 * np.eye(N_CLASSES, N_COMPONENTS)
    components = centres[y] + RNG.normal(size=(n, N_COMPONENTS)) * [1, 0.5, 0.2, 0.1]
    outside = RNG.normal(size=(n, N_FEATURES - N_COMPONENTS)) * (3 if strange else 0.3)
    if strange:
        components += 3
    probabilities = np.full((n, N_CLASSES), 0.05)
    probabilities[np.arange(n), y] = 0.5 if strange else 0.9
    return np.hstack([components, outside]), components, probabilities, y


def test_within_class_whitens():
    _, components, _, y = _draw(5000)
    whitening, means = within_class(components, y, n_classes=N_CLASSES, shrinkage=0)
    rows = components @ whitening.T
    inside = rows - means[y]
    np.testing.assert_allclose(np.cov(inside.T), np.eye(N_COMPONENTS), atol=0.02)


@pytest.mark.parametrize("with_strangers", [False, True])
def test_strangers_are_stranger(with_strangers):
    *known, y = _draw(2000)
    strangers = _draw(500, strange=True)[:3]
    whitening, means = within_class(known[1], y, n_classes=N_CLASSES)
    rejection = fit_rejection(
        standardised=known[0],
        components=known[1],
        probabilities=known[2],
        whitening=whitening,
        means=means,
        strangers=strangers if with_strangers else None,
    )
    threshold = choose_threshold(rejection.score(*known), refused_share=0.05)
    assert (rejection.score(*_draw(1000)[:3]) > threshold).mean() < 0.08
    assert (rejection.score(*strangers) > threshold).mean() > 0.9


def test_signals_that_are_missing_do_not_count():
    standardised, _, probabilities, _ = _draw(100)
    rejection = fit_rejection(
        standardised=standardised, components=np.zeros((100, 0)), probabilities=probabilities
    )
    assert rejection.weights.tolist() == [0, 0, 0, 0]
    assert isinstance(rejection, Rejection)


def test_only_the_signals_asked_for_count():
    *known, y = _draw(2000)
    whitening, means = within_class(known[1], y, n_classes=N_CLASSES)
    for strangers in (None, _draw(500, strange=True)[:3]):
        rejection = fit_rejection(
            standardised=known[0],
            components=known[1],
            probabilities=known[2] * RNG.uniform(0.9, 1, (2000, 1)),
            whitening=whitening,
            means=means,
            use=("distance", "uncertainty"),
            strangers=strangers,
        )
        assert rejection.weights[0] == 0
        assert (rejection.weights[1:3] > 0).all()
        assert rejection.weights[3] == 0


def test_a_distance_counts_in_what_is_usual_there():
    ones = np.ones(4)
    means = np.array([[0.0, 0], [10, 0]])
    rejection = Rejection(0 * ones, ones, ones, np.eye(2), means, usual=np.array([1.0, 25]))
    # Three from the tight class, seven from the loose one; and the other way round.
    found = rejection.distances(np.array([[3.0, 0], [7, 0]]))
    np.testing.assert_allclose(found, [[9, 49 / 25], [49, 9 / 25]])


def test_varieties_of_one_fruit_are_no_doubt_about_the_fruit():
    ones = np.ones(4)
    nothing = np.zeros((2, 0))
    probabilities = np.array([[0.5, 0.4, 0.1], [0.5, 0.1, 0.4]])

    def doubt(fruits):
        rejection = Rejection(0 * ones, ones, ones, fruits=fruits)
        return rejection.signals(np.zeros((2, N_FEATURES)), nothing, probabilities)[:, 2]

    np.testing.assert_allclose(doubt(np.array([0, 0, 1])), np.log([1 / 9, 2 / 3]))
    np.testing.assert_allclose(doubt(None), [0, 0], atol=1e-12)


def test_nothing_is_surer_than_32_bits_can_tell():
    ones = np.ones(4)
    rejection = Rejection(0 * ones, ones, ones)
    found = rejection.signals(np.zeros((1, 2)), np.zeros((1, 0)), np.array([[1.0, 0.0]]))
    assert found[0, 2] == pytest.approx(np.log(0.001 / 0.999))


def test_choose_threshold_counts_what_is_refused_already():
    scores = np.arange(100.0)
    assert (scores > choose_threshold(scores, refused_share=0.05)).sum() == 5
    refused = scores < 3
    threshold = choose_threshold(scores, refused_share=0.05, refused=refused)
    assert ((scores > threshold) | refused).sum() == 5
    assert choose_threshold(scores, refused_share=0.01, refused=refused) == 99
    assert choose_threshold(scores[:0], refused_share=0.1) == float("inf")


def test_an_output_for_no_fruit_tells_strangers():
    known, others = _draw(2000)[:3], _draw(500)[:3]
    nothing = RNG.normal(-4, 1, 2000), RNG.normal(1, 1, 500)
    rejection = fit_rejection(
        standardised=known[0],
        components=known[1],
        probabilities=known[2],
        nothing=nothing[0],
        use=("uncertainty", "nothing"),
        strangers=[*others, nothing[1]],
    )
    scores = rejection.score(known[0], known[1], known[2], nothing[0])
    threshold = choose_threshold(scores, refused_share=0.05)
    strange = rejection.score(others[0], others[1], others[2], nothing[1])
    assert (strange > threshold).mean() > 0.95
