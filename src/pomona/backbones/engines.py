"""Engines: what runs a network. Each takes pixels and gives features, the same numbers.

Every engine runs one picture at a time, so that a vector never depends on its neighbours in a
batch; on a CPU this is also the fastest way (see docs/explanation/speed.md).
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pomona.backbones.spec import BackboneSpec
from pomona.errors import SettingsError, SetupError

__all__ = [
    "DEFAULT_ENGINE",
    "ENGINES",
    "Engine",
    "OnnxRuntimeEngine",
    "OpenVinoEngine",
    "find_engine",
]

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

DEFAULT_ENGINE: Final = "openvino"


class Engine(Protocol):
    """A compiled network."""

    def __call__(self, images: UInt8Array) -> FloatArray:
        """Return float32 features (n, n_features) of uint8 RGB images (n, height, width, 3)."""
        ...


class OpenVinoEngine:
    """OpenVINO on the CPU: the faster engine, and the default.

    Parameters
    ----------
    spec : BackboneSpec
    weights : Path
        ONNX file.
    n_threads : int
        Processor cores to use.
    """

    def __init__(self, spec: BackboneSpec, weights: Path, *, n_threads: int = 1) -> None:
        import openvino as ov
        from openvino.preprocess import PrePostProcessor

        core = ov.Core()
        try:
            model = core.read_model(weights)
        except RuntimeError as error:
            raise SetupError(_unreadable(weights)) from error
        outputs = [output for output in model.outputs if spec.output_name in output.names]
        # Without the classifier head the engine has less to compute.
        model = ov.Model([output.node for output in outputs], model.get_parameters(), spec.name)
        steps = PrePostProcessor(model)
        source = steps.input().tensor()
        source.set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        source.set_color_format(ov.preprocess.ColorFormat.RGB)
        steps.input().model().set_layout(ov.Layout("NCHW"))
        convert = steps.input().preprocess().convert_element_type(ov.Type.f32)
        if spec.channel_order == "bgr":
            convert.convert_color(ov.preprocess.ColorFormat.BGR)
        convert.mean(spec.mean).scale(spec.scale)
        model = steps.build()
        model.reshape([1, *spec.input_size, 3])
        settings = {
            "INFERENCE_NUM_THREADS": n_threads,
            "NUM_STREAMS": 1,
            # Several processes would all be pinned to the same core.
            "ENABLE_CPU_PINNING": False,
            # Processors with bf16 would use it, and be off by 5 %.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self._request = core.compile_model(model, "CPU", settings).create_infer_request()
        self._input = self._request.get_input_tensor(0).data
        self._output = self._request.get_output_tensor(0).data
        self._n_features = spec.n_features

    def __call__(self, images: UInt8Array) -> FloatArray:
        """Return float32 features (n, n_features) of uint8 RGB images (n, height, width, 3)."""
        features = np.empty((len(images), self._n_features), np.float32)
        for image, row in zip(images, features, strict=True):
            # Into the engine's own memory: its call with arguments costs 0.1 ms more.
            self._input[0] = image
            self._request.start_async()
            self._request.wait()
            row[:] = self._output[0]
        return features


class OnnxRuntimeEngine:
    """ONNX Runtime on the CPU (extra ``onnxruntime``): a second opinion on every number.

    Parameters
    ----------
    spec : BackboneSpec
    weights : Path
        ONNX file.
    n_threads : int
        Processor cores to use.
    """

    def __init__(self, spec: BackboneSpec, weights: Path, *, n_threads: int = 1) -> None:
        try:
            import onnxruntime as ort
        except ImportError as error:
            raise SetupError(
                "The engine 'onnxruntime' is not installed. It belongs to an extra of pomona. "
                "Run: pip install 'pomona[onnxruntime]'."
            ) from error
        options = ort.SessionOptions()
        options.intra_op_num_threads = n_threads
        options.inter_op_num_threads = 1
        try:
            session = ort.InferenceSession(weights, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise SetupError(_unreadable(weights)) from error
        self._session: Any = session
        self._spec = spec

    def __call__(self, images: UInt8Array) -> FloatArray:
        """Return float32 features (n, n_features) of uint8 RGB images (n, height, width, 3)."""
        spec = self._spec
        features = np.empty((len(images), spec.n_features), np.float32)
        for image, row in zip(images, features, strict=True):
            ordered = image[..., ::-1] if spec.channel_order == "bgr" else image
            planes = np.ascontiguousarray(ordered.transpose(2, 0, 1)[np.newaxis], np.float32)
            feed = {spec.input_name: (planes - np.float32(spec.mean)) / np.float32(spec.scale)}
            row[:] = self._session.run([spec.output_name], feed)[0][0]
        return features


def _unreadable(weights: Path) -> str:
    return (
        f"The weights '{weights}' cannot be loaded. The file is not a network this engine "
        "understands. Install pomona again, or try another --engine."
    )


ENGINES: Final[Mapping[str, Callable[..., Engine]]] = MappingProxyType(
    {"openvino": OpenVinoEngine, "onnxruntime": OnnxRuntimeEngine}
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
