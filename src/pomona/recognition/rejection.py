"""How strange a picture is to a recogniser: outside the PCA, far from the classes, unsure, bare."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "FLOOR",
    "SIGNALS",
    "SUREST",
    "Rejection",
    "choose_threshold",
    "fit_rejection",
    "membership",
    "within_class",
]

FloatArray = NDArray[np.floating]
Float64Array = NDArray[np.float64]
IntArray = NDArray[np.integer]

SIGNALS: Final = ("residual", "distance", "uncertainty", "nothing")
# Logarithms start here.
FLOOR: Final = 1e-12
# Nothing is surer: beyond it 32 bits and 64 bits would give different odds.
SUREST: Final = 0.999


@dataclass(frozen=True)
class Rejection:
    """The strangeness of a picture: a weighted sum of signals, larger is stranger.

    Signals: ``residual`` is the logarithm of the squared length of the standardised features that
    the PCA leaves out; ``distance`` that of the squared Mahalanobis distance to the nearest mean
    of a class; ``uncertainty`` that of the odds against the likeliest fruit; ``nothing`` that of
    the odds that there is no fruit, where the network has an output for it.

    Parameters
    ----------
    centres, spreads, weights : float arrays of shape (4,)
        ``score = sum(weights * (signals - centres) / spreads)``, in the order of ``SIGNALS``.
    whitening : float array of shape (m, n_components) or None
        Makes the components of one class spread evenly; no distance without it.
    means : float array of shape (n_means, m) or None
        Of the classes, after the whitening; a class may have several.
    usual : float array of shape (n_means,) or None
        A squared distance to each mean is counted in these units.
    fruits : int array of shape (n_classes,) or None
        Which fruit each class is of, from 0 on; without it each is one by itself.
    """

    centres: FloatArray
    spreads: FloatArray
    weights: FloatArray
    whitening: FloatArray | None = None
    means: FloatArray | None = None
    usual: FloatArray | None = None
    fruits: IntArray | None = None

    def signals(
        self,
        standardised: FloatArray,
        components: FloatArray,
        probabilities: FloatArray,
        nothing: FloatArray | None = None,
    ) -> Float64Array:
        """Return the signals, (n, 4); zero where an array for one is missing.

        Parameters
        ----------
        standardised : float array of shape (n, n_features)
            Features after the standardiser.
        components : float array of shape (n, n_components)
            Not whitened.
        probabilities : float array of shape (n, n_classes)
        nothing : float array of shape (n,), optional
            Logarithm of the odds that there is no fruit.
        """
        signals = np.zeros((len(standardised), len(SIGNALS)))
        if components.shape[1]:
            residual = (standardised**2).sum(axis=1) - (components**2).sum(axis=1)
            signals[:, 0] = np.log(np.maximum(residual, FLOOR))
        if components.shape[1] and self.whitening is not None and self.means is not None:
            signals[:, 1] = np.log(self.distances(components).min(axis=1))
        if self.fruits is not None:
            probabilities = probabilities @ membership(self.fruits)
        highest = np.minimum(probabilities.max(axis=1), SUREST)
        signals[:, 2] = np.log((1 - highest) / highest)
        if nothing is not None:
            signals[:, 3] = nothing
        return signals

    def score(
        self,
        standardised: FloatArray,
        components: FloatArray,
        probabilities: FloatArray,
        nothing: FloatArray | None = None,
    ) -> Float64Array:
        """Return the strangeness of each picture, (n,)."""
        signals = self.signals(standardised, components, probabilities, nothing)
        return np.asarray(((signals - self.centres) / self.spreads) @ self.weights)

    def distances(self, components: FloatArray) -> FloatArray:
        """Return the squared distances to the means, (n, n_means)."""
        assert self.whitening is not None
        assert self.means is not None
        rows = components @ self.whitening.T
        squares = (rows**2).sum(axis=1)[:, None] + (self.means**2).sum(axis=1)
        distances = squares - 2 * rows @ self.means.T
        return np.asarray(
            np.maximum(distances if self.usual is None else distances / self.usual, FLOOR)
        )


def membership(groups: IntArray) -> Float64Array:
    """Return 1 where a class (row) is of a group (column), 0 elsewhere."""
    return np.eye(int(groups.max()) + 1)[groups]


def within_class(
    components: FloatArray, y: IntArray, *, n_classes: int, shrinkage: float = 0.05
) -> tuple[Float64Array, Float64Array]:
    """Return the whitening of the spread inside the classes, and the classes' means after it.

    Parameters
    ----------
    components : float array of shape (n, n_components)
    y : int array of shape (n,)
        Every class occurs.
    shrinkage : float
        Share of the mean variance that is mixed into every direction.

    Returns
    -------
    whitening : float64 array of shape (n_components, n_components)
    means : float64 array of shape (n_classes, n_components)
    """
    rows = components.astype(np.float64)
    counts = np.bincount(y, minlength=n_classes)
    means = np.stack([rows[y == i].mean(axis=0) for i in range(n_classes)])
    inside = rows - means[y]
    covariance = inside.T @ inside / max(len(rows) - np.count_nonzero(counts), 1)
    level = float(np.trace(covariance)) / len(covariance) or 1.0
    covariance = (1 - shrinkage) * covariance + shrinkage * level * np.eye(len(covariance))
    whitening = np.linalg.inv(np.linalg.cholesky(covariance))
    return whitening, means @ whitening.T


def fit_rejection(
    *,
    standardised: FloatArray,
    components: FloatArray,
    probabilities: FloatArray,
    nothing: FloatArray | None = None,
    whitening: FloatArray | None = None,
    means: FloatArray | None = None,
    usual: FloatArray | None = None,
    fruits: IntArray | None = None,
    use: Collection[str] = SIGNALS,
    strangers: Sequence[FloatArray | None] | None = None,
) -> Rejection:
    """Fit the weights of the signals on held-back pictures.

    Without strangers every signal counts alike, in units of its spread among real fruit. With them
    the weights are those of a logistic regression that tells them from real fruit.

    Parameters
    ----------
    standardised, components, probabilities, nothing : float arrays
        Of held-back pictures of fruit, as for :meth:`Rejection.signals`.
    whitening, means, usual, fruits : arrays, optional
        As for :class:`Rejection`.
    use : collection of str
        Signals that count.
    strangers : the same arrays, optional
        Of pictures that are no fruit.
    """
    ones = np.ones(len(SIGNALS))
    raw = Rejection(0 * ones, ones, ones, whitening, means, usual, fruits)
    signals = raw.signals(standardised, components, probabilities, nothing)
    centres, spreads = signals.mean(axis=0), signals.std(axis=0)
    # Rounding dust of a signal that is missing is no spread.
    alive = (spreads > 1e-9) & np.isin(SIGNALS, list(use))
    spreads = np.where(alive, spreads, 1.0)
    weights = alive / max(int(alive.sum()), 1)
    if strangers is not None and alive.any():
        strange = raw.signals(*strangers)  # type: ignore[arg-type]
        weights = np.zeros(len(SIGNALS))
        weights[alive] = _separate(
            ((signals - centres) / spreads)[:, alive], ((strange - centres) / spreads)[:, alive]
        )
    return replace(raw, centres=centres, spreads=spreads, weights=weights)


def choose_threshold(
    scores: FloatArray, *, refused_share: float, refused: NDArray[np.bool_] | None = None
) -> float:
    """Return the score above which a picture is refused.

    Parameters
    ----------
    scores : float array of shape (n,)
        Of held-back pictures of fruit.
    refused_share : float
        How many of them may be refused, from 0 to 1, all reasons together.
    refused : bool array of shape (n,), optional
        Refused for another reason already.
    """
    kept = np.sort(scores if refused is None else scores[~refused])
    may_refuse = int(refused_share * len(scores)) - (len(scores) - len(kept))
    if len(kept) == 0:
        return float("inf")
    if may_refuse <= 0:
        return float(kept[-1])
    return float(kept[max(len(kept) - may_refuse - 1, 0)])


def _separate(known: FloatArray, strange: FloatArray) -> Float64Array:
    from sklearn.linear_model import LogisticRegression

    rows = np.concatenate([known, strange])
    is_strange = np.repeat([0, 1], [len(known), len(strange)])
    model = LogisticRegression(class_weight="balanced", max_iter=1000).fit(rows, is_strange)
    return np.asarray(model.coef_[0], np.float64)
