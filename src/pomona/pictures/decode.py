"""From bytes to a pixel array: decode, orient, convert to RGB, resize, all within limits."""

import io
from pathlib import PurePath
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import (
    Image,
    ImageOps,
    TiffImagePlugin,  # noqa: F401  importing a plugin registers its format
    UnidentifiedImageError,
    WebPImagePlugin,  # noqa: F401
)

from pomona.errors import ImageError
from pomona.pictures.exif import ORIENTATION_TAG, read_orientation
from pomona.pictures.resize import resize_bicubic
from pomona.pictures.walk import EXTENSIONS
from pomona.settings import DecodeLimits

__all__ = [
    "INTERPOLATIONS",
    "decode_image",
    "make_thumbnail",
    "preprocess_image",
]

UInt8Array = NDArray[np.uint8]

# Pillow decodes many more formats; each one more is more surface for hostile files.
FORMATS: Final = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF")
INTERPOLATIONS: Final = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}
MIN_SIDE: Final = 2
STRIPE: Final = 256


def decode_image(
    data: bytes,
    *,
    path: str = "",
    limits: DecodeLimits | None = None,
    formats: tuple[str, ...] = FORMATS,
) -> Image.Image:
    """Decode one picture to an upright RGB image.

    EXIF orientation is applied; transparency is laid over white; 16-bit grey is scaled to 8 bits;
    of an animation the first frame is taken.

    Parameters
    ----------
    data : bytes
        The whole file.
    path : str
        Its name; only the extension is looked at.
    limits : DecodeLimits, optional
        Defaults to ``DecodeLimits()``.
    formats : tuple of str
        Pillow's names of the formats that are read; the server reads others than the pipeline.

    Returns
    -------
    PIL.Image.Image
        Mode RGB.

    Raises
    ------
    ImageError
        With the reason code that the picture's quarantine row gets.
    """
    limits = limits or DecodeLimits()
    image = _open_image(data, limits, formats)
    if not limits.lenient:
        _check_extension(image, path)
    _check_size(image, limits)
    try:
        image.load()
    except Exception as error:
        raise _decoding_error(error) from error
    _check_size(image, limits)
    # Only now: a PNG may keep its EXIF block behind the pixels.
    orientation = _read_orientation(image, limits)
    return _orient(_to_rgb(image), orientation)


def preprocess_image(
    image: Image.Image,
    *,
    input_size: tuple[int, int],
    interpolation: str = "bicubic",
    resize: str = "squash",
    compiled: bool = True,
) -> UInt8Array:
    """Resize an RGB image to a network's input.

    Parameters
    ----------
    image : PIL.Image.Image
        Mode RGB.
    input_size : tuple of int
        Height and width in pixels.
    interpolation : {"bicubic", "bilinear", "nearest", "lanczos"}
        As Pillow defines it.
    resize : {"squash", "crop"}
        ``squash`` does not keep the aspect ratio; ``crop`` keeps it and takes the largest centred
        part that fits.
    compiled : bool
        Use the faster resize where it is installed; for a few pictures its import takes longer.

    Returns
    -------
    uint8 array of shape (height, width, 3)
        The same values as ``PIL.Image.Image.resize`` or ``PIL.ImageOps.fit``, to the last bit.
    """
    height, width = input_size
    if resize == "crop":
        return np.asarray(ImageOps.fit(image, (width, height), INTERPOLATIONS[interpolation]))
    if compiled and interpolation == "bicubic":
        return resize_bicubic(image, height=height, width=width)
    return np.asarray(image.resize((width, height), INTERPOLATIONS[interpolation]))


def make_thumbnail(data: bytes, *, path: str = "", side: int = 64) -> bytes | None:
    """Return a small JPEG without any metadata, or None where the picture does not decode."""
    try:
        image = decode_image(data, path=path, limits=DecodeLimits(lenient=True))
    except ImageError:
        return None
    image.thumbnail((side, side), reducing_gap=2.0)
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=70)
    return out.getvalue()


def _open_image(data: bytes, limits: DecodeLimits, formats: tuple[str, ...]) -> Image.Image:
    if not data:
        raise ImageError("empty_file", "The file is empty.")
    try:
        return Image.open(io.BytesIO(data), formats=formats)
    except UnidentifiedImageError as error:
        raise ImageError(
            "not_an_image", f"The {len(data):,} bytes are not of a known picture format."
        ) from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise _too_many_pixels(str(error), limits) from error
    except Exception as error:
        raise _decoding_error(error) from error


def _check_extension(image: Image.Image, path: str) -> None:
    expected = EXTENSIONS.get(PurePath(path).suffix.lower())
    if expected and image.format not in expected:
        raise ImageError(
            "wrong_extension",
            f"The extension is '{PurePath(path).suffix}' and the bytes are {image.format}.",
        )


def _check_size(image: Image.Image, limits: DecodeLimits) -> None:
    width, height = image.size
    if width * height > limits.max_pixels:
        raise _too_many_pixels(f"It has {width} x {height} pixels", limits)
    if min(width, height) < MIN_SIDE:
        raise ImageError("too_small", f"The picture has {width} x {height} pixels.")


def _too_many_pixels(size: str, limits: DecodeLimits) -> ImageError:
    return ImageError("too_many_pixels", f"{size}; the limit is {limits.max_pixels:,} pixels.")


def _read_orientation(image: Image.Image, limits: DecodeLimits) -> int:
    # TIFF keeps its orientation elsewhere, and its decoder has turned the picture already.
    block = image.info.get("exif")
    if block is None or image.format == "TIFF":
        return 1
    try:
        return read_orientation(block)
    except ValueError as error:
        if limits.lenient:
            return 1
        raise ImageError("broken_exif", f"The EXIF block is damaged: {error}.") from error


def _orient(image: Image.Image, orientation: int) -> Image.Image:
    if orientation not in range(2, 9):
        return image
    # exif_transpose is the one table of the eight cases; give it a block that says just this.
    exif = image.getexif()
    exif[ORIENTATION_TAG] = orientation
    return ImageOps.exif_transpose(image)


def _to_rgb(image: Image.Image) -> Image.Image:
    mode = image.mode
    if mode == "RGB" and "transparency" not in image.info:
        return image
    try:
        if mode.startswith("I;16") or mode == "I":
            return _grey16_to_rgb(image)
        if mode == "F":
            raise ImageError("unsupported_mode", "Float pixels have no defined range.")
        if "A" in mode.upper().removeprefix("LAB") or "transparency" in image.info:
            return _flatten(image)
        return image.convert("RGB")
    except ImageError:
        raise
    except Exception as error:
        raise _decoding_error(error) from error


def _flatten(image: Image.Image) -> Image.Image:
    """Lay a picture over white, in stripes: whole, it would be in memory four times."""
    flat = Image.new("RGB", image.size)
    for top in range(0, image.height, STRIPE):
        box = (0, top, image.width, min(top + STRIPE, image.height))
        rgba = image.crop(box).convert("RGBA")
        white = Image.new("RGBA", rgba.size, (255, 255, 255, 255))
        flat.paste(Image.alpha_composite(white, rgba).convert("RGB"), box)
    return flat


def _grey16_to_rgb(image: Image.Image) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    if values.min() < 0 or values.max() > 65535:
        raise ImageError("unsupported_mode", "Integer pixels outside 0 to 65535.")
    # 65535 = 255 * 257, so this is the exact scale, rounded half up.
    grey = ((values + 128) // 257).astype(np.uint8)
    return Image.fromarray(grey).convert("RGB")


def _decoding_error(error: Exception) -> ImageError:
    text = " ".join(str(error).split())[:200] or type(error).__name__
    truncated = "truncated" in text.lower() or isinstance(error, EOFError)
    return ImageError("truncated" if truncated else "corrupt", f"{text}.".replace("..", "."))
