"""One fruit, shape and skin together, with all worked out that does not depend on the frame."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pomona.samples.bodies import Balls, Body, place_balls, trace_profile

__all__ = ["Finish", "Fruit", "bake_fruit"]

FloatArray = NDArray[np.floating[Any]]

FILL = 0.96  # Fruits-360 crops each picture to the fruit; the rest is room for the jitter


@dataclass(frozen=True, slots=True)
class Finish:
    """How a skin takes the light: highlight, its sharpness in squarings, pale rim, stem colour."""

    gloss: float = 0.2
    sharpness: int = 4
    fuzz: float = 0.0
    stem_colour: tuple[float, float, float] = (92.0, 68.0, 44.0)


@dataclass(frozen=True, slots=True)
class Fruit:
    """One variety, ready to be drawn at any angle; built by `bake_fruit`."""

    body: Body
    finish: Finish
    axes: FloatArray  # (3,) half-axes of the ellipsoid that the profile is bent from
    middle: float  # height of the middle of the fruit on its axis
    profile: FloatArray  # (PROFILE_STEPS + 1,) radius by cosine of the polar angle
    slope: FloatArray  # its derivative
    steepest: float  # how much faster than the distance the gap to the surface can change
    texture: FloatArray  # (6, n_texels): red, green, blue in 0-255, bump x, y, z
    balls: Balls
    lean: float
    pitch: float


def bake_fruit(
    body: Body, finish: Finish, *, texture: FloatArray, rng: np.random.Generator
) -> Fruit:
    """Return a fruit with all that does not depend on the frame worked out.

    Parameters
    ----------
    body, finish : Body, Finish
        Shape and surface.
    texture : float32 array of shape (6, n_texels)
        Red, green, blue in 0-255 and the bump x, y, z at the directions of `lay_texels`.
    rng : numpy Generator
        Draws the lean and the places of the balls.

    Returns
    -------
    Fruit
        Scaled so that it fits the picture at every angle.
    """
    lean = math.radians(float(rng.uniform(*body.lean)))
    pitch = math.radians(float(rng.uniform(8.0, 20.0)))
    cosine, profile = trace_profile(body)
    axes = np.array([1.0, body.height, body.girth])
    heights = cosine * profile * body.height
    middle = float(heights.max() + heights.min()) / 2
    sine = np.sqrt(1 - cosine**2)
    slope = np.gradient(profile, cosine)
    balls = place_balls(body, top=float(heights[-1]), rng=rng)
    if body.form == "solid":
        reach = float(np.hypot(sine * profile * max(1.0, body.girth), heights - middle).max())
    else:
        middle, reach = 0.0, 0.0
    ends = np.linalg.norm(balls.centre - np.array([0.0, middle, 0.0]), axis=1) + balls.radius
    reach = max(reach, float(ends.max(initial=0.0)))
    scale = FILL / reach
    return Fruit(
        body=body,
        finish=finish,
        axes=axes * scale,
        middle=middle * scale,
        profile=profile.astype(np.float32),
        slope=slope.astype(np.float32),
        steepest=float(np.hypot(1.0, slope * sine / profile).max()),
        texture=texture,
        balls=Balls(
            balls.centre * scale,
            balls.radius * scale,
            balls.tangent,
            balls.along,
            balls.tone,
            balls.is_stem,
        ),
        lean=lean,
        pitch=pitch,
    )
