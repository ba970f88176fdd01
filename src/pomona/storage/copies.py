"""Copies of files that lie elsewhere, for libraries that open files by path."""

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path

__all__ = ["keep_copy"]


def keep_copy(folder: str, name: str, read: Callable[[], bytes]) -> Path:
    """Return a copy that lives as long as this process; it is read once for each ``folder``."""
    path = _copies() / folder / name
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(read())
    return path


@cache
def _copies() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="pomona-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
