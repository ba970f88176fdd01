"""From an upright picture to the pixels a recogniser takes, one or several views of it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from pomona.backbones import BackboneSpec
from pomona.pictures.decode import preprocess_image

__all__ = ["WHOLE", "Preprocessing", "View", "prepare_views"]

UInt8Array = NDArray[np.uint8]


@dataclass(frozen=True)
class View:
    """A part of a picture that is looked at by itself.

    Parameters
    ----------
    size : float
        Side of the part as a share of the picture's side, above 0 and at most 1.
    x, y : float
        Where it lies in the room that is left: 0 left or top, 0.5 centre, 1 right or bottom.
    square : bool
        Both sides are shares of the picture's shorter side, so the aspect ratio is kept.
    flip : bool
        Mirrored, left to right.
    """

    size: float = 1.0
    x: float = 0.5
    y: float = 0.5
    square: bool = False
    flip: bool = False

    def box(self, width: int, height: int) -> tuple[int, int, int, int]:
        """Return left, top, right, bottom in pixels of a picture of this size."""
        short = min(width, height)
        w = max(1, round(self.size * (short if self.square else width)))
        h = max(1, round(self.size * (short if self.square else height)))
        left, top = round(self.x * (width - w)), round(self.y * (height - h))
        return left, top, left + w, top + h


WHOLE: Final = View()


@dataclass(frozen=True)
class Preprocessing:
    """Every number between a decoded picture and the network.

    Parameters
    ----------
    input_size : tuple of int
        Height and width in pixels.
    interpolation : str
        Pillow's resize filter.
    resize : {"squash", "crop"}
        ``squash`` changes the aspect ratio of a view; ``crop`` keeps it and cuts the centre out.
    channel_order : {"rgb", "bgr"}
        Order of the colours inside the network; pixels are always given as RGB.
    layout : {"nchw", "nhwc"}
        Order of the axes inside the network; pixels are always given as (n, height, width, 3).
    mean, scale : tuples of three float
        The network sees ``(value - mean) / scale``, per channel in ``channel_order``.
    views : tuple of View
        The answers to all of them are averaged.
    """

    input_size: tuple[int, int]
    interpolation: str = "bicubic"
    resize: str = "squash"
    channel_order: Literal["rgb", "bgr"] = "rgb"
    layout: Literal["nchw", "nhwc"] = "nchw"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    scale: tuple[float, float, float] = (1.0, 1.0, 1.0)
    views: tuple[View, ...] = (WHOLE,)

    @classmethod
    def from_backbone(cls, spec: BackboneSpec, *, views: tuple[View, ...] = (WHOLE,)) -> Self:
        """Return what a backbone's record says of its input."""
        return cls(
            input_size=spec.input_size,
            interpolation=spec.interpolation,
            resize=getattr(spec, "resize", "squash"),
            channel_order=spec.channel_order,
            layout=getattr(spec, "layout", "nchw"),
            mean=_three(spec.mean),
            scale=_three(spec.scale),
            views=views,
        )

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return what :meth:`as_dict` wrote."""
        values = dict(record)
        values["input_size"] = tuple(values["input_size"])
        values["mean"], values["scale"] = tuple(values["mean"]), tuple(values["scale"])
        values["views"] = tuple(View(**view) for view in values["views"])
        return cls(**values)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def prepare_views(image: Image.Image, preprocessing: Preprocessing) -> UInt8Array:
    """Return the views of an upright RGB picture.

    Returns
    -------
    uint8 array of shape (n_views, height, width, 3)
    """
    return np.stack([_prepare(image, view, preprocessing) for view in preprocessing.views])


def _prepare(image: Image.Image, view: View, preprocessing: Preprocessing) -> UInt8Array:
    if view.size != 1.0 or view.square:
        image = image.crop(view.box(image.width, image.height))
    pixels = preprocess_image(
        image,
        input_size=preprocessing.input_size,
        interpolation=preprocessing.interpolation,
        resize=preprocessing.resize,
        compiled=False,
    )
    return pixels[:, ::-1] if view.flip else pixels


def _three(value: float | tuple[float, float, float]) -> tuple[float, float, float]:
    return (value, value, value) if isinstance(value, int | float) else value
