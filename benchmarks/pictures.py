"""Many different pictures from few real ones: each is written anew with other JPEG settings."""

import io
from pathlib import Path

from PIL import Image

from benchmarks.rows import SCRATCH

SUBSAMPLINGS = ("4:4:4", "4:2:2", "4:2:0")


def repeat_pictures(source: Path, *, times: int) -> Path:
    """Return a folder with ``times`` versions of each picture, no two files alike.

    The first is the file itself; the others differ in quality, subsampling and a comment, as the
    same scene does when it is stored by another program. Made once, and kept.
    """
    folder = SCRATCH / "pictures" / f"{source.parent.name}-{source.name}-{times}"
    done = folder.with_name(folder.name + ".done")
    if done.exists():
        return folder
    for path in sorted(source.rglob("*.jpg")):
        target = folder / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
        with Image.open(path) as image:
            pixels = image.convert("RGB")
        for i in range(1, times):
            content = _encode(pixels, number=i)
            target.with_stem(f"{path.stem}-{i}").write_bytes(content)
    done.touch()
    return folder


def _encode(image: Image.Image, *, number: int) -> bytes:
    out = io.BytesIO()
    image.save(
        out,
        "JPEG",
        quality=80 + number % 16,
        subsampling=SUBSAMPLINGS[number % len(SUBSAMPLINGS)],
        comment=f"version {number}".encode(),
    )
    return out.getvalue()
