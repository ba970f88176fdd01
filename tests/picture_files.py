"""Pictures made in code, and the real ones of the repository."""

import io
import shutil
from pathlib import Path

import numpy as np
from PIL import Image

FRAMES = Path(__file__).parents[1] / "examples" / "fruit" / "frames"


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


def copy_frames(target: Path, *, n_labels: int, n_each: int) -> Path:
    """A folder of real frames: the first labels, and of each frames from all around."""
    for folder in sorted(FRAMES.iterdir())[:n_labels]:
        frames = sorted(folder.iterdir())
        (target / folder.name).mkdir(parents=True)
        for i in range(n_each):
            path = frames[i * len(frames) // n_each]
            shutil.copy(path, target / folder.name / path.name)
    return target
