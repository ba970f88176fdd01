"""Which files below a folder are pictures: the one answer for every command; needs no Arrow."""

import fnmatch
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pomona.errors import SourceError

__all__ = ["EXTENSIONS", "FoundPicture", "find_pictures", "matches"]

# Of each extension the formats that its bytes may be of, as Pillow names them.
EXTENSIONS: Final[dict[str, tuple[str, ...]]] = {
    ".jpg": ("JPEG", "MPO"),
    ".jpeg": ("JPEG", "MPO"),
    ".png": ("PNG",),
    ".webp": ("WEBP",),
    ".bmp": ("BMP",),
    ".gif": ("GIF",),
    ".tif": ("TIFF",),
    ".tiff": ("TIFF",),
}


@dataclass(frozen=True)
class FoundPicture:
    """A file that is a picture by its name.

    Parameters
    ----------
    path : str
        As the folder was given, exactly as on disk.
    relative : str
        Below the folder, with ``/`` between its parts.
    size : int
        Bytes.
    mtime_ns : int
        Nanoseconds since 1970.
    """

    path: str
    relative: str
    size: int
    mtime_ns: int


def find_pictures(root: str, *, glob: str | None = None) -> list[FoundPicture]:
    """Return the pictures below a folder, in the order of their paths.

    Names that start with a dot are left out, files and folders; links are followed, but never back
    to a folder above.

    Parameters
    ----------
    root : str
    glob : str, optional
        Only paths below ``root`` that match; ``*`` also matches ``/``. A pattern without ``/`` is
        compared with the name too.

    Raises
    ------
    SourceError
        If a folder cannot be listed.
    """
    return sorted(_walk(root, glob), key=lambda picture: picture.relative)


def _walk(root: str, glob: str | None) -> Iterator[FoundPicture]:
    pending = [(root, frozenset((os.path.realpath(root),)))]
    while pending:
        folder, above = pending.pop()
        for entry in _scan(folder):
            if entry.name.startswith("."):
                continue
            if _is_folder(entry):
                # A link back to a folder above would never end.
                real = os.path.realpath(entry.path) if entry.is_symlink() else entry.path
                if real not in above:
                    pending.append((entry.path, above | {real}))
            elif os.path.splitext(entry.name)[1].lower() in EXTENSIONS:
                relative = os.path.relpath(entry.path, root).replace(os.sep, "/")
                if glob is None or matches(relative, glob):
                    yield _describe(entry, relative)


def _scan(folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise SourceError(
            f"The folder '{folder}' cannot be listed. The system says: {error.strerror}. "
            "Give access to it, or choose a source without it."
        ) from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _describe(entry: os.DirEntry[str], relative: str) -> FoundPicture:
    try:
        stat = entry.stat()
    except OSError:
        # Gone or a dead link already: reading it will say so in the quarantine table.
        return FoundPicture(entry.path, relative, 0, 0)
    return FoundPicture(entry.path, relative, stat.st_size, stat.st_mtime_ns)


def matches(relative: str, glob: str) -> bool:
    """Return whether a path below the source is one that a pattern means."""
    name = relative.rsplit("/", 1)[-1]
    return fnmatch.fnmatchcase(relative, glob) or (
        "/" not in glob and fnmatch.fnmatchcase(name, glob)
    )
