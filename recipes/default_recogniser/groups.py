"""Hold back whole groups of alike photographs, as a shop that training never saw would look."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

__all__ = ["hold_back_groups"]

N_GROUPS: Final = 6
# A group that is larger would leave too little to learn from, a smaller one says nothing.
SMALLEST: Final = 0.05
LARGEST: Final = 0.5


def hold_back_groups(
    features: NDArray[np.floating], labels: Sequence[str], *, share: float
) -> NDArray[np.bool_]:
    """Return which pictures are held back: of each label the group nearest to ``share`` of it.

    Photographs of one basket, taken one after the other, are nearly the same picture. A split by
    chance puts them on both sides, and its score flatters.

    Parameters
    ----------
    features : float array of shape (n, n_features)
        Of a network that was not trained on these labels.
    labels : sequence of n str
    share : float
        From 0 to 1.

    Returns
    -------
    bool array of shape (n,)
    """
    members: dict[str, list[int]] = defaultdict(list)
    for i, label in enumerate(labels):
        members[label].append(i)
    held = np.zeros(len(labels), np.bool_)
    for inside in members.values():
        rows = np.array(inside)
        if len(rows) > N_GROUPS:
            held[rows[_choose(features[rows], share)]] = True
    return held


def _choose(features: NDArray[np.floating], share: float) -> NDArray[np.bool_]:
    lengths = np.linalg.norm(features, axis=1, keepdims=True)
    tree = linkage(features / np.maximum(lengths, 1e-12), "average", metric="cosine")
    groups = fcluster(tree, N_GROUPS, "maxclust")
    names = np.unique(groups)
    sizes = np.array([(groups == name).mean() for name in names])
    fits = (sizes >= SMALLEST) & (sizes <= LARGEST)
    candidates = np.flatnonzero(fits) if fits.any() else np.arange(len(names))
    best = candidates[np.abs(sizes[candidates] - share).argmin()]
    return np.asarray(groups == names[best])
