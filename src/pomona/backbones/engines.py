"""Engines: what runs a network. Each takes pixels and gives features, the same numbers.

On a CPU every engine runs one picture at a time, so that a vector never depends on its neighbours
in a batch; this is also the fastest way (see docs/explanation/speed.md). A GPU would idle: there
every batch has the same size, filled up with black, so that the arithmetic is always the same.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from pomona.backbones.spec import BackboneSpec
from pomona.errors import SettingsError, SetupError
from pomona.openvino_import import import_openvino

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

UInt8Array = NDArray[np.uint8]
FloatArray = NDArray[np.float32]

DEFAULT_ENGINE: Final = "openvino"
CUDA_ENGINE: Final = "onnxruntime-cuda"
CUDA_PROVIDER: Final = "CUDAExecutionProvider"
CUDA_BATCH: Final = 32


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

    def __init__(
        self, spec: BackboneSpec, weights: Path, *, n_threads: int = 1, device: int = 0
    ) -> None:
        ov = import_openvino()
        from openvino.preprocess import PrePostProcessor

        core = ov.Core()
        try:
            model = core.read_model(weights)
        except RuntimeError as error:
            raise SetupError(_unreadable(weights)) from error
        outputs = [output for output in model.outputs if spec.output_name in output.names]
        if not outputs:
            raise SetupError(_no_output(spec, weights))
        # Without the other outputs the engine has less to compute.
        model = ov.Model([output.node for output in outputs], model.get_parameters(), spec.name)
        steps = PrePostProcessor(model)
        source = steps.input().tensor()
        source.set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
        source.set_color_format(ov.preprocess.ColorFormat.RGB)
        steps.input().model().set_layout(ov.Layout(spec.layout.upper()))
        convert = steps.input().preprocess().convert_element_type(ov.Type.f32)
        if spec.channel_order == "bgr":
            convert.convert_color(ov.preprocess.ColorFormat.BGR)
        convert.mean(list(spec.mean)).scale(list(spec.scale))
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
        # A view: the engine writes every result to the same memory.
        self._output = self._request.get_output_tensor(0).data.reshape(-1)
        self._n_features = spec.n_features

    def __call__(self, images: UInt8Array) -> FloatArray:
        """Return float32 features (n, n_features) of uint8 RGB images (n, height, width, 3)."""
        features = np.empty((len(images), self._n_features), np.float32)
        for image, row in zip(images, features, strict=True):
            # Into the engine's own memory: its call with arguments costs 0.1 ms more.
            self._input[0] = image
            self._request.start_async()
            self._request.wait()
            row[:] = self._output
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
    device : int
        Not used.
    """

    def __init__(
        self, spec: BackboneSpec, weights: Path, *, n_threads: int = 1, device: int = 0
    ) -> None:
        ort = _import_onnxruntime("onnxruntime")
        self._session = _open_session(
            ort, spec, weights, providers=["CPUExecutionProvider"], n_threads=n_threads
        )
        self._spec = spec

    def __call__(self, images: UInt8Array) -> FloatArray:
        """Return float32 features (n, n_features) of uint8 RGB images (n, height, width, 3)."""
        spec = self._spec
        features = np.empty((len(images), spec.n_features), np.float32)
        for image, row in zip(images, features, strict=True):
            feed = {spec.input_name: _to_input(image[np.newaxis], spec)}
            row[:] = self._session.run([spec.output_name], feed)[0].reshape(-1)
        return features


class CudaEngine:
    """ONNX Runtime on an NVIDIA GPU (extra ``cuda``), float32 without TF32.

    Parameters
    ----------
    spec : BackboneSpec
    weights : Path
        ONNX file.
    n_threads : int
        Processor cores for what does not run on the GPU.
    device : int
        Number of the GPU, as Spark gives it to the task.

    Raises
    ------
    SetupError
        If there is no GPU, or no ONNX Runtime that can use it.
    """

    def __init__(
        self, spec: BackboneSpec, weights: Path, *, n_threads: int = 1, device: int = 0
    ) -> None:
        ort = _import_onnxruntime("cuda")
        options = {
            "device_id": str(device),
            # TF32 keeps 10 bits of the fraction: features would be off by 1e-3.
            "use_tf32": "0",
            # The exhaustive search may choose another algorithm each time.
            "cudnn_conv_algo_search": "DEFAULT",
        }
        _check_cuda(ort.get_available_providers())
        self._session = _open_session(
            ort, spec, weights, providers=[(CUDA_PROVIDER, options)], n_threads=n_threads
        )
        # Without a driver ONNX Runtime falls back to the CPU and only logs it.
        _check_cuda(self._session.get_providers())
        self._spec = spec

    def __call__(self, images: UInt8Array) -> FloatArray:
        """Return float32 features (n, n_features) of uint8 RGB images (n, height, width, 3)."""
        spec = self._spec
        features = np.empty((len(images), spec.n_features), np.float32)
        full = np.zeros((CUDA_BATCH, *spec.input_size, 3), np.uint8)
        for start in range(0, len(images), CUDA_BATCH):
            group = images[start : start + CUDA_BATCH]
            full[: len(group)] = group
            full[len(group) :] = 0
            found = self._session.run([spec.output_name], {spec.input_name: _to_input(full, spec)})
            features[start : start + len(group)] = found[0].reshape(CUDA_BATCH, -1)[: len(group)]
        return features


def _check_cuda(providers: Sequence[str]) -> None:
    if CUDA_PROVIDER not in providers:
        raise SetupError(
            f"The engine '{CUDA_ENGINE}' has no GPU here. It needs an NVIDIA driver and an ONNX "
            "Runtime with CUDA (pip install 'pomona[cuda]', without the extra 'onnxruntime'). "
            "Or choose --engine openvino."
        )


def _import_onnxruntime(extra: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise SetupError(
            f"ONNX Runtime is not installed. It belongs to an extra of pomona. "
            f"Run: pip install 'pomona[{extra}]'."
        ) from error
    return onnxruntime


def _open_session(
    ort: Any, spec: BackboneSpec, weights: Path, *, providers: list[Any], n_threads: int
) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = n_threads
    options.inter_op_num_threads = 1
    # Errors are raised; its warnings are about the graph's history.
    options.log_severity_level = 3
    try:
        session = ort.InferenceSession(weights, options, providers=providers)
    except Exception as error:
        raise SetupError(_unreadable(weights)) from error
    if spec.output_name not in {output.name for output in session.get_outputs()}:
        raise SetupError(_no_output(spec, weights))
    return session


def _to_input(images: UInt8Array, spec: BackboneSpec) -> FloatArray:
    ordered = images[..., ::-1] if spec.channel_order == "bgr" else images
    mean, scale = np.asarray(spec.mean, np.float32), np.asarray(spec.scale, np.float32)
    values: FloatArray = (ordered.astype(np.float32) - mean) / scale
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2) if spec.layout == "nchw" else values)


def _no_output(spec: BackboneSpec, weights: Path) -> str:
    return (
        f"The weights '{weights}' have no output '{spec.output_name}'. The record of "
        f"'{spec.name}' names it. Add the network again with a record that fits."
    )


def _unreadable(weights: Path) -> str:
    return (
        f"The weights '{weights}' cannot be loaded. The file is not a network this engine "
        "understands. Install pomona again, or try another --engine."
    )


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
        _check_cuda(_import_onnxruntime("cuda").get_available_providers())
    elif name != DEFAULT_ENGINE:
        _import_onnxruntime("onnxruntime")
