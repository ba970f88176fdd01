"""Shapes of fruit: a solid of revolution, or balls along an arc or in a bunch."""

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["PROFILE_STEPS", "Balls", "Body", "place_balls", "trace_profile"]

FloatArray = NDArray[np.floating[Any]]

PROFILE_STEPS = 4096  # fine enough that the outline shows no steps at 2048 pixels
ARC_RINGS = 30


@dataclass(frozen=True, slots=True)
class Body:
    """Shape of one kind of fruit; lengths count in its equatorial radius, angles in degrees.

    ``top``, ``bottom`` are (depth, width) of the dimples at the poles, a negative depth being a
    nipple; ``waist`` is (depth, height, width) of a ring drawn in; ``power`` above 2 makes the
    side view boxier; ``stem`` is (length, radius); ``lean`` is the range of the angle between
    the fruit's axis and the turntable's. ``form`` other than "solid" builds the fruit of
    ``balls`` balls: along an arc of ``bend`` degrees, or packed on the body's surface.
    """

    height: float = 1.0
    girth: float = 1.0
    power: float = 2.0
    top: tuple[float, float] = (0.0, 0.1)
    bottom: tuple[float, float] = (0.0, 0.1)
    waist: tuple[float, float, float] = (0.0, 0.0, 1.0)
    stem: tuple[float, float] = (0.0, 0.0)
    lean: tuple[float, float] = (4.0, 22.0)
    form: Literal["solid", "arc", "bunch"] = "solid"
    balls: int = 0
    ball_radius: float = 0.2
    bend: float = 0.0


@dataclass(frozen=True, slots=True)
class Balls:
    """Balls of one fruit in body coordinates; a ring of a tube has a tangent, a berry has none."""

    centre: FloatArray  # (n_balls, 3)
    radius: FloatArray  # (n_balls,)
    tangent: FloatArray  # (n_balls, 3)
    along: FloatArray  # (n_balls,) place along a tube, -1 to 1; 0 for a berry
    tone: FloatArray  # (n_balls,) factor on the brightness
    is_stem: NDArray[np.bool_]  # (n_balls,)


def trace_profile(body: Body) -> tuple[FloatArray, FloatArray]:
    """Return the cosines of the polar angle and the body's radius at each, before the axes."""
    cosine = np.linspace(-1.0, 1.0, PROFILE_STEPS + 1)
    sine = np.sqrt(1 - cosine**2)
    radius = (np.abs(cosine) ** body.power + sine**body.power) ** (-1 / body.power)
    radius -= body.top[0] * np.exp((cosine - 1) / body.top[1])
    radius -= body.bottom[0] * np.exp((-cosine - 1) / body.bottom[1])
    radius -= body.waist[0] * np.exp(-(((cosine - body.waist[1]) / body.waist[2]) ** 2))
    return cosine, radius / (radius * sine).max()


def place_balls(body: Body, *, top: float, rng: np.random.Generator) -> Balls:
    """Return the balls of the fruit and of its stem, in equatorial radii."""
    parts = []
    if body.form == "arc":
        parts.append(_bend_tube(body))
    elif body.form == "bunch":
        parts.append(_pack_bunch(body, rng))
    if body.stem[0] > 0:
        parts.append(_grow_stem(body, top=top, rng=rng))
    if not parts:
        none, flat = np.zeros((0, 3)), np.zeros(0)
        return Balls(none, flat, none, flat, flat, np.zeros(0, dtype=np.bool_))
    return Balls(
        *(
            np.concatenate([getattr(part, name) for part in parts])
            for name in ("centre", "radius", "tangent", "along", "tone", "is_stem")
        )
    )


def _bend_tube(body: Body) -> Balls:
    along = np.linspace(-1.0, 1.0, ARC_RINGS)
    half = math.radians(body.bend) / 2
    bow = body.height / max(math.sin(half), 1e-3)
    centre = np.stack(
        [
            bow * (np.cos(along * half) - (1 + math.cos(half)) / 2),
            bow * np.sin(along * half),
            0 * along,
        ],
        axis=1,
    )
    tangent = np.stack([-np.sin(along * half), np.cos(along * half), 0 * along], axis=1)
    # Ends: blunt below, drawn out to a neck above.
    radius = body.ball_radius * (1 - 0.62 * np.abs(along) ** 5 - 0.16 * (along > 0) * along**2)
    return Balls(
        centre, radius, tangent, along, np.ones(ARC_RINGS), np.zeros(ARC_RINGS, dtype=np.bool_)
    )


def _pack_bunch(body: Body, rng: np.random.Generator) -> Balls:
    """Spread balls over the body by the golden angle, each moved a little."""
    n_outer, n_inner = body.balls, body.balls // 4
    n_balls = n_outer + n_inner
    ball = np.arange(n_balls)
    outer = ball < n_outer
    step = np.where(outer, (ball + 0.5) / n_outer, (ball - n_outer + 0.5) / max(n_inner, 1))
    cosine, profile = trace_profile(body)
    polar = 1 - 2 * step
    radius = np.interp(polar, cosine, profile)
    azimuth = ball * math.pi * (3 - math.sqrt(5))
    side = np.sqrt(1 - polar**2)
    centre = np.stack([side * np.cos(azimuth), polar, side * np.sin(azimuth)], axis=1)
    centre *= (radius * np.where(outer, 1.0, 0.5))[:, None] * np.array(
        [1.0, body.height, body.girth]
    )
    jitter = body.ball_radius * 0.3
    centre += rng.uniform(-jitter, jitter, size=centre.shape)
    return Balls(
        centre,
        body.ball_radius * rng.uniform(0.9, 1.1, size=n_balls),
        np.zeros((n_balls, 3)),
        np.zeros(n_balls),
        rng.uniform(0.86, 1.1, size=n_balls),
        np.zeros(n_balls, dtype=np.bool_),
    )


def _grow_stem(body: Body, *, top: float, rng: np.random.Generator) -> Balls:
    length, radius = body.stem
    rings = max(4, math.ceil(length / radius))
    step = np.linspace(0.0, 1.0, rings)
    bow = float(rng.uniform(-0.35, 0.35)) * length
    sideways = bow * step**2
    if body.form == "arc":
        half = math.radians(body.bend) / 2
        foot = _bend_tube(body).centre[-1]
        ahead = np.array([-math.sin(half), math.cos(half), 0.0])
        centre = foot + step[:, None] * length * ahead
    else:
        centre = np.stack([sideways, top - radius + step * length, 0 * step], axis=1)
    tangent = np.gradient(centre, axis=0)
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True)
    return Balls(
        centre,
        radius * (1.15 - 0.5 * step + 0.45 * step**4),
        tangent,
        np.zeros(rings),
        np.linspace(0.85, 1.1, rings),
        np.ones(rings, dtype=np.bool_),
    )
