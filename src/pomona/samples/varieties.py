"""Varieties by number: the name of each, and its picture at any frame of the turntable."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from pomona.samples.casting import Pose
from pomona.samples.drawing import draw_fruit
from pomona.samples.fruits import Fruit, bake_fruit
from pomona.samples.kinds import KINDS, Kind
from pomona.samples.limits import check_least, check_size
from pomona.samples.painting import paint_skin, parse_colour

__all__ = ["class_name", "render_fruit"]

UInt8Array = NDArray[np.uint8]

MAX_TEXTURE = 1024  # texels; a finer skin takes seconds to paint and shows nothing more
# Streams of random numbers, so that a change in one leaves the others alone.
ORDER, TRAITS, SKIN, SHAPE, FRAME = range(5)


def class_name(class_index: int, seed: int = 0) -> str:
    """Return the name of a variety, for example "Apple Red" or "Apple Red 2".

    Parameters
    ----------
    class_index : int
        0 or more; there is no end, further rounds through the varieties get a number.
    seed : int
        Decides the order of the kinds.

    Returns
    -------
    str
        Different for every index of one seed.
    """
    kind, variety, number = _find_variety(class_index, seed)
    words = [kind.name, kind.list_varieties()[variety][0], str(number) if number > 1 else ""]
    return " ".join(word for word in words if word)


def render_fruit(
    class_index: int, frame: int, *, n_frames: int, seed: int = 0, size: int = 100
) -> UInt8Array:
    """Return one picture of a variety on the turntable.

    Parameters
    ----------
    class_index : int
        Variety, 0 or more; see `class_name`.
    frame, n_frames : int
        The turntable stands at ``frame / n_frames`` of a full turn.
    seed : int
        Decides shape, colours and texture of every variety.
    size : int
        Side of the picture in pixels, 16 to 2048.

    Returns
    -------
    uint8 array of shape (size, size, 3)
        RGB on white. The same arguments give the same picture, whatever else was rendered.

    Raises
    ------
    SettingsError
        If an argument is out of range.
    """
    check_least("frame", frame, 0)
    check_least("n_frames", n_frames, 1)
    check_size(size)
    fruit = _grow_fruit(class_index, seed, min(size * 8 // 5, MAX_TEXTURE))
    shift_x, shift_y, zoom, exposure = _stream(seed, class_index, FRAME, frame).uniform(-1, 1, 4)
    pose = Pose(
        spin=2 * np.pi * (frame / n_frames),
        shift=(0.01 * float(shift_x), 0.01 * float(shift_y)),
        zoom=1 + 0.01 * float(zoom),
        exposure=1 + 0.025 * float(exposure),
    )
    return draw_fruit(fruit, pose, size=size)


def _stream(seed: int, *path: int) -> np.random.Generator:
    check_least("seed", seed, 0)
    return np.random.Generator(np.random.PCG64([seed, *path]))


def _find_variety(class_index: int, seed: int) -> tuple[Kind, int, int]:
    """Return kind, place of the variety in it, and which fruit of that variety (from 1)."""
    check_least("class_index", class_index, 0)
    turn, place = divmod(class_index, len(KINDS))
    kind = KINDS[_order_kinds(seed)[place]]
    number, variety = divmod(turn, len(kind.list_varieties()))
    return kind, variety, number + 1


@lru_cache(maxsize=4)
def _order_kinds(seed: int) -> tuple[int, ...]:
    return tuple(_stream(seed, ORDER).permutation(len(KINDS)).tolist())


@lru_cache(maxsize=4)
def _grow_fruit(class_index: int, seed: int, texels: int) -> Fruit:
    """Return one variety with its own proportions, colours and skin."""
    kind, variety, _ = _find_variety(class_index, seed)
    traits = _stream(seed, class_index, TRAITS)
    height, girth, waist, dimple, stem = traits.uniform(0.92, 1.08, 5).tolist()
    body = replace(
        kind.body,
        height=kind.body.height * height,
        girth=kind.body.girth * (0.5 + girth / 2),
        waist=(kind.body.waist[0] * waist, *kind.body.waist[1:]),
        top=(kind.body.top[0] * dimple, kind.body.top[1]),
        stem=(kind.body.stem[0] * stem**3, kind.body.stem[1]),
    )
    _, first, second = kind.list_varieties()[variety]
    tint = traits.uniform(0.9, 1.1, (2, 3))
    skin = replace(kind.skin, blush=kind.skin.blush * float(traits.uniform(0.6, 1.4)))
    texture = paint_skin(
        skin,
        np.clip(parse_colour(first) * tint[0], 0, 255),
        np.clip(parse_colour(second) * tint[1], 0, 255),
        rng=_stream(seed, class_index, SKIN),
        texels=texels,
    )
    return bake_fruit(body, skin.finish, texture=texture, rng=_stream(seed, class_index, SHAPE))
