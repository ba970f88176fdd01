"""Read the bytes of one picture, or say why they cannot be had."""

import os
from typing import Final

from pomona.errors import ImageError

__all__ = ["fetch_bytes"]

# A file beyond this is no photograph; read whole, it could starve the worker.
MAX_FILE_BYTES: Final = 512 << 20


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
