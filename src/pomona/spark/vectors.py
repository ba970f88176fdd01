"""A column of vectors as a matrix."""

import numpy as np
import pyarrow as pa

__all__ = ["to_matrix"]


def to_matrix(vectors: pa.Array) -> np.ndarray:
    """Return a list column as a float array of shape (n_rows, dimension), without copying."""
    flat: np.ndarray = vectors.flatten().to_numpy(zero_copy_only=False)
    return flat.reshape(len(vectors), -1)
