"""HEIC, in a process of its own: a damaged file can crash its decoder, and must not crash us."""

import signal
import threading
from contextlib import suppress
from importlib.util import find_spec
from typing import Final

from PIL import Image

from pomona.errors import ImageError
from pomona.pictures.child_process import ChildProcess
from pomona.pictures.decode import decode_image
from pomona.settings import DecodeLimits

__all__ = ["HeicDecoder", "is_heic"]

# The largest photograph within the limits takes some two seconds.
TIMEOUT_S: Final = 20.0
MAX_MEMORY: Final = 3 * 1024**3


def is_heic(data: bytes) -> bool:
    """Return whether a file is of the family of containers that HEIC belongs to."""
    return data[4:8] == b"ftyp"


class HeicDecoder:
    """Decode HEIC; each thread that asks gets a child of its own, at its first HEIC."""

    def __init__(self) -> None:
        self._mine = threading.local()
        self._children: list[ChildProcess] = []
        self._lock = threading.Lock()

    def decode(self, data: bytes, *, limits: DecodeLimits) -> Image.Image:
        """Return an upright RGB image.

        Raises
        ------
        ImageError
            If it does not decode, the decoder dies or takes too long, or pi-heif is missing.
        """
        if find_spec("pi_heif") is None:
            raise ImageError("not_an_image", "HEIC is not read here: pi-heif is not installed.")
        size, pixels = self._child().call(_decode, data, limits)
        return Image.frombytes("RGB", size, pixels)

    def close(self) -> None:
        """End the children."""
        with self._lock:
            for child in self._children:
                child.end()

    def _child(self) -> ChildProcess:
        if not hasattr(self._mine, "child"):
            self._mine.child = ChildProcess(timeout_s=TIMEOUT_S, prepare=_prepare)
            with self._lock:
                self._children.append(self._mine.child)
        child: ChildProcess = self._mine.child
        return child


def _prepare() -> None:
    import pi_heif

    # Ctrl-C is for the server, which ends its children itself.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Only systems without the module, or with a lower limit already, have none.
    with suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # A core of the machine is decoding something else at the same time.
    pi_heif.options.DECODE_THREADS = 1
    pi_heif.options.THUMBNAILS = False
    pi_heif.options.DEPTH_IMAGES = False
    pi_heif.options.AUX_IMAGES = False
    pi_heif.register_heif_opener()


def _decode(data: bytes, limits: DecodeLimits) -> tuple[tuple[int, int], bytes]:
    image = decode_image(data, limits=limits, formats=("HEIF",))
    return image.size, image.tobytes()
