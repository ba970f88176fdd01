"""From sums to a standardiser and a PCA, and how well an older one still fits."""

from typing import Final

import numpy as np

from pomona.errors import ReductionError
from pomona.reduction.fitted import Reduction
from pomona.reduction.moments import Moments
from pomona.settings import ReduceSettings

__all__ = ["check_width", "explained_share", "solve_reduction"]

# Beyond this the square matrix alone takes 2 GB on the driver.
MAX_FEATURES: Final = 16_384


def check_width(n_features: int) -> None:
    """Refuse vectors that are too wide for an exact PCA.

    Raises
    ------
    ReductionError
    """
    if n_features > MAX_FEATURES:
        raise ReductionError(
            f"The vectors have '{n_features}' features. The exact PCA holds a square matrix of "
            f"them and stops at {MAX_FEATURES}. Use a pooled output of the backbone."
        )


def solve_reduction(moments: Moments, settings: ReduceSettings) -> Reduction:
    """Return standardiser and PCA of vectors whose sums are given; takes over their memory.

    Raises
    ------
    ReductionError
        If the features are too few or too alike for what is asked.
    """
    # Not above: workers import this module too, and have no use for scikit-learn.
    from pomona.reduction.estimators import PCA, Standardizer

    standardizer = Standardizer(with_scale=settings.standardise).fit_moments(moments)
    pca = PCA(settings.components, whiten=settings.whiten)
    pca.fit_moments(moments, scale=standardizer.scale_)
    return Reduction.from_fitted(standardizer, pca)


def explained_share(reduction: Reduction, moments: Moments) -> float:
    """Return which share of the variance of these vectors a reduction holds.

    The variance of the standardised vectors, by the reduction's own scale, about their own mean.
    """
    scatter = moments.scatter / reduction.scale / reduction.scale[:, np.newaxis]
    total = float(np.trace(scatter))
    held = np.einsum(
        "ij,jk,ik->", reduction.components, scatter, reduction.components, optimize=True
    )
    return float(held) / total if total > 0 else 1.0
