"""Made variations of a picture: framing, light, blur, JPEG, and studio cut-outs on backgrounds."""

import io
import math
import random
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageEnhance, ImageFilter
from scipy import ndimage

__all__ = ["recolour", "vary_phone", "vary_stranger", "vary_studio"]

UInt8Array = NDArray[np.uint8]

BICUBIC: Final = Image.Resampling.BICUBIC
# A studio frame's background is at least this bright in every colour.
WHITE: Final = 235
# A sixth of the circle of hues: from red to yellow, from yellow to green.
MOST_HUE: Final = 43


def vary_phone(image: Image.Image, rng: random.Random, size: int) -> Image.Image:
    """Return a phone photograph framed, turned and lit in another way."""
    if rng.random() < 0.3:
        image = _turn(image, rng.uniform(-20, 20))
    return _light(_flip(_frame(image, rng, size, smallest=0.35), rng), rng, strength=0.3)


def vary_stranger(image: Image.Image, rng: random.Random, size: int) -> Image.Image:
    """Return a part of a picture of no fruit, or a made texture."""
    if rng.random() < 0.15:
        return make_background(rng, size)
    return _light(_flip(_frame(image, rng, size, smallest=0.15), rng), rng, strength=0.3)


def vary_studio(image: Image.Image, rng: random.Random, size: int) -> Image.Image:
    """Return a studio frame, as it is or cut out and laid on a made background."""
    kind = rng.choice(("whole", "part", "on a background", "on a background"))
    if kind == "on a background":
        image = _lay_on_background(image, rng, size)
    elif kind == "part":
        # It is cut to the fruit already; prediction asks parts of it all the same.
        image = _frame(image, rng, size, smallest=0.35)
    else:
        image = image.resize((size, size), BICUBIC)
    return _light(_flip(image, rng), rng, strength=0.2)


def recolour(image: Image.Image, rng: random.Random) -> Image.Image:
    """Return the picture in other colours, as another variety of the same fruit may have them."""
    pixels = np.array(image.convert("HSV"))
    # The hue goes round in 256 steps.
    pixels[..., 0] += np.uint8(rng.randint(-MOST_HUE, MOST_HUE) % 256)
    image = Image.fromarray(pixels, "HSV").convert("RGB")
    return ImageEnhance.Color(image).enhance(rng.uniform(0.4, 1.3))


def make_background(rng: random.Random, size: int) -> Image.Image:
    """Return one colour, a gradient or a rough texture, with some noise."""
    arrays = np.random.default_rng(rng.randrange(1 << 30))
    colours = arrays.integers(20, 240, (2, 3)).astype(float)
    kind = rng.choice(("plain", "gradient", "rough"))
    field = np.broadcast_to(colours[0], (size, size, 3))
    if kind == "gradient":
        share = np.linspace(0, 1, size)[:, None, None]
        field = colours[0] * (1 - share) + colours[1] * share
        field = np.broadcast_to(field, (size, size, 3))
        if rng.random() < 0.5:
            field = field.transpose(1, 0, 2)
    elif kind == "rough":
        n = rng.choice((4, 8, 16, 32))
        grains = arrays.normal(0, 40, (n, n, 1)) + arrays.normal(0, 15, (n, n, 3))
        small = Image.fromarray(_clip(colours[0] + grains))
        field = np.asarray(small.resize((size, size), BICUBIC), float)
    return Image.fromarray(_clip(field + arrays.normal(0, rng.uniform(0, 12), (size, size, 1))))


def cut_out(image: Image.Image) -> Image.Image:
    """Return the mask of what stands before the white background of a studio frame."""
    is_white = np.asarray(image).min(axis=2) > WHITE
    areas, _ = ndimage.label(is_white)
    # White spots inside the fruit do not touch the frame.
    edge = np.concatenate([areas[0], areas[-1], areas[:, 0], areas[:, -1]])
    background = np.isin(areas, np.unique(edge[edge > 0]))
    mask = Image.fromarray(np.where(background, 0, 255).astype(np.uint8))
    return mask.filter(ImageFilter.MinFilter(3)).filter(ImageFilter.GaussianBlur(0.7))


def _lay_on_background(image: Image.Image, rng: random.Random, size: int) -> Image.Image:
    mask = cut_out(image)
    side = round(size * rng.uniform(0.45, 1.1))
    angle = rng.uniform(-180, 180) if rng.random() < 0.5 else 0.0
    image = image.resize((side, side), BICUBIC).rotate(angle, BICUBIC, fillcolor=(255, 255, 255))
    mask = mask.resize((side, side), BICUBIC).rotate(angle, BICUBIC)
    scene = make_background(rng, size)
    low, high = min(0, size - side), max(0, size - side)
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        scene.paste(image, (rng.randint(low, high), rng.randint(low, high)), mask)
    return scene


def _frame(image: Image.Image, rng: random.Random, size: int, *, smallest: float) -> Image.Image:
    width, height = image.size
    for _ in range(10):
        area = width * height * rng.uniform(smallest, 1.0)
        ratio = math.exp(rng.uniform(math.log(3 / 4), math.log(4 / 3)))
        w, h = round(math.sqrt(area * ratio)), round(math.sqrt(area / ratio))
        if 0 < w <= width and 0 < h <= height:
            x, y = rng.randint(0, width - w), rng.randint(0, height - h)
            return image.resize((size, size), BICUBIC, box=(x, y, x + w, y + h))
    return image.resize((size, size), BICUBIC)


def _turn(image: Image.Image, degrees: float) -> Image.Image:
    mean = np.asarray(image.resize((1, 1)))[0, 0]
    return image.rotate(degrees, BICUBIC, fillcolor=tuple(int(value) for value in mean))


def _flip(image: Image.Image, rng: random.Random) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if rng.random() < 0.5 else image


def _light(image: Image.Image, rng: random.Random, *, strength: float) -> Image.Image:
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        if rng.random() < 0.7:
            image = enhance(image).enhance(rng.uniform(1 - strength, 1 + strength))
    if rng.random() < 0.5:
        # Warm or cold light.
        tint = np.array([rng.uniform(0.9, 1.1), 1.0, rng.uniform(0.9, 1.1)])
        image = Image.fromarray(_clip(np.asarray(image) * tint))
    if rng.random() < 0.15:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.5, 1.5)))
    if rng.random() < 0.25:
        image = _compress(image, quality=rng.randint(30, 80))
    return image


def _compress(image: Image.Image, *, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def _clip(values: NDArray[np.floating]) -> UInt8Array:
    return np.asarray(np.clip(values, 0, 255), np.uint8)
