"""Where a direction lies on a square texture that is folded around the octahedron."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["find_texels", "lay_texels"]

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.intp]


def lay_texels(side: int) -> FloatArray:
    """Return the directions of a square texture that is folded around the octahedron.

    Parameters
    ----------
    side : int
        Texels along one side.

    Returns
    -------
    float64 array of shape (3, side * side)
        Unit vectors in body coordinates, y being the fruit's axis.

    References
    ----------
    Cigolle et al. 2014, A Survey of Efficient Representations for Independent Unit Vectors,
    section 3 (oct) - no poles, and only sums and quotients to look a direction up.
    """
    line = (np.arange(side) + 0.5) * 2 / side - 1
    x, z = np.tile(line, side), np.repeat(line, side)
    y = 1 - np.abs(x) - np.abs(z)
    fold = np.maximum(-y, 0.0)
    directions = np.stack([x - np.copysign(fold, x), y, z - np.copysign(fold, z)])
    unit: NDArray[np.floating] = directions / np.linalg.norm(directions, axis=0)
    return unit


def find_texels(x: FloatArray, y: FloatArray, z: FloatArray, *, texture: FloatArray) -> IntArray:
    """Return the places in `lay_texels` of directions of any length."""
    side = math.isqrt(texture.shape[1])
    scale = (side / 2) / (np.abs(x) + np.abs(y) + np.abs(z) + 1e-9)
    fold = np.maximum(-y, 0.0)
    column = ((x + np.copysign(fold, x)) * scale + side / 2).astype(np.intp)
    row = ((z + np.copysign(fold, z)) * scale + side / 2).astype(np.intp)
    return np.minimum(row, side - 1) * side + np.minimum(column, side - 1)
