"""Near-duplicates on both sides of a split: they make scores lie."""

from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Overlap", "find_overlap"]

FloatArray = NDArray[np.floating]

# Between standardised features. Next frames on a turntable: half of them above; two photographs
# of the same kind of fruit in a shop: one in fifty.
NEAR: Final = 0.9
MAX_SHARE: Final = 0.05
BLOCK: Final = 1024


@dataclass(frozen=True)
class Overlap:
    """How much of the test part is in the training part already.

    Parameters
    ----------
    n : int
        Test pictures looked at.
    n_same : int
        Of these, with the same content as a picture fitted on.
    n_near : int
        With a picture fitted on whose features are nearly the same.
    """

    n: int
    n_same: int
    n_near: int

    @property
    def warning(self) -> str | None:
        """A sentence if the scores cannot be trusted."""
        if not self.n_same and self.n_near <= MAX_SHARE * self.n:
            return None
        return (
            f"of {self.n} test pictures {self.n_same} are also fitted on and {self.n_near} have a "
            "near-duplicate among those: the scores are too good. Try --split grouped"
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def find_overlap(
    train: FloatArray,
    test: FloatArray,
    *,
    train_hashes: NDArray[np.object_],
    test_hashes: NDArray[np.object_],
) -> Overlap:
    """Look for the test pictures among those fitted on.

    Parameters
    ----------
    train, test : float arrays of shape (n_train, n_features) and (n_test, n_features)
        Standardised features.
    train_hashes, test_hashes : object arrays of str or None
        Of the pictures' bytes.
    """
    known = {digest for digest in train_hashes if digest}
    same = np.array([digest in known for digest in test_hashes], bool)
    first, second = _unit(train), _unit(test)
    near = np.zeros(len(second), bool)
    for start in range(0, len(first), BLOCK):
        near |= (second @ first[start : start + BLOCK].T > NEAR).any(axis=1)
    return Overlap(len(test), int(same.sum()), int((near | same).sum()))


def _unit(rows: FloatArray) -> NDArray[np.float32]:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(lengths, 1e-12), np.float32)
