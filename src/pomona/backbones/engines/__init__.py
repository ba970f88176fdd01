"""Engines: what runs a network. Each takes pixels and gives the same numbers.

This is the one place where a network is opened: workers, ``predict`` and ``serve`` come here.

On a CPU every engine runs one picture at a time, so that a vector never depends on its neighbours
in a batch; this is also the fastest way (see docs/explanation/speed.md). A GPU would idle: there
every batch has the same size, filled up with black, so that the arithmetic is always the same.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from pomona.backbones.engines.cuda import CUDA_ENGINE, CudaEngine, check_cuda
from pomona.backbones.engines.onnxruntime import OnnxRuntimeEngine, import_onnxruntime
from pomona.backbones.engines.openvino import OpenVinoEngine
from pomona.backbones.engines.protocol import Engine, Graph, Normalisation
from pomona.errors import SettingsError

__all__ = [
    "CUDA_ENGINE",
    "DEFAULT_ENGINE",
    "ENGINES",
    "ONNXRUNTIME_ENGINE",
    "Engine",
    "Graph",
    "Normalisation",
    "check_engine",
    "open_engine",
]

DEFAULT_ENGINE: Final = "openvino"
ONNXRUNTIME_ENGINE: Final = "onnxruntime"
ENGINES: Final[Mapping[str, Callable[[Graph], Engine]]] = MappingProxyType(
    {
        DEFAULT_ENGINE: OpenVinoEngine,
        ONNXRUNTIME_ENGINE: OnnxRuntimeEngine,
        CUDA_ENGINE: CudaEngine,
    }
)


def open_engine(graph: Graph, *, engine: str = DEFAULT_ENGINE) -> Engine:
    """Open a network.

    Raises
    ------
    SettingsError
        If there is no such engine.
    SetupError
        If it is not installed, or cannot load the file.
    """
    return _find(engine)(graph)


def check_engine(name: str) -> None:
    """Refuse an engine that is unknown or not installed here.

    Raises
    ------
    SettingsError
        If there is no such engine.
    SetupError
        If it belongs to an extra that is missing.
    """
    _find(name)
    if name == CUDA_ENGINE:
        check_cuda(import_onnxruntime("cuda").get_available_providers())
    elif name == ONNXRUNTIME_ENGINE:
        import_onnxruntime("onnxruntime")


def _find(name: str) -> Callable[[Graph], Engine]:
    if name not in ENGINES:
        known = ", ".join(f"'{known}'" for known in sorted(ENGINES))
        raise SettingsError(
            f"Unknown engine '{name}'. Known: {known}. Choose one of these with --engine."
        )
    return ENGINES[name]
