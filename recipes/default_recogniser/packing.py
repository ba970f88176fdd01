"""All pictures a recogniser is made from in one Parquet file: small, and quick to carry."""

import csv
import io
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from pomona import schema
from pomona.errors import TrainingError
from pomona.pictures.decode import decode_image
from pomona.pictures.fetch import fetch_bytes
from pomona.pictures.listing import list_images
from pomona.settings import DecodeLimits, SourceSettings

__all__ = ["KINDS", "NOTHING", "PACKED", "find_rows", "pack"]

# What a picture is to the training: photographs of shops, studio frames, pictures of other places,
# and what is no fruit. The last two are never learnt from.
KINDS: Final = ("phone", "studio", "world", "none", "studio_test", "none_test")
# Stands for no fruit where a fruit is named.
NOTHING: Final = "none"

BOX: Final = pa.struct(
    [("fruit", pa.string()), *((side, pa.float32()) for side in ("x0", "y0", "x1", "y1"))]
)
PACKED: Final = pa.schema(
    [
        pa.field("kind", pa.string(), nullable=False),
        # Of one place: pictures of another one say how it is where nothing was learnt.
        pa.field("set", pa.string(), nullable=False),
        # A label of the training, where there is one; else the fruit alone is known.
        pa.field("folder", pa.string()),
        pa.field("fruit", pa.string()),
        # Pictures of one object, which belong to one side of a split.
        pa.field("object", pa.string(), nullable=False),
        pa.field("ripeness", pa.string()),
        pa.field("boxes", pa.list_(BOX), nullable=False),
        pa.field("jpeg", pa.binary(), nullable=False),
    ]
)
FOLDERS: Final = {
    "grocery": "phone",
    "fruits360/Training": "studio",
    "fruits360/Test": "studio_test",
}
MANIFESTS: Final = ("world", "baskets", "ripeness")
# Frames of one turning fruit: every second one shows all of it.
EVERY: Final = {"studio": 2, "studio_test": 2}


def find_rows(data: Path, strangers: Path) -> Iterator[dict[str, Any]]:
    """Yield what is known of each picture, with its ``path``.

    Parameters
    ----------
    data : Path
        Holds ``grocery``, ``fruits360/Training``, ``fruits360/Test``, ``fruteria`` and, each with
        its ``MANIFEST.csv``, ``world``, ``baskets`` and ``ripeness``.
    strangers : Path
        Pictures of no fruit, below ``learn`` and ``measure``.

    Raises
    ------
    TrainingError
        If a data set is missing.
    """
    needed = [*(data / name for name in (*FOLDERS, "fruteria", *MANIFESTS))]
    needed += [strangers / "learn", strangers / "measure"]
    for folder in needed:
        if not folder.is_dir():
            raise TrainingError(
                f"The folder '{folder}' does not exist. The default recogniser is made from it. "
                "See docs/how-to/default-recogniser.md for what DATA and STRANGERS hold."
            )
    for name, kind in FOLDERS.items():
        step = EVERY.get(kind, 1)
        for path, label in _list(data / name)[::step]:
            yield _row(path, kind, name.split("/")[0], folder=label, object=f"{kind}/{label}")
    for path, fruit in _list(data / "fruteria", above=1):
        one = path.stem.rsplit("-", 1)[0]
        yield _row(path, "world", "fruteria", fruit=fruit, object=f"fruteria/{fruit}/{one}")
    for name in MANIFESTS:
        with (data / name / "MANIFEST.csv").open(newline="", encoding="utf-8") as file:
            for record in csv.DictReader(file):
                yield _row(
                    data / name / record["file"],
                    "world",
                    record["set"],
                    fruit=record["fruit_id"],
                    object=record["group"] or f"{name}/{record['file']}",
                    ripeness=record["ripeness"] or None,
                    boxes=json.loads(record["boxes"] or "[]"),
                )
    for part, kind in (("learn", "none"), ("measure", "none_test")):
        for path, _ in _list(strangers / part):
            yield _row(path, kind, f"strangers/{part}", fruit=NOTHING, object=str(path))


def _list(folder: Path, *, above: int = 0) -> list[tuple[Path, str]]:
    """Return pictures and the names of their folders, or of those further up."""
    listed = list_images(SourceSettings(folder, label="folder")).pictures
    paths = sorted(Path(path) for path in listed[schema.PATH].to_pylist())
    return [(path, path.parents[above].name) for path in paths]


def _row(path: Path, kind: str, of_set: str, **more: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"folder": None, "fruit": None, "ripeness": None, "boxes": []} | more
    row["boxes"] = [
        dict(zip(("fruit", "x0", "y0", "x1", "y1"), box, strict=True)) for box in row["boxes"]
    ]
    return row | {"path": path, "kind": kind, "set": of_set}


def pack(
    data: Path, strangers: Path, target: Path, *, side: int = 224, quality: int = 70
) -> dict[str, int]:
    """Write the file; return how many pictures of each kind are in it.

    Parameters
    ----------
    data, strangers : Path
        As for :func:`find_rows`.
    target : Path
    side : int
        The shorter side of larger pictures, in pixels.
    quality : int
        Of the JPEG.
    """
    rows = list(find_rows(data, strangers))
    with ProcessPoolExecutor() as pool:
        tasks = ((row.pop("path"), side, quality) for row in rows)
        jpegs = pool.map(_encode, tasks, chunksize=32)
        for row, jpeg in zip(rows, jpegs, strict=True):
            row["jpeg"] = jpeg
    target.parent.mkdir(parents=True, exist_ok=True)
    unfinished = target.with_suffix(".unfinished")
    # JPEG does not get any smaller.
    pq.write_table(pa.Table.from_pylist(rows, PACKED), unfinished, compression="none")
    unfinished.rename(target)
    return {kind: sum(row["kind"] == kind for row in rows) for kind in KINDS}


def _encode(task: tuple[Path, int, int]) -> bytes:
    path, side, quality = task
    image = decode_image(fetch_bytes(str(path)), path=str(path), limits=DecodeLimits(lenient=True))
    share = side / min(image.size)
    if share < 1:
        size = (round(image.width * share), round(image.height * share))
        image = image.resize(size, Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality, optimize=True)
    return buffer.getvalue()
