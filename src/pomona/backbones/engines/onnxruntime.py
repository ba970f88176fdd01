"""ONNX Runtime on the CPU; and how a session of it is opened."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from pomona.backbones.engines.protocol import (
    Engine,
    FloatArray,
    Graph,
    Normalisation,
    UInt8Array,
    no_output,
    unreadable,
)
from pomona.errors import SetupError

__all__ = ["OnnxRuntimeEngine", "import_onnxruntime"]


class OnnxRuntimeEngine(Engine):
    """ONNX Runtime on the CPU (extra ``onnxruntime``): a second opinion on every number.

    Parameters
    ----------
    graph : Graph
    providers : sequence, optional
        Of ONNX Runtime.
    batch : int

    Raises
    ------
    SetupError
        If the extra is missing, the file is not a network, or lacks an output.
    """

    def __init__(
        self, graph: Graph, *, providers: Sequence[Any] = ("CPUExecutionProvider",), batch: int = 1
    ) -> None:
        super().__init__(graph, batch=batch)
        ort = import_onnxruntime("onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = max(1, graph.n_threads // graph.n_streams)
        options.inter_op_num_threads = 1
        # Errors are raised; its warnings are about the graph's history.
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(graph.path, options, providers=list(providers))
        except Exception as error:
            raise unreadable(graph) from error
        names = {output.name for output in self._session.get_outputs()}
        missing = [name for name in graph.output_names if name not in names]
        if missing:
            raise no_output(graph, missing)

    def _run(self, images: UInt8Array) -> Sequence[FloatArray]:
        graph = self.graph
        values = images if graph.normalisation is None else _normalise(images, graph.normalisation)
        outputs: list[FloatArray] = self._session.run(
            list(graph.output_names), {graph.input_name: values}
        )
        return outputs


def import_onnxruntime(extra: str) -> Any:
    """Return the module ``onnxruntime``.

    Raises
    ------
    SetupError
        If it is missing; ``extra`` is the one to install.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise SetupError(
            f"ONNX Runtime is not installed. It belongs to an extra of pomona. "
            f"Run: pip install 'pomona[{extra}]'; 'pomona doctor' shows what is there."
        ) from error
    return onnxruntime


def _normalise(images: UInt8Array, normalisation: Normalisation) -> FloatArray:
    ordered = images[..., ::-1] if normalisation.channel_order == "bgr" else images
    mean = np.asarray(normalisation.mean, np.float32)
    scale = np.asarray(normalisation.scale, np.float32)
    values: FloatArray = (ordered.astype(np.float32) - mean) / scale
    planes = values.transpose(0, 3, 1, 2) if normalisation.layout == "nchw" else values
    return np.ascontiguousarray(planes)
