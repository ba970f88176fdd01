"""What a backbone is: one record that holds every number preprocessing needs."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["BackboneSpec"]


@dataclass(frozen=True)
class BackboneSpec:
    """A network without its classifier head, and the way from pixels to its input.

    Parameters
    ----------
    name : str
        Unique in the registry.
    input_size : tuple of int
        Height and width in pixels.
    interpolation : {"bicubic", "bilinear", "nearest", "lanczos"}
        Pillow's resize filter; the aspect ratio is not kept.
    mean, scale : float
        The network sees ``(value - mean) / scale`` of each 8-bit value.
    channel_order : {"rgb", "bgr"}
        Order of the three colours in the network's input.
    input_name, output_name : str
        Tensors of the ONNX graph; the input is (n, 3, height, width).
    n_features : int
        Length of the output vector.
    weights : str
        File below ``pomona/backbones/weights``.
    sha256 : str
        Of that file.
    licence, source, reference : str
        Where the weights come from, and the work that describes the network.
    """

    name: str
    input_size: tuple[int, int]
    interpolation: Literal["bicubic", "bilinear", "nearest", "lanczos"]
    mean: float
    scale: float
    channel_order: Literal["rgb", "bgr"]
    input_name: str
    output_name: str
    n_features: int
    weights: str
    sha256: str
    licence: str
    source: str
    reference: str
