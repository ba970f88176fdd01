"""The compiled passes of :mod:`pomona.pictures.resize`; importing this needs Numba."""

import numba as nb
import numpy as np

__all__ = ["resample"]

HALF = np.int32(1 << 21)
BITS = 22


@nb.njit(nogil=True, cache=True)
def _transpose(source, target):  # type: ignore[no-untyped-def]
    n, m = source.shape
    n8, m8 = n // 8 * 8, m // 8 * 8
    for i0 in range(0, n8, 8):
        for j0 in range(0, m8, 8):
            for j in range(8):
                for i in range(8):
                    target[j0 + j, i0 + i] = source[i0 + i, j0 + j]
    for i in range(n8, n):
        for j in range(m):
            target[j, i] = source[i, j]
    for i in range(n8):
        for j in range(m8, m):
            target[j, i] = source[i, j]


@nb.njit(nogil=True, cache=True)
def _combine(rows, first, weights, count, sums, out):  # type: ignore[no-untyped-def]
    # Four rows at a time keep the running sums in registers.
    n = out.shape[0]
    for i in range(n):
        sums[i] = HALF
    k = 0
    while k + 4 <= count:
        w0, w1, w2, w3 = weights[k], weights[k + 1], weights[k + 2], weights[k + 3]
        r0, r1 = rows[first + k], rows[first + k + 1]
        r2, r3 = rows[first + k + 2], rows[first + k + 3]
        for i in range(n):
            sums[i] += (
                np.int32(r0[i]) * w0
                + np.int32(r1[i]) * w1
                + np.int32(r2[i]) * w2
                + np.int32(r3[i]) * w3
            )
        k += 4
    while k < count:
        w0, r0 = weights[k], rows[first + k]
        for i in range(n):
            sums[i] += np.int32(r0[i]) * w0
        k += 1
    for i in range(n):
        out[i] = np.uint8(min(max(sums[i] >> BITS, 0), 255))


@nb.njit(nogil=True, cache=True)
def _passes(columns, wx, fx, nx, wy, fy, ny, wide, wide32, back, back32, tall, sums, out):  # type: ignore[no-untyped-def]
    for x in range(wx.shape[0]):
        _combine(columns, fx[x], wx[x], nx[x], sums, wide[x])
    _transpose(wide32, back32)
    for y in range(wy.shape[0]):
        _combine(back, fy[y], wy[y], ny[y], sums, tall[y])
        for x in range(wx.shape[0]):
            out[y, x, 0] = tall[y, 4 * x]
            out[y, x, 1] = tall[y, 4 * x + 1]
            out[y, x, 2] = tall[y, 4 * x + 2]


def resample(pixels, wx, fx, nx, wy, fy, ny, columns, wide, back, tall, sums, out):  # type: ignore[no-untyped-def]
    """Run both passes; arrays as :mod:`pomona.pictures.resize` makes them."""
    _transpose(pixels, columns)
    _passes(
        columns.view(np.uint8),
        *(wx, fx, nx, wy, fy, ny),
        *(wide.view(np.uint8), wide, back.view(np.uint8), back, tall, sums, out),
    )
