"""What a backbone is: one record that holds every number between pixels and features."""

import hashlib
import json
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal, Self, get_args

from pomona.errors import SettingsError

__all__ = ["POOLINGS", "BackboneSpec", "Interpolation", "Output", "ResizeRule"]

Interpolation = Literal["bicubic", "bilinear", "nearest", "lanczos"]
ResizeRule = Literal["squash", "crop"]
# Outputs of the last feature map; any other name is a layer of its own.
POOLINGS: Final = ("avg", "max", "flatten")

# They name and credit a network, and change no number.
_DESCRIPTIVE: Final = ("outputs", "licence", "source", "reference")


@dataclass(frozen=True)
class Output:
    """One output of the ONNX graph.

    Parameters
    ----------
    pooling : str
        What ``--pooling`` calls it: avg, max, flatten, or a layer's name.
    name : str
        Tensor of the graph.
    n_features : int
        Numbers per picture.
    """

    pooling: str
    name: str
    n_features: int


@dataclass(frozen=True)
class BackboneSpec:
    """A network without its classifier head, and the way from pixels to its features.

    Parameters
    ----------
    name : str
        Unique in the registry.
    input_size : tuple of int
        Height and width in pixels.
    interpolation : {"bicubic", "bilinear", "nearest", "lanczos"}
        Pillow's resize filter.
    resize : {"squash", "crop"}
        ``squash`` changes the aspect ratio; ``crop`` keeps it and cuts the centre out.
    mean, scale : tuple of three float
        The network sees ``(value - mean) / scale`` of each 8-bit value, per channel, in the order
        of ``channel_order``.
    channel_order : {"rgb", "bgr"}
        Order of the three colours in the network's input.
    layout : {"nchw", "nhwc"}
        Order of the axes of the network's input.
    input_name, output_name : str
        Tensors of the ONNX graph.
    pooling : str
        Which of ``outputs`` is taken.
    n_features : int
        Length of the output vector.
    outputs : tuple of Output
        All the graph has; the first is the default.
    weights : str
        File name of the ONNX graph; empty where it is not on this machine yet.
    sha256 : str
        Of that file.
    licence, source, reference : str
        Where the weights come from, and the work that describes the network.
    """

    name: str
    input_size: tuple[int, int]
    interpolation: Interpolation
    resize: ResizeRule
    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    channel_order: Literal["rgb", "bgr"]
    layout: Literal["nchw", "nhwc"]
    input_name: str
    output_name: str
    pooling: str
    n_features: int
    outputs: tuple[Output, ...]
    weights: str
    sha256: str
    licence: str
    source: str
    reference: str

    def vary(self, *, pooling: str | None = None, resize: str | None = None) -> Self:
        """Return the same network with another output or another resize rule.

        Raises
        ------
        SettingsError
            If the network has no such output, or there is no such rule.
        """
        chosen = {output.pooling: output for output in self.outputs}.get(pooling or self.pooling)
        if chosen is None:
            known = ", ".join(f"'{output.pooling}'" for output in self.outputs)
            raise SettingsError(
                f"The backbone '{self.name}' has no output '{pooling}' here. It has {known}. "
                "Choose one of these with --pooling."
            )
        rules: dict[str, ResizeRule] = {rule: rule for rule in get_args(ResizeRule)}
        if resize is not None and resize not in rules:
            raise SettingsError(
                f"Unknown resize rule '{resize}'. Known: squash (no crop), crop (keep the aspect, "
                "cut the centre). Choose one of these with --resize."
            )
        return replace(
            self,
            pooling=chosen.pooling,
            output_name=chosen.name,
            n_features=chosen.n_features,
            resize=rules.get(resize or "", self.resize),
        )

    def fingerprint(self) -> str:
        """Return a sha256 that changes with the weights and with every number that matters."""
        numbers = {k: v for k, v in self.to_dict().items() if k not in _DESCRIPTIVE}
        return hashlib.sha256(json.dumps(numbers, sort_keys=True).encode()).hexdigest()

    def to_dict(self) -> dict[str, Any]:
        """Return the record as plain JSON values; :func:`read_spec` is the way back."""
        plain: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return plain
