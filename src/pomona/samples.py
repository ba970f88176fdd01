"""Synthetic turntable fruit in the manner of Fruits-360: any number of labelled pictures."""

import itertools
import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pomona.errors import OutputError, SettingsError
from pomona.sample_shading import Body, Finish, Fruit, Pose, bake_fruit, draw_fruit, lay_texels

__all__ = ["class_name", "render_fruit", "write_samples"]

FloatArray = NDArray[np.floating[Any]]
UInt8Array = NDArray[np.uint8]

MIN_SIZE, MAX_SIZE = 16, 2048  # pixels
MAX_TEXTURE = 1024  # texels; a finer skin takes seconds to paint and shows nothing more
CHUNK = 200  # pictures per task: about 0.2 s of work, so progress moves and no core waits long
# Streams of random numbers, so that a change in one leaves the others alone.
ORDER, TRAITS, SKIN, SHAPE, FRAME = range(5)


@dataclass(frozen=True, slots=True)
class Spots:
    """Dots in rows from pole to pole; the radius counts in half the distance between rows."""

    rows: int
    radius: float
    colour: str
    strength: float = 1.0
    raised: float = 0.0


@dataclass(frozen=True, slots=True)
class Skin:
    """Colouring of one kind of fruit; strengths are shares of the colour, 0 for none.

    ``blush`` is the share that the second colour covers, ``streaks`` how far it runs along the
    meridians, ``net`` and ``stripes`` draw in the second colour, ``top`` and ``bottom`` are the
    colour and the width of a patch around the poles, ``leaves`` is (count, reach in radians).
    """

    finish: Finish = Finish()
    mottle: float = 0.08
    grain: float = 0.03
    rough: float = 0.0
    blush: float = 0.0
    streaks: float = 0.0
    bloom: float = 0.0
    net: float = 0.0
    stripes: int = 0
    ribs: tuple[int, float] = (0, 0.0)
    spots: Spots | None = None
    top: tuple[str, float] = ("", 0.0)
    bottom: tuple[str, float] = ("", 0.0)
    leaves: tuple[int, float] = (0, 0.0)


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of fruit; varieties are "name first-colour second-colour, ...", "-" for no name."""

    name: str
    body: Body
    skin: Skin
    varieties: str

    def list_varieties(self) -> list[tuple[str, str, str]]:
        """Return (name, first colour, second colour) of each variety."""
        rows = [variety.rsplit(maxsplit=2) for variety in self.varieties.split(", ")]
        return [("" if name == "-" else name, first, second) for name, first, second in rows]


_CITRUS = Skin(Finish(0.24, 3), 0.05, 0.04, rough=0.007, spots=Spots(26, 0.4, "7a4a10", 0.22))
_DOTS = Spots(17, 0.13, "f3e2b0", 0.5)
_PORES = Spots(30, 0.25, "6b5a20", 0.6)
_FLECKS = Spots(12, 0.17, "5a3a12", 0.6)
_SEEDS = Spots(13, 0.3, "e8c66a", 0.85, raised=-0.12)
_STALK, _LEAF = (116.0, 116.0, 50.0), (88.0, 122.0, 54.0)

KINDS = (
    Kind(
        "Apple",
        Body(0.93, power=2.15, top=(0.24, 0.07), bottom=(0.14, 0.06), stem=(0.3, 0.045)),
        Skin(Finish(0.3, 4), blush=0.45, streaks=0.7, top=("8a7a35", 0.05), spots=_DOTS),
        "Red b0202a 7d0f1c, Golden dcc04a c9a83a, Green 8fb53a a9c455, Pink e6d29a d2566a, "
        "Red Yellow e3bf55 b3202c",
    ),
    Kind(
        "Pear",
        Body(1.36, waist=(0.2, 0.68, 0.42), bottom=(0.06, 0.04), stem=(0.34, 0.05)),
        Skin(Finish(0.2, 3), blush=0.2, streaks=0.1, bottom=("4a3a20", 0.012), spots=_PORES),
        "Green a3b04a b9b95a, Yellow d8c050 c98a3a, Red 8e2b2e b3563a, Brown a87b3e 8a5f2c",
    ),
    Kind(
        "Orange",
        Body(0.96, top=(0.03, 0.02)),
        replace(_CITRUS, top=("5f7a2a", 0.004)),
        "- ee8412 d96a08, Blood d9541e a82a1a, Pale f0a238 e58c20",
    ),
    Kind(
        "Lemon",
        Body(1.2, top=(-0.2, 0.035), bottom=(-0.12, 0.05), lean=(40.0, 80.0)),
        replace(_CITRUS, top=("8a9a30", 0.006)),
        "- efc92c d9b020, Meyer eeab22 d98c14, Lime 6f9a34 92b048",
    ),
    Kind(
        "Banana",
        Body(form="arc", bend=95.0, ball_radius=0.3, stem=(0.24, 0.085), lean=(50.0, 80.0)),
        Skin(
            Finish(0.12, 3, stem_colour=_STALK), ribs=(5, 0.12), spots=_FLECKS, top=("8c9a3a", 0.2)
        ),
        "- e3c235 d0b030, Green 9dae3c b4b848, Red 8c3a30 a85a40",
    ),
    Kind(
        "Plum",
        Body(1.08, top=(0.08, 0.05), stem=(0.2, 0.03)),
        Skin(Finish(0.3, 4), blush=0.35, bloom=0.5, ribs=(1, 0.16)),
        "Blue 3a2038 561f33, Red 8a1e34 b03040, Yellow d9a93a cc7a3a",
    ),
    Kind(
        "Tomato",
        Body(0.84, power=2.3, top=(0.12, 0.07), bottom=(0.04, 0.04)),
        Skin(Finish(0.55, 5), 0.04, 0.01, blush=0.15, ribs=(5, 0.05), leaves=(5, 0.75)),
        "Red cf2a14 e0521e, Yellow efb022 e8c040, Maroon 6e2420 4f3a24",
    ),
    Kind(
        "Kiwi",
        Body(1.2, girth=0.92, power=2.3, lean=(35.0, 75.0)),
        Skin(Finish(0.03, 2, fuzz=0.2), 0.12, 0.2, rough=0.014, bottom=("3a2a18", 0.015)),
        "- 94734a 7e6040, Gold b08d52 a07c44",
    ),
    Kind(
        "Strawberry",
        Body(1.32, waist=(0.2, -0.66, 0.55), power=2.05),
        Skin(Finish(0.5, 5), 0.06, 0.03, blush=0.12, leaves=(8, 0.8), spots=_SEEDS),
        "- c3161c d94a34, White f0dcc8 e8a8a0",
    ),
    Kind(
        "Grape",
        Body(
            1.35, form="bunch", balls=40, ball_radius=0.36, waist=(0.4, -0.8, 0.6), stem=(0.5, 0.06)
        ),
        Skin(Finish(0.34, 4), blush=0.3, bloom=0.35),
        "Blue 2c2a4c 46284c, White b5c060 c9c878, Pink b0505c c98080",
    ),
    Kind(
        "Cherry",
        Body(0.92, girth=0.93, top=(0.2, 0.09), stem=(0.55, 0.04)),
        Skin(Finish(0.85, 6, stem_colour=_STALK), 0.05, 0.01, blush=0.3),
        "Red a3101c 7d0c18, Black 3a0a14 521020, Rainier ecc062 d0382c",
    ),
    Kind(
        "Peach",
        Body(0.94, top=(0.16, 0.06), bottom=(-0.05, 0.03)),
        Skin(Finish(0.04, 2, fuzz=0.25), 0.1, 0.06, blush=0.5, streaks=0.25, ribs=(1, 0.2)),
        "- e8a850 b8383a, White eed6a8 cf6a6a, Red d98048 94202c",
    ),
    Kind(
        "Watermelon",
        Body(1.18, power=2.1, lean=(50.0, 85.0)),
        Skin(Finish(0.2, 3), 0.1, 0.06, stripes=9, top=("8a8048", 0.006)),
        "- 93ab58 2c5a2c, Dark 4f7a3c 1f3f22, Yellow d9bf48 b08c2c",
    ),
    Kind(
        "Melon",
        Body(1.02, top=(0.03, 0.01)),
        Skin(Finish(0.08, 2), 0.06, 0.06, rough=0.004, net=0.9, ribs=(9, 0.05)),
        "Cantaloupe cfa555 ecdcae, Galia b0a648 e3d9a8, Green 6f8a4c c5cc9c",
    ),
    Kind(
        "Blueberry",
        Body(0.88, top=(0.22, 0.04), lean=(20.0, 60.0)),
        Skin(Finish(0.12, 3), 0.1, 0.03, blush=0.25, bloom=0.75, top=("1c1a2c", 0.03)),
        "- 2e3560 3a2c54, Dark 1f2038 2c2038",
    ),
    Kind(
        "Raspberry",
        Body(1.2, form="bunch", balls=78, ball_radius=0.245, waist=(0.3, -0.75, 0.5)),
        Skin(Finish(0.32, 4, fuzz=0.1), 0.05, 0.03, blush=0.2),
        "Red b5213a cf4a58, Black 2a1626 451a30, Yellow e0a83c e8c070",
    ),
    Kind(
        "Eggplant",
        Body(1.6, waist=(0.16, 0.7, 0.5), stem=(0.3, 0.11), lean=(10.0, 50.0)),
        Skin(Finish(0.6, 5, stem_colour=_LEAF), 0.04, 0.01, blush=0.1, leaves=(5, 0.8)),
        "Purple 2e1830 44204a, White e8e0c8 d8d0a8, Violet 8a5a86 e0cfd4",
    ),
    Kind(
        "Avocado",
        Body(1.34, waist=(0.14, 0.72, 0.45), stem=(0.05, 0.08)),
        Skin(Finish(0.16, 3), 0.15, 0.12, rough=0.018, blush=0.2),
        "- 4c6a2e 5f7a34, Ripe 2e2a26 3d3a2a",
    ),
    Kind(
        "Pomegranate",
        Body(0.98, power=2.2, top=(-0.24, 0.02), stem=(0.1, 0.15)),
        Skin(Finish(0.24, 4), 0.12, 0.05, blush=0.5, streaks=0.3, ribs=(6, 0.04), spots=_DOTS),
        "- b3303a d98a50, Pale e0b070 c25a4c",
    ),
    Kind(
        "Pepper",
        Body(1.12, power=2.7, top=(0.22, 0.08), bottom=(0.12, 0.08), stem=(0.4, 0.1)),
        Skin(Finish(0.65, 5, stem_colour=_LEAF), 0.04, 0.01, blush=0.1, ribs=(4, 0.3)),
        "Red b8121a cc3018, Green 2f6a2a 4a8434, Yellow f0b818 e8a010",
    ),
    Kind(
        "Mango",
        Body(1.3, girth=0.82, waist=(0.07, 0.75, 0.4), stem=(0.12, 0.05), lean=(20.0, 60.0)),
        Skin(Finish(0.2, 3), 0.08, 0.04, blush=0.45, spots=_DOTS),
        "- c9a83c b8503a, Green 6f8e3c 8f9a44, Red b0402c 7f8a3a",
    ),
)


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
    _check_least("frame", frame, 0)
    _check_least("n_frames", n_frames, 1)
    _check_size(size)
    fruit = _grow_fruit(class_index, seed, min(size * 8 // 5, MAX_TEXTURE))
    shift_x, shift_y, zoom, exposure = _stream(seed, class_index, FRAME, frame).uniform(-1, 1, 4)
    pose = Pose(
        spin=2 * np.pi * (frame / n_frames),
        shift=(0.01 * float(shift_x), 0.01 * float(shift_y)),
        zoom=1 + 0.01 * float(zoom),
        exposure=1 + 0.025 * float(exposure),
    )
    return draw_fruit(fruit, pose, size=size)


def write_samples(
    directory: Path,
    *,
    n_classes: int = 12,
    n_per_class: int = 50,
    seed: int = 0,
    size: int = 100,
    workers: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Write a folder of labelled pictures, one sub-folder per variety, one full turn in each.

    Parameters
    ----------
    directory : Path
        Made if missing; pictures are ``directory / class name / 00000.jpg`` and so on. Those
        of the same name are replaced, other files stay.
    n_classes, n_per_class : int
        Varieties, and pictures of each; 1 or more.
    seed : int
        Same seed, same pictures, whatever ``workers`` is.
    size : int
        Side of a picture in pixels, 16 to 2048.
    workers : int, optional
        Processes; all cores if not given, none besides this one if 0 or 1.
    on_progress : callable, optional
        Called in this process with the number of pictures just written.

    Returns
    -------
    int
        Number of pictures written.

    Raises
    ------
    SettingsError
        If an argument is out of range.
    OutputError
        If the folders cannot be made.
    """
    _check_least("n_classes", n_classes, 1)
    _check_least("n_per_class", n_per_class, 1)
    _check_least("seed", seed, 0)
    _check_size(size)
    n_workers = (os.cpu_count() or 1) if workers is None else workers
    _check_least("workers", n_workers, 0)
    chunks = [
        Chunk(directory, index, start, min(start + CHUNK, n_per_class), n_per_class, seed, size)
        for index in range(n_classes)
        for start in range(0, n_per_class, CHUNK)
    ]
    try:
        for index in range(n_classes):
            (directory / class_name(index, seed)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot make folders in '{directory}'. The system says: {error.strerror}. "
            "Give a folder you may write to."
        ) from error
    total = 0
    for n_written in _write_chunks(chunks, n_workers=min(n_workers, len(chunks))):
        total += n_written
        if on_progress is not None:
            on_progress(n_written)
    return total


@dataclass(frozen=True, slots=True)
class Chunk:
    """Frames ``start`` to ``stop`` of one variety: the work of one task."""

    directory: Path
    class_index: int
    start: int
    stop: int
    n_frames: int
    seed: int
    size: int


def _write_chunks(chunks: list[Chunk], *, n_workers: int) -> Iterator[int]:
    if n_workers <= 1:
        yield from map(_write_chunk, chunks)
        return
    # Spawned processes: the caller may hold threads (Spark, a progress bar) that a fork breaks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=n_workers, mp_context=context) as pool:
        try:
            for future in as_completed([pool.submit(_write_chunk, chunk) for chunk in chunks]):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _write_chunk(chunk: Chunk) -> int:
    folder = chunk.directory / class_name(chunk.class_index, chunk.seed)
    for frame in range(chunk.start, chunk.stop):
        pixels = render_fruit(
            chunk.class_index, frame, n_frames=chunk.n_frames, seed=chunk.seed, size=chunk.size
        )
        data = BytesIO()
        Image.fromarray(pixels).save(data, "JPEG", quality=90, subsampling=2, optimize=False)
        (folder / f"{frame:05d}.jpg").write_bytes(data.getvalue())
    return chunk.stop - chunk.start


def _check_least(name: str, value: int, least: int) -> None:
    if value < least:
        raise SettingsError(
            f"{name} is '{value}'. It must be {least} or more. Give a larger {name}."
        )


def _check_size(size: int) -> None:
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise SettingsError(
            f"size is '{size}'. Pictures are {MIN_SIZE} to {MAX_SIZE} pixels wide and high. "
            "Give a size within these."
        )


def _stream(seed: int, *path: int) -> np.random.Generator:
    _check_least("seed", seed, 0)
    return np.random.Generator(np.random.PCG64([seed, *path]))


def _find_variety(class_index: int, seed: int) -> tuple[Kind, int, int]:
    """Return kind, place of the variety in it, and which fruit of that variety (from 1)."""
    _check_least("class_index", class_index, 0)
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
    texture = _paint_skin(
        skin,
        np.clip(_parse_colour(first) * tint[0], 0, 255),
        np.clip(_parse_colour(second) * tint[1], 0, 255),
        rng=_stream(seed, class_index, SKIN),
        texels=texels,
    )
    return bake_fruit(body, skin.finish, texture=texture, rng=_stream(seed, class_index, SHAPE))


def _parse_colour(text: str) -> FloatArray:
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


def _paint_skin(
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
        colour += skin.spots.strength * spot * (_parse_colour(skin.spots.colour)[:, None] - colour)
        height = height + skin.spots.raised * spot / skin.spots.rows
    for (text, width), pole in ((skin.top, 1.0), (skin.bottom, -1.0)):
        if text:
            near = np.exp(-(1 - pole * directions[1]) / width * (1 + 0.4 * cloud))
            colour += near * (_parse_colour(text)[:, None] - colour)
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
