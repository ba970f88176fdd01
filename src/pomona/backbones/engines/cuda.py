"""ONNX Runtime on an NVIDIA GPU."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from pomona.backbones.engines.onnxruntime import import_onnxruntime, open_session, to_input
from pomona.backbones.engines.protocol import FloatArray, UInt8Array
from pomona.backbones.spec import BackboneSpec
from pomona.errors import SetupError

__all__ = ["CUDA_ENGINE", "CudaEngine", "check_cuda"]

CUDA_ENGINE: Final = "onnxruntime-cuda"
CUDA_PROVIDER: Final = "CUDAExecutionProvider"
CUDA_BATCH: Final = 32


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
        ort = import_onnxruntime("cuda")
        options = {
            "device_id": str(device),
            # TF32 keeps 10 bits of the fraction: features would be off by 1e-3.
            "use_tf32": "0",
            # The exhaustive search may choose another algorithm each time.
            "cudnn_conv_algo_search": "DEFAULT",
        }
        check_cuda(ort.get_available_providers())
        self._session = open_session(
            ort, spec, weights, providers=[(CUDA_PROVIDER, options)], n_threads=n_threads
        )
        # Without a driver ONNX Runtime falls back to the CPU and only logs it.
        check_cuda(self._session.get_providers())
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
            found = self._session.run([spec.output_name], {spec.input_name: to_input(full, spec)})
            features[start : start + len(group)] = found[0].reshape(CUDA_BATCH, -1)[: len(group)]
        return features


def check_cuda(providers: Sequence[str]) -> None:
    if CUDA_PROVIDER not in providers:
        raise SetupError(
            f"The engine '{CUDA_ENGINE}' has no GPU here. It needs an NVIDIA driver and an ONNX "
            "Runtime with CUDA (pip install 'pomona[cuda]', without the extra 'onnxruntime'). "
            "Or choose --engine openvino; 'pomona doctor' shows what is there."
        )
