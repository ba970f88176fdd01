"""Sources that change, and stores compared by what their rows say."""

import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from picture_files import FRAMES

import pomona
from pomona.storage.locations import open_location
from pomona.storage.records import RunRecord
from pomona.storage.state import read_state
from pomona.storage.table import read_rows

__all__ = ["change_source", "read_store", "run", "upload"]


def run(source: str | Path, out: str | Path, **more: object) -> RunRecord:
    """Bring a store up to date, with defaults."""
    return pomona.run(pomona.SourceSettings(str(source)), str(out), **more)


def change_source(source: Path) -> dict[str, int]:
    """Change a folder of at least 21 frames; return what a run has to find."""
    pictures = sorted(source.rglob("*.jpg"))
    others = sorted((sorted(FRAMES.iterdir())[-1]).glob("*.jpg"))
    (source / "new").mkdir()
    for path in others[:4]:
        shutil.copy(path, source / "new" / path.name)
    for path, other in zip(pictures[:3], others[4:7], strict=True):
        shutil.copy(other, path)
    for path in pictures[3:5]:
        path.unlink()
    (source / "moved").mkdir()
    for path in pictures[5:10]:
        path.rename(source / "moved" / path.name)
    os.utime(pictures[10])
    return {"new": 4, "changed": 3, "gone": 2, "moved": 5, "touched": 1, "extracted": 7}


def read_store(out: str | Path, root: str | Path) -> dict[str, tuple[object, ...]]:
    """Return by path below ``root`` all that does not depend on where and when it was made."""
    place = open_location(str(out))
    state = read_state(place)
    rows = read_rows(place.at("features"), state.features.files).to_pylist()
    bad = read_rows(place.at("quarantine"), state.quarantine.files)
    found: dict[str, tuple[object, ...]] = {
        _below(row["path"], root): (
            row["label"],
            row["width"],
            row["height"],
            row["content_sha256"],
            np.float32(row["features"]).tobytes(),
        )
        for row in rows
    }
    assert len(found) == len(rows)
    for row in bad.to_pylist():
        assert _below(row["path"], root) not in found
        found[_below(row["path"], root)] = (row["label"], row["reason_code"])
    assert len(found) == len(rows) + len(bad)
    return found


def _below(path: str, root: str | Path) -> str:
    return path.removeprefix(str(root)).lstrip("/")


def upload(source: Path, address: str) -> None:
    """Make a bucket hold what a folder holds, and nothing else."""
    place = open_location(address)
    wanted = {path.relative_to(source).as_posix(): path for path in source.rglob("*.jpg")}
    held = {file.name: file.size for file in place.files()}
    place.delete_files([name for name in held if name not in wanted])

    def put(name: str) -> None:
        content = wanted[name].read_bytes()
        # Azure gives a new ETag to what is written again, though it be the same.
        if held.get(name) != len(content) or place.get(name) != content:
            place.put(name, content)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(put, wanted))
