"""ONNX Runtime on the CPU; and how a session of it is opened."""

from pathlib import Path
from typing import Any

import numpy as np

from pomona.backbones.engines.protocol import FloatArray, UInt8Array, no_output, unreadable
from pomona.backbones.spec import BackboneSpec
from pomona.errors import SetupError

__all__ = ["OnnxRuntimeEngine", "import_onnxruntime", "open_session", "to_input"]


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
        ort = import_onnxruntime("onnxruntime")
        self._session = open_session(
            ort, spec, weights, providers=["CPUExecutionProvider"], n_threads=n_threads
        )
        self._spec = spec

    def __call__(self, images: UInt8Array) -> FloatArray:
        """Return float32 features (n, n_features) of uint8 RGB images (n, height, width, 3)."""
        spec = self._spec
        features = np.empty((len(images), spec.n_features), np.float32)
        for image, row in zip(images, features, strict=True):
            feed = {spec.input_name: to_input(image[np.newaxis], spec)}
            row[:] = self._session.run([spec.output_name], feed)[0].reshape(-1)
        return features


def import_onnxruntime(extra: str) -> Any:
    try:
        import onnxruntime
    except ImportError as error:
        raise SetupError(
            f"ONNX Runtime is not installed. It belongs to an extra of pomona. "
            f"Run: pip install 'pomona[{extra}]'; 'pomona doctor' shows what is there."
        ) from error
    return onnxruntime


def open_session(
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
        raise SetupError(unreadable(weights)) from error
    if spec.output_name not in {output.name for output in session.get_outputs()}:
        raise SetupError(no_output(spec, weights))
    return session


def to_input(images: UInt8Array, spec: BackboneSpec) -> FloatArray:
    ordered = images[..., ::-1] if spec.channel_order == "bgr" else images
    mean, scale = np.asarray(spec.mean, np.float32), np.asarray(spec.scale, np.float32)
    values: FloatArray = (ordered.astype(np.float32) - mean) / scale
    return np.ascontiguousarray(values.transpose(0, 3, 1, 2) if spec.layout == "nchw" else values)
