"""The texture of a skin: two colours and the patterns, spots, leaves and bumps over them."""

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pomona.samples.kinds import Skin, Spots
from pomona.samples.texels import lay_texels

__all__ = ["paint_skin", "parse_colour"]

FloatArray = NDArray[np.floating[Any]]


def paint_skin(
    skin: Skin, first: FloatArray, second: FloatArray, *, rng: np.random.Generator, texels: int
) -> FloatArray:
    """Return the texture that `bake_fruit` takes; draws do not depend on ``texels``."""
    directions = lay_texels(texels)
    cloud = _make_noise(directions, (1.7, 1.7, 1.7), rng) + 0.5 * _make_noise(
        directions, (3.9, 3.9, 3.9), rng
    )
    grain = _make_noise(directions, (17.0, 17.0, 17.0), rng)
    streak = _make_noise(directions, (11.0, 1.1, 11.0), rng)
    turn = np.arctan2(directions[2], directions[0])
    sine = np.sqrt(np.maximum(1 - directions[1] ** 2, 0.0))
    height = skin.rough * grain

    sun = rng.normal(size=3) * np.array([1.0, 0.5, 1.0])
    lit = (sun / np.linalg.norm(sun)) @ directions + 0.5 * cloud + skin.streaks * 0.7 * streak
    share = _ramp(lit, 0.6 - 2 * skin.blush, 1.8 - 2 * skin.blush) if skin.blush else 0 * lit
    if skin.stripes:
        wave = np.cos(skin.stripes * turn + 2.2 * cloud + 1.2 * streak)
        share = np.maximum(share, _ramp(wave, -0.25, 0.35) * (0.75 + 0.25 * grain))
    if skin.net:
        lines = np.abs(_make_noise(directions, (8.0, 8.0, 8.0), rng))
        net = 1 - _ramp(lines, 0.03, 0.2)
        share = np.maximum(share, skin.net * net)
        height = height + 0.008 * net
    colour = first[:, None] * (1 - share) + second[:, None] * share
    colour *= 1 + skin.mottle * cloud + skin.grain * grain

    if skin.bloom:
        dust = skin.bloom * _ramp(cloud + 0.3 * grain, -0.6, 1.0)
        colour += dust * 0.5 * (np.array([[150.0], [155.0], [190.0]]) - colour)
    if skin.spots:
        spot = _draw_spots(skin.spots, directions, rng)
        colour += skin.spots.strength * spot * (parse_colour(skin.spots.colour)[:, None] - colour)
        height = height + skin.spots.raised * spot / skin.spots.rows
    for (text, width), pole in ((skin.top, 1.0), (skin.bottom, -1.0)):
        if text:
            near = np.exp(-(1 - pole * directions[1]) / width * (1 + 0.4 * cloud))
            colour += near * (parse_colour(text)[:, None] - colour)
    count, depth = skin.ribs
    if count:
        height = height + depth * (np.sqrt(np.abs(np.sin(count * turn / 2)) + 0.02) - 1) * sine
    count, reach = skin.leaves
    if count:
        polar = np.arccos(np.clip(directions[1], -1.0, 1.0)) + 0.12 * streak
        edge = reach * (0.28 + 0.72 * np.abs(np.cos(count * turn / 2)) ** 1.5) - polar
        leaf = _ramp(edge, 0.0, 0.07)
        green = np.array([[74.0], [112.0], [44.0]]) * (1 + 0.25 * streak + 0.1 * grain)
        colour += leaf * (green - colour)
        height = height + 0.015 * leaf
    bump = _slope_surface(directions, height, texels)
    return np.concatenate([np.clip(colour, 0, 255), bump]).astype(np.float32)


def parse_colour(text: str) -> FloatArray:
    """Return red, green, blue in 0-255 of a text such as "ee8412"."""
    return np.array([int(text[place : place + 2], 16) for place in (0, 2, 4)], dtype=np.float64)


def _ramp(values: FloatArray, low: float, high: float) -> FloatArray:
    """Return 0 below low, 1 above high, smooth between."""
    step: FloatArray = np.clip((values - low) / (high - low), 0.0, 1.0)
    return step * step * (3 - 2 * step)


def _make_noise(
    directions: FloatArray, frequency: tuple[float, float, float], rng: np.random.Generator
) -> FloatArray:
    """Return value noise, -1 to 1: random numbers on a lattice in space, smooth between them."""
    corner = np.array([int(np.ceil(2 * f)) + 3 for f in frequency])
    lattice = rng.uniform(-1.0, 1.0, int(corner.prod()))
    place = (directions + 1) * np.array(frequency)[:, None]
    cell = place.astype(np.intp)
    step = place - cell
    step = step * step * (3 - 2 * step)
    strides = (int(corner[1] * corner[2]), int(corner[2]), 1)
    start = cell[0] * strides[0] + cell[1] * strides[1] + cell[2]
    noise = np.zeros(directions.shape[1])
    for ends in itertools.product((0, 1), repeat=3):
        weight = np.ones_like(noise)
        for axis, end in enumerate(ends):
            weight *= step[axis] if end else 1 - step[axis]
        offset = sum(end * stride for end, stride in zip(ends, strides, strict=True))
        noise += weight * lattice[start + offset]
    return noise


def _draw_spots(spots: Spots, directions: FloatArray, rng: np.random.Generator) -> FloatArray:
    """Return the share of a spot at each direction, 0 to 1."""
    polar = np.arccos(np.clip(directions[1], -1.0, 1.0)) / np.pi * spots.rows
    row = np.minimum(polar.astype(np.intp), spots.rows - 1)
    sine = np.sin((np.arange(spots.rows) + 0.5) * np.pi / spots.rows)
    counts = np.maximum(np.round(2 * spots.rows * sine), 1.0)
    turn = np.arctan2(directions[2], directions[0]) / (2 * np.pi) + 0.5
    place = turn * counts[row] + 0.5 * (row % 2)
    column = place.astype(np.intp)
    jitter = rng.uniform(-0.25, 0.25, (3, spots.rows, 2 * spots.rows + 2))[:, row, column]
    aside = (place - column - 0.5) * 2 * np.pi * sine[row] / counts[row] * spots.rows / np.pi
    distance = np.hypot(aside + jitter[0], polar - row - 0.5 + jitter[1]) * 2
    radius = spots.radius * (1 + 1.6 * jitter[2])
    return _ramp(-distance / radius, -1.25, -0.6)


def _slope_surface(directions: FloatArray, height: FloatArray, texels: int) -> FloatArray:
    """Return the gradient of a height on the sphere as vectors in space, shape (3, n_texels)."""
    grid = directions.reshape(3, texels, texels)
    flat = height.reshape(texels, texels)
    du: FloatArray = np.asarray(np.gradient(grid, axis=2))
    dv: FloatArray = np.asarray(np.gradient(grid, axis=1))
    hu: FloatArray = np.asarray(np.gradient(flat, axis=1))
    hv: FloatArray = np.asarray(np.gradient(flat, axis=0))
    uu, vv, uv = (du * du).sum(axis=0), (dv * dv).sum(axis=0), (du * dv).sum(axis=0)
    span = np.maximum(uu * vv - uv * uv, 1e-12)
    slope: FloatArray = du * ((vv * hu - uv * hv) / span) + dv * ((uu * hv - uv * hu) / span)
    return slope.reshape(3, -1)
