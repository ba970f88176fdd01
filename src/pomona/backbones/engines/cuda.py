"""ONNX Runtime on an NVIDIA GPU."""

from collections.abc import Sequence
from typing import Final

from pomona.backbones.engines.onnxruntime import OnnxRuntimeEngine, import_onnxruntime
from pomona.backbones.engines.protocol import Graph
from pomona.errors import SetupError

__all__ = ["CUDA_ENGINE", "CudaEngine", "check_cuda"]

CUDA_ENGINE: Final = "onnxruntime-cuda"
CUDA_PROVIDER: Final = "CUDAExecutionProvider"
CUDA_BATCH: Final = 32


class CudaEngine(OnnxRuntimeEngine):
    """ONNX Runtime on an NVIDIA GPU (extra ``cuda``), float32 without TF32.

    Parameters
    ----------
    graph : Graph
        ``n_threads`` are for what does not run on the GPU; ``device`` is the number of the GPU,
        as Spark gives it to the task.

    Raises
    ------
    SetupError
        If there is no GPU, or no ONNX Runtime that can use it.
    """

    def __init__(self, graph: Graph) -> None:
        check_cuda(import_onnxruntime("cuda").get_available_providers())
        options = {
            "device_id": str(graph.device),
            # TF32 keeps 10 bits of the fraction: features would be off by 1e-3.
            "use_tf32": "0",
            # The exhaustive search may choose another algorithm each time.
            "cudnn_conv_algo_search": "DEFAULT",
        }
        super().__init__(graph, providers=[(CUDA_PROVIDER, options)], batch=CUDA_BATCH)
        # Without a driver ONNX Runtime falls back to the CPU and only logs it.
        check_cuda(self._session.get_providers())


def check_cuda(providers: Sequence[str]) -> None:
    """Refuse an ONNX Runtime that cannot use a GPU.

    Raises
    ------
    SetupError
    """
    if CUDA_PROVIDER not in providers:
        raise SetupError(
            f"The engine '{CUDA_ENGINE}' has no GPU here. It needs an NVIDIA driver and an ONNX "
            "Runtime with CUDA (pip install 'pomona[cuda]', without the extra 'onnxruntime'). "
            "Or choose --engine openvino; 'pomona doctor' shows what is there."
        )
