"""Engines: what runs a network. Each takes pixels and gives features, the same numbers.

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
from pomona.backbones.engines.protocol import Engine
from pomona.errors import SettingsError

__all__ = [
    "CUDA_ENGINE",
    "DEFAULT_ENGINE",
    "ENGINES",
    "CudaEngine",
    "Engine",
    "OnnxRuntimeEngine",
    "OpenVinoEngine",
    "check_engine",
    "find_engine",
]

DEFAULT_ENGINE: Final = "openvino"
ENGINES: Final[Mapping[str, Callable[..., Engine]]] = MappingProxyType(
    {"openvino": OpenVinoEngine, "onnxruntime": OnnxRuntimeEngine, CUDA_ENGINE: CudaEngine}
)


def find_engine(name: str) -> Callable[..., Engine]:
    """Return the engine class called ``name``.

    Raises
    ------
    SettingsError
        If there is no such engine.
    """
    if name not in ENGINES:
        known = ", ".join(f"'{known}'" for known in sorted(ENGINES))
        raise SettingsError(
            f"Unknown engine '{name}'. Known: {known}. Choose one of these with --engine."
        )
    return ENGINES[name]


def check_engine(name: str) -> None:
    """Refuse an engine that is unknown or not installed here.

    Raises
    ------
    SettingsError
        If there is no such engine.
    SetupError
        If it belongs to an extra that is missing.
    """
    find_engine(name)
    if name == CUDA_ENGINE:
        check_cuda(import_onnxruntime("cuda").get_available_providers())
    elif name != DEFAULT_ENGINE:
        import_onnxruntime("onnxruntime")
