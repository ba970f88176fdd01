"""What an engine is: pixels in, features out; and what is said of weights it cannot use."""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pomona.backbones.spec import BackboneSpec

__all__ = ["Engine", "FloatArray", "UInt8Array", "no_output", "unreadable"]

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float32]


class Engine(Protocol):
    """A compiled network."""

    def __call__(self, images: UInt8Array) -> FloatArray:
        """Return float32 features (n, n_features) of uint8 RGB images (n, height, width, 3)."""
        ...


def no_output(spec: BackboneSpec, weights: Path) -> str:
    return (
        f"The weights '{weights}' have no output '{spec.output_name}'. The record of "
        f"'{spec.name}' names it. Add the network again with a record that fits."
    )


def unreadable(weights: Path) -> str:
    return (
        f"The weights '{weights}' cannot be loaded. The file is not a network this engine "
        "understands. Install pomona again, or try another --engine."
    )
