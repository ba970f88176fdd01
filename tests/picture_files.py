"""Pictures made in code."""

import io

import numpy as np
from PIL import Image


def make_pixels(seed: int, height: int = 60, width: int = 80) -> np.ndarray:
    """A smooth coloured picture, different for each seed."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
    return np.asarray(small.resize((width, height), Image.Resampling.BICUBIC))


def encode(image: Image.Image | np.ndarray, format: str = "JPEG", **options: object) -> bytes:
    """The bytes of a picture file."""
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    out = io.BytesIO()
    image.save(out, format, **options)
    return out.getvalue()
