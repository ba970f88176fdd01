"""Decode a photograph from anybody: the formats of cameras only, and no bombs."""

import ctypes
from typing import Final

from PIL import Image

from pomona.pictures.decode import decode_image
from pomona.serving.heic import HeicDecoder, is_heic
from pomona.settings import DecodeLimits, Limits

__all__ = ["decode_photo", "give_memory_back"]

FORMATS: Final = ("JPEG", "PNG", "WEBP")
# A photograph takes a tenth of a byte and more for each pixel. Forty bytes of WebP can say that
# they are 64 million pixels of one colour, and cost seconds and gigabytes.
PIXELS_PER_BYTE: Final = 100
ALWAYS_PIXELS: Final = 4_000_000
# mallopt's M_MMAP_THRESHOLD, in bytes. Left alone it grows until pictures lie on the heap.
MMAP_THRESHOLD: Final = (-3, 4 * 1024 * 1024)


def decode_photo(data: bytes, *, limits: Limits, heic: HeicDecoder) -> Image.Image:
    """Decode one photograph to an upright RGB image, as ``pomona predict`` does.

    Parameters
    ----------
    data : bytes
        The whole file.
    limits : Limits
        Its ``max_pixels``; less for files that are too short for that many.
    heic : HeicDecoder

    Raises
    ------
    ImageError
        If it is no photograph that can be used.
    """
    most = min(limits.max_pixels, ALWAYS_PIXELS + PIXELS_PER_BYTE * len(data))
    decoding = DecodeLimits(max_pixels=most, lenient=True)
    if is_heic(data):
        return heic.decode(data, limits=decoding)
    return decode_image(data, limits=decoding, formats=FORMATS)


def give_memory_back() -> None:
    """Let the memory of large pictures return to the system; only glibc needs to be told."""
    try:
        ctypes.CDLL(None).mallopt(*MMAP_THRESHOLD)
    except (AttributeError, OSError, TypeError):
        return
