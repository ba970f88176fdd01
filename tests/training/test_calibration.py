import numpy as np
import pytest

from pomona.recognition.classifiers import softmax
from pomona.training.calibration import (
    calibration_noise,
    expected_calibration_error,
    fit_temperature,
    reliability,
)


def _draw(temperature, n=20_000):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n, 4)) * 2
    chances = softmax(logits, temperature=temperature).cumsum(axis=1)
    return logits, (rng.random((n, 1)) > chances).sum(axis=1)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 3.0])
def test_fit_temperature_finds_the_one_the_labels_were_drawn_with(temperature):
    logits, y = _draw(temperature)
    assert fit_temperature(logits, y) == pytest.approx(temperature, rel=0.05)


def test_temperature_of_nothing_is_one():
    assert fit_temperature(np.zeros((0, 3)), np.zeros(0, int)) == 1


def test_ece_is_small_only_for_honest_probabilities():
    logits, y = _draw(2.0)
    assert expected_calibration_error(softmax(logits, temperature=2.0), y) < 0.015
    assert expected_calibration_error(softmax(logits, temperature=0.5), y) > 0.2


def test_reliability_counts_every_picture_once():
    probabilities = np.array([[1.0, 0.0], [0.5, 0.5], [0.2, 0.8]])
    bins = reliability(probabilities, np.array([0, -1, 1]))
    assert sum(each.n for each in bins) == 3
    assert bins[-1].accuracy == 1
    assert bins[0].accuracy == 0


def test_calibration_noise_is_what_few_true_probabilities_show():
    logits, y = _draw(1.0, n=150)
    probabilities = softmax(logits)
    noise = calibration_noise(probabilities)
    assert noise == calibration_noise(probabilities)
    assert 0.02 < noise < 0.15
    assert expected_calibration_error(probabilities, y) < 2 * noise
    many = softmax(_draw(1.0)[0])
    assert calibration_noise(many, n_draws=10) < noise / 4
