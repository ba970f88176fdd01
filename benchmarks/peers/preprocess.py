"""List JPEG files and turn their bytes into network input, the same way for every peer."""

import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

IMAGE_SIZE = 224
JPEG_SUFFIXES = (".jpg", ".jpeg")

# EfficientNet-Lite was trained on (value - 127) / 128, not on ImageNet's mean and deviation.
PIXEL_MEAN = np.float32(127.0)
PIXEL_SCALE = np.float32(128.0)


def list_images(source: Path, *, limit: int | None) -> list[str]:
    """Return the absolute paths of the JPEG files below ``source``, sorted, ``limit`` at most."""
    paths = sorted(
        os.path.join(folder, name)
        for folder, _, names in os.walk(os.path.abspath(source))
        for name in names
        if name.lower().endswith(JPEG_SUFFIXES)
    )
    if not paths:
        raise SystemExit(f"No JPEG file below '{source}'. Give a folder with one folder per label.")
    return paths[:limit]


def label_of(path: str) -> str:
    """Return the name of the folder that holds the file."""
    return os.path.basename(os.path.dirname(path))


def decode_image(content: bytes) -> NDArray[np.uint8]:
    """Return the picture as RGB of shape (224, 224, 3): turned upright, resized bicubically."""
    with Image.open(io.BytesIO(content)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
    resized = upright.resize((IMAGE_SIZE, IMAGE_SIZE), Image.Resampling.BICUBIC)
    return np.asarray(resized, dtype=np.uint8)


def to_network_input(pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return pixels of shape (n, 224, 224, 3) as float32 of shape (n, 3, 224, 224)."""
    scaled = (pixels.astype(np.float32) - PIXEL_MEAN) / PIXEL_SCALE
    return np.ascontiguousarray(scaled.transpose(0, 3, 1, 2))
