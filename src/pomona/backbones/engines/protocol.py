"""What every engine is given and gives: one record of what to open, pixels in, outputs out."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pomona.errors import SetupError

__all__ = [
    "Engine",
    "FloatArray",
    "Graph",
    "Normalisation",
    "UInt8Array",
    "no_output",
    "unreadable",
]

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class Normalisation:
    """From uint8 RGB pixels to what a network sees: ``(value - mean) / scale``.

    Parameters
    ----------
    mean, scale : tuple of three float
        Per channel, in the order of ``channel_order``.
    channel_order : {"rgb", "bgr"}
    layout : {"nchw", "nhwc"}
        Order of the axes of the network's input.
    """

    mean: tuple[float, float, float]
    scale: tuple[float, float, float]
    channel_order: Literal["rgb", "bgr"]
    layout: Literal["nchw", "nhwc"]


@dataclass(frozen=True)
class Graph:
    """A network to open, and what of the machine it may use.

    Parameters
    ----------
    path : Path
        ONNX file.
    name : str
        For messages.
    input_name : str
    input_size : tuple of int
        Height and width in pixels.
    output_names : tuple of str
        What is computed; outputs that are not named cost nothing.
    normalisation : Normalisation, optional
        None where the graph takes uint8 pixels (n, height, width, 3) itself.
    n_threads : int
        Processor cores to use.
    n_streams : int
        Pictures that are looked at at the same time, each by ``n_threads / n_streams`` cores.
    device : int
        Number of the GPU, where the engine uses one.
    """

    path: Path
    name: str
    input_name: str
    input_size: tuple[int, int]
    output_names: tuple[str, ...]
    normalisation: Normalisation | None = None
    n_threads: int = 1
    n_streams: int = 1
    device: int = 0


class Engine(ABC):
    """An opened network; threads may share it.

    Parameters
    ----------
    graph : Graph
    batch : int
        Pictures of one call, filled up with black: the arithmetic is always the same.
    """

    def __init__(self, graph: Graph, *, batch: int = 1) -> None:
        self.graph = graph
        self._batch = batch

    def __call__(self, images: UInt8Array) -> FloatArray:
        """Return the first output, float32 (n, n_features), of uint8 RGB (n, height, width, 3)."""
        first = self.outputs(images)[0]
        return first.reshape(len(first), prod(first.shape[1:]))

    def outputs(self, images: UInt8Array) -> list[FloatArray]:
        """Return every output, float32 (n, ...), of uint8 RGB images (n, height, width, 3)."""
        results: list[FloatArray] = []
        # The shapes of no pictures are those of one.
        for start in range(0, max(len(images), 1), self._batch):
            group = images[start : start + self._batch]
            outputs = self._run(self._fill(group))
            if not results:
                results = [np.empty((len(images), *one.shape[1:]), np.float32) for one in outputs]
            for result, output in zip(results, outputs, strict=True):
                result[start : start + len(group)] = output[: len(group)]
        return results

    def _fill(self, group: UInt8Array) -> UInt8Array:
        if len(group) == self._batch:
            return group
        full = np.zeros((self._batch, *self.graph.input_size, 3), np.uint8)
        full[: len(group)] = group
        return full

    @abstractmethod
    def _run(self, images: UInt8Array) -> Sequence[FloatArray]:
        """Return the outputs of one full batch; the caller copies them before the next."""


def no_output(graph: Graph, missing: Sequence[str]) -> SetupError:
    """Return the error about a graph that lacks an output."""
    return SetupError(
        f"The weights '{graph.path}' have no output '{missing[0]}'. The record of '{graph.name}' "
        "names it. Add the network again with a record that fits."
    )


def unreadable(graph: Graph) -> SetupError:
    """Return the error about a file that an engine does not understand."""
    return SetupError(
        f"The weights '{graph.path}' cannot be loaded. The file is not a network this engine "
        "understands. Install pomona again, or try another --engine."
    )
