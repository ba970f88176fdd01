"""List the pictures below a folder, with label, size and time."""

import hashlib
import heapq
import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from pomona import schema
from pomona.errors import SourceError
from pomona.pictures.labels import LabelRule, label_rule
from pomona.pictures.walk import EXTENSIONS, FoundPicture, find_pictures
from pomona.settings import SourceSettings

__all__ = ["Listing", "list_images"]


@dataclass(frozen=True)
class Listing:
    """The pictures found.

    Parameters
    ----------
    pictures : pyarrow.Table
        Rows of :data:`pomona.schema.LISTING`, in the order of their paths.
    quarantined : pyarrow.Table
        Rows of :data:`pomona.schema.QUARANTINE`: found, and not usable even by name.
    """

    pictures: pa.Table
    quarantined: pa.Table

    @property
    def n_images(self) -> int:
        """Number of pictures found."""
        return len(self.pictures) + len(self.quarantined)

    @property
    def n_bytes(self) -> int:
        """Their size together in bytes."""
        return sum(size.as_py() or 0 for size in self.pictures[schema.SIZE])


def list_images(settings: SourceSettings) -> Listing:
    """List the pictures below ``settings.source``.

    Returns
    -------
    Listing
        Paths are absolute and exactly as on disk.

    Raises
    ------
    SourceError
        If the source is missing, not a folder, not readable or holds no picture.
    SettingsError
        If the label rule cannot be used.
    """
    root = _check_source(settings.source)
    find_label = label_rule(settings, root)
    pictures = find_pictures(root, glob=settings.glob)
    if settings.sample:
        pictures = _sample(pictures, find_label, settings.sample)
    pictures = pictures[: settings.limit]
    if not pictures:
        pattern = f" that match '{settings.glob}'" if settings.glob else ""
        raise SourceError(
            f"No pictures{pattern} below '{settings.source}'. Looked for "
            f"{', '.join(sorted(EXTENSIONS))} in all its folders. Check the path and --glob."
        )
    return _to_listing(pictures, find_label)


def _check_source(source: Path) -> str:
    if not source.exists():
        raise SourceError(
            f"The source '{source}' does not exist. Pictures are read from a folder. "
            "Check the path."
        )
    if not source.is_dir():
        raise SourceError(
            f"The source '{source}' is a file. Pictures are read from a folder. "
            "Give the folder that holds it, and --glob for its name."
        )
    return os.path.abspath(source)


def _sample(pictures: Sequence[FoundPicture], find_label: LabelRule, n: int) -> list[FoundPicture]:
    groups: dict[str | None, list[FoundPicture]] = defaultdict(list)
    for item in pictures:
        groups[find_label(item.relative)].append(item)
    chosen = [item for group in groups.values() for item in heapq.nsmallest(n, group, key=_order)]
    return sorted(chosen, key=lambda item: item.relative)


def _order(item: FoundPicture) -> bytes:
    # A hash of the path: the choice does not change when other pictures come or go.
    return hashlib.blake2b(os.fsencode(item.relative), digest_size=16).digest()


def _to_listing(pictures: Sequence[FoundPicture], find_label: LabelRule) -> Listing:
    good = [item for item in pictures if _is_text(item.path)]
    bad = [item for item in pictures if not _is_text(item.path)]
    pictures = pa.table(
        [
            [item.path for item in good],
            [find_label(item.relative) for item in good],
            [item.size for item in good],
            [item.mtime_ns // 1000 for item in good],
        ],
        schema=schema.LISTING,
    )
    quarantined = pa.table(
        [
            [os.fsencode(item.path).decode("utf-8", "backslashreplace") for item in bad],
            [item.size for item in bad],
            ["bad_name"] * len(bad),
            [schema.REASON_CODES["bad_name"]] * len(bad),
        ],
        schema=schema.QUARANTINE,
    )
    return Listing(pictures, quarantined)


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
