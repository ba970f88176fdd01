"""Which picture formats the server reads; HEIC is added here and nowhere else."""

from functools import cache
from typing import Final

__all__ = ["photo_formats"]

WEB_FORMATS: Final = ("JPEG", "PNG", "WEBP")


@cache
def photo_formats() -> tuple[str, ...]:
    """Return Pillow's names of the formats a photograph may have.

    HEIC is among them if pillow-heif is installed. The pipeline names its own formats when it
    opens a picture, so that registering this one changes nothing there.
    """
    try:
        import pillow_heif
    except ImportError:
        return WEB_FORMATS
    # The photographs are looked at side by side already.
    pillow_heif.options.DECODE_THREADS = 1
    pillow_heif.register_heif_opener()
    return (*WEB_FORMATS, "HEIF")
