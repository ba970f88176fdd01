"""Count, mean and scatter of feature vectors: sums that any number of workers can add up."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Moments"]

FloatArray = NDArray[np.float64]

# Rows turned to float64 at once: 10 MB at 1280 features, enough for BLAS to run at full speed.
CHUNK_ROWS: Final = 1024


@dataclass(frozen=True)
class Moments:
    """First and second moments of n vectors, exact to float64 rounding.

    The scatter is kept about the mean, so a large offset costs no digits.

    Parameters
    ----------
    count : int
        Number of vectors, n.
    mean : float64 array of shape (n_features,)
    scatter : float64 array of shape (n_features, n_features)
        Sum of the outer products of the centred vectors.

    References
    ----------
    Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances, 1979, equation 2.1.
    """

    count: int
    mean: FloatArray
    scatter: FloatArray

    @classmethod
    def empty(cls, n_features: int) -> "Moments":
        """Return the moments of no vectors at all."""
        return cls(0, np.zeros(n_features), np.zeros((n_features, n_features)))

    @classmethod
    def from_rows(cls, rows: NDArray[np.floating]) -> "Moments":
        """Return the moments of ``rows``, shape (n, n_features), in chunks of bounded memory."""
        total = cls.empty(rows.shape[1])
        for start in range(0, len(rows), CHUNK_ROWS):
            chunk = rows[start : start + CHUNK_ROWS].astype(np.float64)
            mean = chunk.mean(axis=0)
            chunk -= mean
            # NumPy sees X'X and calls BLAS syrk, half the work of a general product.
            total = total.merge(cls(len(chunk), mean, chunk.T @ chunk))
        return total

    def merge(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of vectors together; may reuse this one's memory."""
        if self.count == 0:
            return other
        if other.count == 0:
            return self
        count = self.count + other.count
        delta = other.mean - self.mean
        scatter = self.scatter
        scatter += other.scatter
        scatter += np.outer(delta, delta * (self.count * other.count / count))
        return Moments(count, self.mean + delta * (other.count / count), scatter)

    def without(self, other: "Moments") -> "Moments":
        """Return the moments of these vectors less some of them; the inverse of :meth:`merge`."""
        count = self.count - other.count
        if count <= 0:
            return Moments.empty(len(self.mean))
        mean = self.mean + (self.mean - other.mean) * (other.count / count)
        delta = other.mean - mean
        scatter = self.scatter - other.scatter
        scatter -= np.outer(delta, delta * (count * other.count / self.count))
        return Moments(count, mean, scatter)

    def to_bytes(self) -> bytes:
        """Return the moments as bytes, the lower triangle of the scatter only."""
        n = len(self.mean)
        lower = self.scatter[np.tril_indices(n)]
        return np.concatenate([[self.count], self.mean, lower]).astype("<f8").tobytes()

    @classmethod
    def from_bytes(cls, data: bytes) -> "Moments":
        """Return the moments that :meth:`to_bytes` wrote."""
        values = np.frombuffer(data, "<f8")
        # values holds 1 + n + n (n + 1) / 2 numbers.
        n = int((np.sqrt(8 * len(values) + 1) - 3) / 2 + 0.5)
        scatter = np.zeros((n, n))
        scatter[np.tril_indices(n)] = values[1 + n :]
        upper = np.triu_indices(n, 1)
        scatter[upper] = scatter.T[upper]
        return cls(int(values[0]), values[1 : 1 + n].copy(), scatter)
