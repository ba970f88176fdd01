"""Light on the pixels that a part of the fruit won."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pomona.samples.casting import Surface
from pomona.samples.fruits import Fruit

__all__ = ["shade_surface"]

FloatArray = NDArray[np.floating[Any]]

LIGHT = (-0.42, 0.56, 0.714)  # unit vector: above, to the left, in front
HALFWAY = (-0.227, 0.302, 0.926)  # unit vector between LIGHT and the viewer
AMBIENT, DIFFUSE = 0.34, 0.80


def shade_surface(surface: Surface, fruit: Fruit, *, exposure: float, canvas: FloatArray) -> None:
    """Write lit colours into the canvas: wrapped Lambert, dark rim, one highlight."""
    finish = fruit.finish
    texture = fruit.texture.take(surface.texels, axis=1)
    if surface.is_stem is None:
        gloss: FloatArray | float = finish.gloss * 255
    else:
        stem = np.flatnonzero(surface.is_stem)
        texture[:3, stem] = np.array(finish.stem_colour, dtype=np.float32)[:, None]
        texture[3:, stem] = 0
        gloss = np.where(surface.is_stem, 10.0, finish.gloss * 255).astype(np.float32)
    x, y, z = surface.normal - texture[3:]
    rows = surface.to_world.tolist()
    wx, wy, wz = (row[0] * x + row[1] * y + row[2] * z for row in rows)
    scale = 1 / np.sqrt(np.maximum(wx * wx + wy * wy + wz * wz, 1e-9))
    lambert = (LIGHT[0] * wx + LIGHT[1] * wy + LIGHT[2] * wz) * scale
    mirror = (HALFWAY[0] * wx + HALFWAY[1] * wy + HALFWAY[2] * wz) * scale
    facing = np.maximum(wz * scale, 0.0)
    light = AMBIENT * (0.55 + 0.45 * facing) + DIFFUSE * np.maximum(0.86 * lambert + 0.14, 0.0)
    light += finish.fuzz * (1 - facing) ** 2
    light *= surface.tone * exposure
    shine = np.maximum(mirror, 0.0)
    for _ in range(finish.sharpness):
        shine *= shine
    shine = shine * gloss * exposure
    canvas[:, surface.pixels] = texture[:3] * light + shine
