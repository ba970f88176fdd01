"""Sources: list the pictures below a folder, with label, size and time, and read their bytes."""

import csv
import hashlib
import heapq
import os
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

import pyarrow as pa

from pomona import schema
from pomona.config import SourceSettings
from pomona.errors import ImageError, SettingsError, SourceError
from pomona.pictures.walk import EXTENSIONS, FoundPicture, find_pictures

__all__ = ["Listing", "fetch_bytes", "list_images"]

# A file beyond this is no photograph; read whole, it could starve the worker.
MAX_FILE_BYTES: Final = 512 << 20

LabelRule = Callable[[str], str | None]


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
    find_label = _label_rule(settings, root)
    found = find_pictures(root, glob=settings.glob)
    if settings.sample:
        found = _sample(found, find_label, settings.sample)
    found = found[: settings.limit]
    if not found:
        pattern = f" that match '{settings.glob}'" if settings.glob else ""
        raise SourceError(
            f"No pictures{pattern} below '{settings.source}'. Looked for "
            f"{', '.join(sorted(EXTENSIONS))} in all its folders. Check the path and --glob."
        )
    return _to_listing(found, find_label)


def fetch_bytes(path: str) -> bytes:
    """Return the bytes of one file.

    Raises
    ------
    ImageError
        With a reason code, if they cannot be had.
    """
    try:
        with open(path, "rb") as file:
            # Not read(limit): it would make room for the whole limit first.
            size = os.fstat(file.fileno()).st_size
            data = file.read(min(size, MAX_FILE_BYTES) + 1)
            if len(data) > size:
                data += file.read(MAX_FILE_BYTES)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageError("missing", "The file was listed and is gone.") from error
    except PermissionError as error:
        raise ImageError("unreadable", "The file may not be read.") from error
    except OSError as error:
        raise ImageError("read_error", f"The storage failed: {error.strerror}.") from error
    if len(data) > MAX_FILE_BYTES:
        raise ImageError("too_large_file", f"The file is larger than {MAX_FILE_BYTES:,} bytes.")
    return data


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


def _sample(found: Sequence[FoundPicture], find_label: LabelRule, n: int) -> list[FoundPicture]:
    groups: dict[str | None, list[FoundPicture]] = defaultdict(list)
    for item in found:
        groups[find_label(item.relative)].append(item)
    chosen = [item for group in groups.values() for item in heapq.nsmallest(n, group, key=_order)]
    return sorted(chosen, key=lambda item: item.relative)


def _order(item: FoundPicture) -> bytes:
    # A hash of the path: the choice does not change when other pictures come or go.
    return hashlib.blake2b(os.fsencode(item.relative), digest_size=16).digest()


def _label_rule(settings: SourceSettings, root: str) -> LabelRule:
    kind, _, argument = settings.label.partition(":")
    if kind == "none":
        return lambda relative: None
    if kind == "regex":
        return _regex_rule(argument)
    if kind == "csv":
        return _csv_rule(Path(argument), root)
    top = os.path.basename(root)
    return lambda relative: PurePosixPath(relative).parent.name or top


def _regex_rule(pattern: str) -> LabelRule:
    try:
        compiled = re.compile(pattern)
    except re.error as error:
        raise SettingsError(
            f"The label pattern '{pattern}' is not a regular expression: {error}. It is searched "
            "in the path below the source. Correct --label regex:PATTERN."
        ) from error
    if compiled.groups < 1:
        raise SettingsError(
            f"The label pattern '{pattern}' has no group. The group's text becomes the label. "
            "Put parentheses around it, as in --label 'regex:([^/]+)_[0-9]+'."
        )
    group: int | str = "label" if "label" in compiled.groupindex else 1

    def find_label(relative: str) -> str | None:
        match = compiled.search(relative)
        return match[group] if match else None

    return find_label


def _csv_rule(file: Path, root: str) -> LabelRule:
    try:
        with file.open(newline="", encoding="utf-8-sig") as lines:
            rows = csv.DictReader(lines)
            if not {"path", "label"} <= set(rows.fieldnames or ()):
                raise SettingsError(
                    f"The label table '{file}' has the columns {rows.fieldnames}. It needs 'path' "
                    "and 'label'. Name them so in its first line."
                )
            labels = {os.path.join(root, row["path"]): row["label"] for row in rows}
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SettingsError(
            f"The label table '{file}' cannot be read: {error}. It must be a UTF-8 CSV file. "
            "Correct --label csv:FILE."
        ) from error
    return lambda relative: labels.get(os.path.join(root, relative))


def _to_listing(found: Sequence[FoundPicture], find_label: LabelRule) -> Listing:
    good = [item for item in found if _is_text(item.path)]
    bad = [item for item in found if not _is_text(item.path)]
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
