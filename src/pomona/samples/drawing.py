"""One picture of a fruit on white: turn it, find what each pixel sees, light that."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pomona.samples.casting import Pose, cast_solid, read_balls, splat_balls
from pomona.samples.fruits import Fruit
from pomona.samples.shading import shade_surface

__all__ = ["draw_fruit"]

FloatArray = NDArray[np.floating[Any]]
UInt8Array = NDArray[np.uint8]


def draw_fruit(fruit: Fruit, pose: Pose, *, size: int) -> UInt8Array:
    """Return the picture of a fruit on white, seen along parallel rays.

    Parameters
    ----------
    fruit : Fruit
        From `bake_fruit`.
    pose : Pose
        Angle, shift, zoom and exposure of this frame.
    size : int
        Side of the picture in pixels.

    Returns
    -------
    uint8 array of shape (size, size, 3)
        RGB.
    """
    rotation = _turn(fruit, pose.spin)
    depth = np.full(size * size, -9.0, dtype=np.float32)
    inside = np.full(size * size, -1.0, dtype=np.float32)
    owner = np.full(size * size, -1, dtype=np.int16)
    centre = -rotation[:, 1] * fruit.middle * pose.zoom + np.array([*pose.shift, 0.0])
    surfaces = []
    if fruit.body.form == "solid":
        surfaces.append(cast_solid(fruit, pose, rotation, centre, depth, inside, size))
    if len(fruit.balls.radius):
        splat_balls(fruit, pose, rotation, centre, (depth, inside, owner), size)
        surfaces.append(read_balls(fruit, pose, rotation, centre, (depth, owner), size))
    canvas = np.full((3, size * size), 255.0, dtype=np.float32)
    for surface in surfaces:
        shade_surface(surface, fruit, exposure=pose.exposure, canvas=canvas)
    cover = np.clip(inside + 0.5, 0.0, 1.0)
    canvas = 255.5 + cover * (np.clip(canvas, 0.0, 255.0) - 255.0)
    return np.ascontiguousarray(canvas.T.astype(np.uint8)).reshape(size, size, 3)


def _turn(fruit: Fruit, spin: float) -> FloatArray:
    """Return the rotation from body to viewer: lean, then the turntable, then the camera."""
    cl, sl = math.cos(fruit.lean), math.sin(fruit.lean)
    cs, ss = math.cos(spin), math.sin(spin)
    cp, sp = math.cos(fruit.pitch), math.sin(fruit.pitch)
    lean = np.array([[cl, -sl, 0.0], [sl, cl, 0.0], [0.0, 0.0, 1.0]])
    turn = np.array([[cs, 0.0, ss], [0.0, 1.0, 0.0], [-ss, 0.0, cs]])
    camera = np.array([[1.0, 0.0, 0.0], [0.0, cp, -sp], [0.0, sp, cp]])
    rotation: NDArray[np.floating] = camera @ turn @ lean
    return rotation
