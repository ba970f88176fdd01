"""Which part of a fruit each pixel sees: rays to the solid, and balls nearest to the viewer."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pomona.samples.bodies import PROFILE_STEPS
from pomona.samples.fruits import Fruit
from pomona.samples.texels import find_texels

__all__ = ["Pose", "Surface", "cast_solid", "read_balls", "splat_balls"]

FloatArray = NDArray[np.floating[Any]]
IntArray = NDArray[np.intp]

CAST_STEPS = 8  # thirty change the mean pixel by less than half a grey level
RIM_STEPS = 17  # samples of a ray that may just miss


@dataclass(frozen=True, slots=True)
class Pose:
    """How one frame is taken: angles in radians, shift in half picture widths."""

    spin: float
    shift: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    exposure: float = 1.0


@dataclass(frozen=True, slots=True)
class Surface:
    """The pixels that one part of the fruit won, as flat arrays over those pixels."""

    pixels: IntArray  # (n,) places in the flattened picture
    texels: IntArray  # (n,)
    normal: FloatArray  # (3, n) in body coordinates, any length
    to_world: FloatArray  # (3, 3) takes ``normal`` to the viewer's axes
    tone: FloatArray | float = 1.0
    is_stem: NDArray[np.bool_] | None = None


def cast_solid(
    fruit: Fruit,
    pose: Pose,
    rotation: FloatArray,
    centre: FloatArray,
    depth: FloatArray,
    inside: FloatArray,
    size: int,
) -> Surface:
    """Walk each ray to the solid, never further than the gap left (sphere tracing).

    In body coordinates divided by the axes the solid is a ball of radius ``profile(c)``, ``c``
    the cosine of the polar angle, so the gap is the distance from the centre less that radius.
    """
    to_body = rotation.T / (fruit.axes * pose.zoom)[:, None]
    (ax, bx, dx), (ay, by, dy), (az, bz, dz) = to_body.tolist()
    _, grid_x, grid_y = _lay_grid(size)
    # The squared distance of a ray from the centre is a quadratic form of its place.
    along2 = dx * dx + dy * dy + dz * dz
    fa, fb = ax * dx + ay * dy + az * dz, bx * dx + by * dy + bz * dz
    qxx = ax * ax + ay * ay + az * az - fa * fa / along2
    qyy = bx * bx + by * by + bz * bz - fb * fb / along2
    qxy = ax * bx + ay * by + az * bz - fa * fb / along2
    x, y = grid_x - float(centre[0]), grid_y - float(centre[1])
    away2 = x * (qxx * x + 2 * qxy * y) + qyy * (y * y)
    pixel, widest = 2.0 / size, float(fruit.profile.max())
    reach = widest + pixel / float(fruit.axes.min() * pose.zoom)
    pixels = np.flatnonzero(away2 < reach * reach)
    x, y, away2 = x.take(pixels), y.take(pixels), away2.take(pixels)
    away = np.sqrt(away2)
    nearest = (fa * x + fb * y) * (-1 / along2)
    rays = _Rays(away2, ay * x + by * y + dy * nearest, along2, dy)

    room = -rays.measure_gap(np.float32(0.0), fruit)[0]
    steep = np.hypot(qxx * x + qxy * y, qxy * x + qyy * y) / np.maximum(away, 1e-6)
    steep = np.maximum(steep * pixel, 1e-6)  # body units per pixel; 0 at the very centre
    start = np.sqrt(np.maximum(reach * reach - away2, 0.0) * (1 / along2))
    rim = np.flatnonzero(room < steep)
    start[rim], room[rim] = _scan_rim(rays.take(rim), start.take(rim), fruit)
    inside[pixels] = room / steep
    z, stride = start, 1 / (fruit.steepest * math.sqrt(along2))
    for _ in range(CAST_STEPS):
        z = z - rays.measure_gap(z, fruit)[0] * stride
    _, length, entry = rays.measure_gap(z, fruit)
    z = z + nearest
    depth[pixels] = np.where(room > -0.5 * steep, z, -9.0)
    px, pz = (ax * x + bx * y + dx * z) / length, (az * x + bz * y + dz * z) / length
    cosine = (ay * x + by * y + dy * z) / length
    bend = fruit.slope.take(entry) / length
    swell = 1 + bend * cosine
    return Surface(
        pixels=pixels,
        texels=find_texels(px, cosine, pz, texture=fruit.texture),
        normal=np.stack([px * swell, cosine * swell - bend, pz * swell]),
        to_world=to_body.T,
    )


@dataclass(frozen=True, slots=True)
class _Rays:
    """Rays in body coordinates, measured from where each is nearest to the centre."""

    away2: FloatArray  # (n,) squared distance from the centre there
    height: FloatArray  # (n,) height over the equator there
    along2: float  # squared length of one step of depth
    rise: float  # height gained in one step of depth

    def take(self, places: IntArray) -> "_Rays":
        return _Rays(self.away2.take(places), self.height.take(places), self.along2, self.rise)

    def measure_gap(
        self, z: FloatArray | np.float32, fruit: Fruit
    ) -> tuple[FloatArray, FloatArray, IntArray]:
        """Return gap to the solid at depth z, distance to the centre, place in the profile."""
        length = np.sqrt(self.away2 + self.along2 * (z * z))
        cosine = (self.height + self.rise * z) / np.maximum(length, 1e-6)
        entry = (cosine * (PROFILE_STEPS / 2) + (PROFILE_STEPS / 2 + 0.5)).astype(np.intp)
        # Through the very centre rounding can put the cosine past 1: stay inside the profile.
        entry = np.clip(entry, 0, PROFILE_STEPS)
        return length - fruit.profile.take(entry), length, entry


def _scan_rim(rays: _Rays, start: FloatArray, fruit: Fruit) -> tuple[FloatArray, FloatArray]:
    """Return where to start on rays that may miss, and how deep each goes into the solid.

    Over a dimple a ray can pass the middle outside and still cut the rim before or behind it.
    """
    steps = np.linspace(1.0, -1.0, RIM_STEPS, dtype=np.float32)[:, None]
    gaps = rays.measure_gap(start * steps, fruit)[0]
    first = np.where((gaps < 0).any(axis=0), (gaps < 0).argmax(axis=0) - 1, gaps.argmin(axis=0))
    return start * steps[np.maximum(first, 0), 0], -gaps.min(axis=0)


def splat_balls(
    fruit: Fruit,
    pose: Pose,
    rotation: FloatArray,
    centre: FloatArray,
    buffers: tuple[FloatArray, FloatArray, NDArray[np.int16]],
    size: int,
) -> None:
    """Write into the buffers the pixels where a ball is the nearest thing to the viewer."""
    side = _lay_grid(size)[0]
    depth, inside, owner = (buffer.reshape(size, size) for buffer in buffers)
    places = (fruit.balls.centre * pose.zoom) @ rotation.T + centre
    radii = fruit.balls.radius * pose.zoom
    for number, ((x, y, z), radius) in enumerate(zip(places.tolist(), radii.tolist(), strict=True)):
        left, right = _span(x, radius, size)
        top, bottom = _span(-y, radius, size)
        rows, columns = side[top:bottom] + y, side[left:right] - x
        room = (radius * radius - rows * rows)[:, None] - columns * columns
        rim = room * (size / (4 * radius))  # pixels inside the outline, right near the outline
        front = z + np.sqrt(np.maximum(room, 0.0))
        patch = np.s_[top:bottom, left:right]
        won = (rim > -0.5) & (front > depth[patch])
        np.copyto(depth[patch], front, where=won)
        np.copyto(owner[patch], number, where=won)
        np.maximum(inside[patch], rim, out=inside[patch])


def _span(place: float, radius: float, size: int) -> tuple[int, int]:
    first = math.floor((place - radius + 1) * size / 2) - 1
    last = math.ceil((place + radius + 1) * size / 2) + 1
    return max(first, 0), max(min(last, size), 0)


def read_balls(
    fruit: Fruit,
    pose: Pose,
    rotation: FloatArray,
    centre: FloatArray,
    buffers: tuple[FloatArray, NDArray[np.int16]],
    size: int,
) -> Surface:
    """Return normals and texels of the pixels that balls own."""
    depth, owner = buffers
    _, grid_x, grid_y = _lay_grid(size)
    pixels = np.flatnonzero(owner >= 0)
    which = owner.take(pixels)
    balls = fruit.balls
    z = depth.take(pixels)
    seen = np.stack([grid_x.take(pixels), grid_y.take(pixels), z])
    seen -= centre.astype(np.float32)[:, None]
    (ax, bx, cx), (ay, by, cy), (az, bz, cz) = (rotation.T / pose.zoom).tolist()
    middle = balls.centre.T.astype(np.float32)[:, which]
    x = ax * seen[0] + bx * seen[1] + cx * seen[2] - middle[0]
    y = ay * seen[0] + by * seen[1] + cy * seen[2] - middle[1]
    w = az * seen[0] + bz * seen[1] + cz * seen[2] - middle[2]
    # On a tube the part along the tangent comes from the ball's own roundness: take it out.
    tx, ty, tz = balls.tangent.T.astype(np.float32)[:, which]
    lengthwise = x * tx + y * ty + w * tz
    inverse = 1 / balls.radius.astype(np.float32)[which]
    normal = np.stack([x - lengthwise * tx, y - lengthwise * ty, w - lengthwise * tz]) * inverse
    along = balls.along.astype(np.float32)[which]
    girth = np.sqrt(1 - along * along)
    texels = find_texels(
        normal[0] * girth, normal[1] * girth + along, normal[2] * girth, texture=fruit.texture
    )
    tone = balls.tone.astype(np.float32)[which]
    if fruit.body.form == "bunch":
        tone = tone * np.clip(0.62 + 0.5 * z, 0.3, 1.0)  # less light falls between the berries
    return Surface(pixels, texels, normal, rotation, tone, balls.is_stem[which])


@lru_cache(maxsize=4)
def _lay_grid(size: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return pixel centres: along one side, and x and y of the flattened picture (y upwards)."""
    side = ((np.arange(size) + 0.5) * 2 / size - 1).astype(np.float32)
    return side, np.tile(side, size), np.repeat(-side, size)
