"""EfficientNet-Lite0 on OpenVINO, compiled once and held by each worker of a peer."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import openvino as ov
from numpy.typing import NDArray
from preprocess import decode_image, to_network_input

OUTPUT_NAME = "features"

# float32: OpenVINO takes bfloat16 by itself on a CPU that has it, and the vectors then differ.
# No pinning: several processes would all be pinned to the same core.
CPU_SETTINGS: dict[str, Any] = {
    "INFERENCE_PRECISION_HINT": "f32",
    "ENABLE_CPU_PINNING": False,
}


def compile_network(model: Path | str, **settings: str | int) -> ov.CompiledModel:
    """Compile the ONNX file for the CPU; ``settings`` are OpenVINO's own options."""
    return ov.Core().compile_model(str(model), "CPU", {**CPU_SETTINGS, **settings})


class Extractor:
    """A compiled network that turns the bytes of JPEG files into feature vectors."""

    def __init__(self, model: str, threads: int) -> None:
        network = compile_network(model, INFERENCE_NUM_THREADS=threads, NUM_STREAMS=1)
        self._request = network.create_infer_request()
        self._output = network.output(OUTPUT_NAME)

    def extract(self, contents: Sequence[bytes]) -> NDArray[np.float32]:
        """Return float32 features of shape (n_images, n_features), one row per file."""
        return np.concatenate([self._extract_one(content) for content in contents])

    def _extract_one(self, content: bytes) -> NDArray[np.float32]:
        # One picture at a time: batches of 2 to 16 are no faster on a CPU and need more memory.
        tensor = to_network_input(decode_image(content)[np.newaxis])
        return np.array(self._request.infer([tensor], share_inputs=True)[self._output])
