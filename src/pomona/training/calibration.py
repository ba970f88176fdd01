"""Probabilities that mean what they say: temperature, expected calibration error, reliability."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pomona.recognition.classifiers import softmax
from pomona.storage.scores import ReliabilityBin

__all__ = [
    "calibration_noise",
    "expected_calibration_error",
    "fit_temperature",
    "reliability",
]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

N_BINS: Final = 15
# Outside, the classifier is right or wrong about everything it was shown; there is nothing to fit.
TEMPERATURES: Final = (0.05, 20.0)


def fit_temperature(logits: FloatArray, y: IntArray) -> float:
    """Return the temperature that makes held-back labels likeliest.

    Parameters
    ----------
    logits : float array of shape (n, n_classes)
        Of pictures the classifier was not fitted on.
    y : int array of shape (n,)
        Index of the true class.

    References
    ----------
    Guo et al., On Calibration of Modern Neural Networks, 2017, section 4.2.
    """
    from scipy.optimize import minimize_scalar

    if len(y) == 0:
        return 1.0
    rows = np.arange(len(y))

    def loss(log_temperature: float) -> float:
        probabilities = softmax(logits, temperature=float(np.exp(log_temperature)))
        return float(-np.log(np.maximum(probabilities[rows, y], 1e-12)).mean())

    minimum = minimize_scalar(loss, bounds=tuple(np.log(TEMPERATURES)), method="bounded")
    return float(np.exp(minimum.x))


def reliability(
    probabilities: FloatArray, y: IntArray, *, n_bins: int = N_BINS
) -> list[ReliabilityBin]:
    """Return the bins of a reliability plot, equally wide, without the empty ones.

    Parameters
    ----------
    probabilities : float array of shape (n, n_classes)
    y : int array of shape (n,)
        Index of the true class; -1 where the classifier does not know it.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == y
    index = np.minimum((confidence * n_bins).astype(int), n_bins - 1)
    return [
        ReliabilityBin(
            low=i / n_bins,
            high=(i + 1) / n_bins,
            n=int(inside.sum()),
            confidence=float(confidence[inside].mean()),
            accuracy=float(right[inside].mean()),
        )
        for i in range(n_bins)
        if (inside := index == i).any()
    ]


def expected_calibration_error(
    probabilities: FloatArray, y: IntArray, *, n_bins: int = N_BINS
) -> float:
    """Return the mean distance between confidence and accuracy over equally wide bins.

    References
    ----------
    Naeini et al., Obtaining Well Calibrated Probabilities Using Bayesian Binning, 2015.
    """
    bins = reliability(probabilities, y, n_bins=n_bins)
    total = sum(bin.n for bin in bins)
    return sum(bin.n * abs(bin.confidence - bin.accuracy) for bin in bins) / max(total, 1)


def calibration_noise(probabilities: FloatArray, *, n_draws: int = 200) -> float:
    """Return the calibration error that as many pictures show where every probability is true.

    Few pictures leave few to a bin, whose share of right answers then strays by chance. An error
    near this one says nothing against the calibration.

    Parameters
    ----------
    probabilities : float array of shape (n, n_classes)
    n_draws : int
        How often the answers are drawn anew.
    """
    rng = np.random.default_rng(0)
    predicted = probabilities.argmax(axis=1)
    right = rng.random((n_draws, len(predicted))) < probabilities.max(axis=1)
    draws = [
        expected_calibration_error(probabilities, np.where(drawn, predicted, -1)) for drawn in right
    ]
    return float(np.mean(draws))
