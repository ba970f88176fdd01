"""Standardiser and PCA: fit anywhere from moments, apply anywhere to arrays."""

from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.linalg import eigh
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from pomona.errors import ReductionError, SettingsError
from pomona.reduction.moments import Moments

__all__ = ["PCA", "Standardizer"]

FloatArray = NDArray[np.float64]
FLOATS = (np.float64, np.float32)


class Standardizer(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Take off each feature's mean and divide by its standard deviation.

    Constant features are only centred. Agrees with scikit-learn's ``StandardScaler``.

    Parameters
    ----------
    with_scale : bool
        False: only centre.

    Attributes
    ----------
    mean_, var_, scale_ : float64 arrays of shape (n_features,)
        Mean, population variance (divisor n) and the divisor used.
    n_samples_seen_ : int
    """

    def __init__(self, *, with_scale: bool = True) -> None:
        self.with_scale = with_scale

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from ``X`` of shape (n_samples, n_features), forgetting what was learnt before."""
        rows: NDArray[np.floating] = validate_data(self, X, dtype=FLOATS)
        return self._set(Moments.from_rows(rows))

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from one more batch ``X`` of shape (n_samples, n_features)."""
        first = not hasattr(self, "n_samples_seen_")
        rows: NDArray[np.floating] = validate_data(self, X, dtype=FLOATS, reset=first)
        moments = Moments.from_rows(rows)
        return self._set(moments if first else self._moments.merge(moments))

    def fit_moments(self, moments: Moments) -> Self:
        """Learn from sums gathered elsewhere."""
        self.n_features_in_ = len(moments.mean)
        return self._set(moments)

    def transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return ``(X - mean_) / scale_``, the same shape and float type as ``X``."""
        check_is_fitted(self)
        rows: NDArray[np.floating] = validate_data(self, X, dtype=FLOATS, reset=False)
        return ((rows - self.mean_) / self.scale_).astype(rows.dtype, copy=False)

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return ``X * scale_ + mean_``, the same shape and float type as ``X``."""
        check_is_fitted(self)
        rows: NDArray[np.floating] = validate_data(self, X, dtype=FLOATS, reset=False)
        return (rows * self.scale_ + self.mean_).astype(rows.dtype, copy=False)

    def _set(self, moments: Moments) -> Self:
        self._moments = moments
        self.mean_ = moments.mean
        self.var_ = np.diag(moments.scatter) / moments.count
        self.scale_ = np.ones_like(self.mean_)
        if self.with_scale:
            varying = ~_constant_features(moments)
            self.scale_[varying] = np.sqrt(self.var_[varying])
        self.n_samples_seen_ = moments.count
        return self


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Principal components by eigendecomposition of the covariance matrix, in float64.

    Agrees with scikit-learn's ``PCA(svd_solver="covariance_eigh")``, signs included: in each
    component the entry largest in magnitude is positive.

    Parameters
    ----------
    n_components : float or int, optional
        A float between 0 and 1 keeps the fewest components that hold more than this share of the
        variance; an int keeps that many; 1.0 or None keep as many as the rank.
    whiten : bool
        Divide each component by its standard deviation.

    Attributes
    ----------
    mean_ : float64 array of shape (n_features,)
    components_ : float64 array of shape (n_components_, n_features)
    explained_variance_, explained_variance_ratio_ : float64 arrays of shape (n_components_,)
        Divisor n - 1.
    all_explained_variance_ratio_ : float64 array of shape (rank,)
        Of every component, kept or not; for the scree plot.
    n_components_, n_samples_seen_ : int
    """

    def __init__(self, n_components: float | int | None = None, *, whiten: bool = False) -> None:
        self.n_components = n_components
        self.whiten = whiten

    def fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from ``X`` of shape (n_samples, n_features), forgetting what was learnt before.

        Raises
        ------
        ReductionError
            If fewer than two samples, no variance, or fewer than ``n_components`` directions.
        """
        rows: NDArray[np.floating] = validate_data(self, X, dtype=FLOATS, ensure_min_samples=2)
        return self._solve(Moments.from_rows(rows))

    def partial_fit(self, X: ArrayLike, y: Any = None) -> Self:
        """Learn from one more batch ``X``; solves anew, O(n_features^3), at each call."""
        first = not hasattr(self, "n_samples_seen_")
        rows: NDArray[np.floating] = validate_data(self, X, dtype=FLOATS, reset=first)
        moments = Moments.from_rows(rows)
        return self._solve(moments if first else self._moments.merge(moments))

    def fit_moments(self, moments: Moments, *, scale: FloatArray | None = None) -> Self:
        """Learn from sums gathered elsewhere; takes over (and overwrites) their memory.

        Parameters
        ----------
        moments : Moments
            Of the vectors before standardisation.
        scale : float64 array of shape (n_features,), optional
            As of :class:`Standardizer`: the PCA is then that of the standardised vectors.
        """
        self.n_features_in_ = len(moments.mean)
        if scale is not None:
            constant = _constant_features(moments)
            scatter = moments.scatter
            scatter /= scale
            scatter /= scale[:, np.newaxis]
            # Rounding dust of a constant feature is not variance.
            scatter[constant] = 0
            scatter[:, constant] = 0
            moments = Moments(moments.count, np.zeros_like(moments.mean), scatter)
        return self._solve(moments, keep_moments=False)

    def transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the components of ``X``, shape (n_samples, n_components_)."""
        check_is_fitted(self)
        rows: NDArray[np.floating] = validate_data(self, X, dtype=FLOATS, reset=False)
        reduced: NDArray[np.floating] = (rows - self.mean_) @ self.components_.T
        if self.whiten:
            reduced /= np.sqrt(self.explained_variance_)
        return reduced.astype(rows.dtype, copy=False)

    def inverse_transform(self, X: ArrayLike) -> NDArray[np.floating]:
        """Return the vectors that the components ``X`` stand for, shape (n, n_features)."""
        check_is_fitted(self)
        reduced: NDArray[np.floating] = np.asarray(X)
        if self.whiten:
            reduced = reduced * np.sqrt(self.explained_variance_)
        return reduced @ self.components_ + self.mean_

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def _solve(self, moments: Moments, *, keep_moments: bool = True) -> Self:
        _check_n_components(self.n_components)
        if moments.count < 2:
            raise ReductionError(
                f"There is '{moments.count}' sample. A PCA needs at least two to have a variance. "
                "Give more pictures."
            )
        self._moments = moments if keep_moments else Moments.empty(0)
        covariance = moments.scatter.copy() if keep_moments else moments.scatter
        covariance /= moments.count - 1
        total = float(np.trace(covariance))
        # "evd" needs about four matrices of memory and is the fastest for all vectors.
        values, vectors = eigh(covariance, driver="evd", overwrite_a=True, check_finite=False)
        values, vectors = values[::-1], vectors[:, ::-1]
        rank = self._rank(values, moments)
        ratio = values[:rank] / total
        k = _choose_n_components(self.n_components, ratio, rank)
        # A copy, so that the other vectors can be freed.
        self.components_ = _fix_signs(vectors[:, :k].T.copy())
        self.mean_ = moments.mean
        self.explained_variance_ = values[:k].copy()
        self.explained_variance_ratio_ = ratio[:k]
        self.all_explained_variance_ratio_ = ratio
        self.n_components_ = k
        self.n_samples_seen_ = moments.count
        return self

    def _rank(self, values: FloatArray, moments: Moments) -> int:
        limit = values[0] * len(values) * np.finfo(np.float64).eps
        rank = min(int((values > max(limit, 0.0)).sum()), moments.count - 1)
        if rank == 0:
            raise ReductionError(
                f"The '{moments.count}' feature vectors are all the same. Without variance there "
                "are no principal components. Check the pictures, or do without the PCA."
            )
        return rank


def _constant_features(moments: Moments) -> NDArray[np.bool_]:
    # The bound within which rounding alone can make a constant column look alive.
    eps = np.finfo(np.float64).eps
    variance = np.diag(moments.scatter) / moments.count
    bound = moments.count * eps * variance + (moments.count * moments.mean * eps) ** 2
    return np.asarray(variance <= bound)


def _check_n_components(n_components: float | int | None) -> None:
    if n_components is None:
        return
    whole = isinstance(n_components, int | np.integer) and not isinstance(n_components, bool)
    if (whole and n_components >= 1) or (
        isinstance(n_components, float | np.floating) and 0 < n_components <= 1
    ):
        return
    raise SettingsError(
        f"n_components is '{n_components}'. It must be a share above 0 and at most 1.0, or a whole "
        "number from 1. Give 0.95 to keep 95 % of the variance, or 325 to keep 325 components."
    )


def _choose_n_components(n_components: float | int | None, ratio: FloatArray, rank: int) -> int:
    if n_components is None:
        return rank
    if isinstance(n_components, float | np.floating):
        return min(int(np.searchsorted(np.cumsum(ratio), n_components, side="right")) + 1, rank)
    if n_components > rank:
        raise ReductionError(
            f"'{n_components}' components were asked for. The features vary in only {rank} "
            "directions (at most one less than there are pictures). Ask for fewer, or for a "
            "share such as 0.95."
        )
    return int(n_components)


def _fix_signs(components: FloatArray) -> FloatArray:
    largest = np.abs(components).argmax(axis=1)
    signs: FloatArray = np.sign(components[np.arange(len(components)), largest])
    return components * signs[:, np.newaxis]
