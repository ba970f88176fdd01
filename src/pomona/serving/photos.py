"""Decode a photograph from anybody: formats of cameras only, HEIC among them, and no bombs."""

import ctypes
from functools import cache
from typing import Final

from PIL import Image

from pomona.images import DecodeLimits, decode_image
from pomona.serving.settings import Limits

__all__ = ["decode_photo", "give_memory_back", "photo_formats"]

WEB_FORMATS: Final = ("JPEG", "PNG", "WEBP")
# A photograph takes a tenth of a byte and more for each pixel. Forty bytes of WebP can say that
# they are 64 million pixels of one colour, and cost seconds and gigabytes.
PIXELS_PER_BYTE: Final = 100
ALWAYS_PIXELS: Final = 4_000_000
# mallopt's M_MMAP_THRESHOLD, in bytes. Left alone it grows until pictures lie on the heap.
MMAP_THRESHOLD: Final = (-3, 4 * 1024 * 1024)


def decode_photo(data: bytes, *, limits: Limits) -> Image.Image:
    """Decode one photograph to an upright RGB image, as ``pomona predict`` does.

    Parameters
    ----------
    data : bytes
        The whole file.
    limits : Limits
        Its ``max_pixels``; less for files that are too short for that many.

    Raises
    ------
    ImageError
        If it is no photograph that can be used.
    """
    most = min(limits.max_pixels, ALWAYS_PIXELS + PIXELS_PER_BYTE * len(data))
    decoding = DecodeLimits(max_pixels=most, lenient=True)
    return decode_image(data, limits=decoding, formats=photo_formats())


@cache
def photo_formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats a photograph may have.

    HEIC is among them if pi-heif is installed. The pipeline names its own formats when it
    opens a picture, so that registering this one changes nothing there.
    """
    try:
        import pi_heif
    except ImportError:
        return WEB_FORMATS
    # The photographs are looked at side by side already.
    pi_heif.options.DECODE_THREADS = 1
    pi_heif.register_heif_opener()
    return (*WEB_FORMATS, "HEIF")


def give_memory_back() -> None:
    """Let the memory of large pictures return to the system; only glibc needs to be told."""
    try:
        ctypes.CDLL(None).mallopt(*MMAP_THRESHOLD)
    except (AttributeError, OSError, TypeError):
        return
