"""Read the bytes of one picture, or say why they cannot be had."""

import os
from datetime import UTC, datetime, timedelta
from typing import Final

from pomona.errors import ImageError
from pomona.storage.addresses import is_address

__all__ = ["fetch_bytes"]

# A file beyond this is no photograph; read whole, it could starve the worker.
MAX_FILE_BYTES: Final = 512 << 20
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
CHANGED: Final = "The file was written to after it was listed."


def fetch_bytes(
    path: str, *, etag: str | None = None, size: int | None = None, mtime: datetime | None = None
) -> bytes:
    """Return the bytes of one file or object.

    Parameters
    ----------
    path : str
        Of a file, or the address of an object.
    etag : str, optional
        Of an object, as listed: bytes of another version are refused.
    size, mtime : int and datetime, optional
        Of a file, as listed, to the microsecond.

    Raises
    ------
    ImageError
        With a reason code, if they cannot be had.
    """
    try:
        if is_address(path):
            return _read_object(path, etag)
        return _read_file(path, size, mtime)
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ImageError("missing", "The file was listed and is gone.") from error
    except PermissionError as error:
        raise ImageError("unreadable", "The file may not be read.") from error
    except OSError as error:
        said = error.strerror or str(error).split(":", 1)[0]
        raise ImageError("read_error", f"The storage failed: {said}.") from error


def _read_file(path: str, size: int | None, mtime: datetime | None) -> bytes:
    with open(path, "rb") as file:
        stat = os.fstat(file.fileno())
        if mtime is not None and (
            stat.st_size != size or stat.st_mtime_ns // 1000 != _to_microseconds(mtime)
        ):
            raise ImageError("changed", CHANGED)
        # Not read(limit): it would make room for the whole limit first.
        data = file.read(min(stat.st_size, MAX_FILE_BYTES) + 1)
        if len(data) > stat.st_size:
            data += file.read(MAX_FILE_BYTES)
    return _within(data)


def _read_object(path: str, etag: str | None) -> bytes:
    from pomona.storage.objects import ChangedError, read_object

    try:
        return _within(read_object(path, etag=etag, most=MAX_FILE_BYTES))
    except ChangedError as error:
        raise ImageError("changed", CHANGED) from error


def _within(data: bytes | None) -> bytes:
    if data is None or len(data) > MAX_FILE_BYTES:
        raise ImageError("too_large_file", f"The file is larger than {MAX_FILE_BYTES:,} bytes.")
    return data


def _to_microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)
