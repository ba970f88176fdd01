"""OpenVINO on the CPU, imported without its telemetry."""

import sys
import threading
from collections.abc import Sequence
from typing import Any

from pomona.backbones.engines.protocol import (
    Engine,
    FloatArray,
    Graph,
    Normalisation,
    UInt8Array,
    no_output,
    unreadable,
)

__all__ = ["OpenVinoEngine", "import_openvino"]


class OpenVinoEngine(Engine):
    """OpenVINO on the CPU: the faster engine, and the default.

    Parameters
    ----------
    graph : Graph

    Raises
    ------
    SetupError
        If the file is not a network, or lacks an output.
    """

    def __init__(self, graph: Graph) -> None:
        super().__init__(graph)
        ov = import_openvino()
        core = ov.Core()
        settings = {
            "INFERENCE_NUM_THREADS": graph.n_threads,
            "NUM_STREAMS": graph.n_streams,
            # Several processes would all be pinned to the same core.
            "ENABLE_CPU_PINNING": False,
            # Processors with bf16 would use it, and be off by 5 %.
            "INFERENCE_PRECISION_HINT": "f32",
        }
        try:
            model = _select_outputs(ov, core.read_model(graph.path), graph)
            if graph.normalisation is not None:
                model = _add_normalisation(ov, model, graph.normalisation)
            model.reshape([1, *graph.input_size, 3])
            self._compiled = core.compile_model(model, "CPU", settings)
        except RuntimeError as error:
            raise unreadable(graph) from error
        self._own = threading.local()

    def _run(self, images: UInt8Array) -> Sequence[FloatArray]:
        # A request holds the memory of one picture, so each thread has its own.
        own = self._own
        if not hasattr(own, "request"):
            own.request = self._compiled.create_infer_request()
            own.input = own.request.get_input_tensor(0).data
            # Views: the engine writes every result to the same memory.
            own.outputs = [
                own.request.get_output_tensor(i).data for i in range(len(self._compiled.outputs))
            ]
        # Into the engine's own memory: its call with arguments costs 0.1 ms more.
        own.input[:] = images
        own.request.start_async()
        own.request.wait()
        outputs: list[FloatArray] = own.outputs
        return outputs


def _select_outputs(ov: Any, model: Any, graph: Graph) -> Any:
    by_name = {name: output for output in model.outputs for name in output.names}
    missing = [name for name in graph.output_names if name not in by_name]
    if missing:
        raise no_output(graph, missing)
    nodes = [by_name[name].node for name in graph.output_names]
    # Without the other outputs the engine has less to compute.
    return ov.Model(nodes, model.get_parameters(), graph.name)


def _add_normalisation(ov: Any, model: Any, normalisation: Normalisation) -> Any:
    from openvino.preprocess import PrePostProcessor

    steps = PrePostProcessor(model)
    source = steps.input().tensor()
    source.set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    source.set_color_format(ov.preprocess.ColorFormat.RGB)
    steps.input().model().set_layout(ov.Layout(normalisation.layout.upper()))
    convert = steps.input().preprocess().convert_element_type(ov.Type.f32)
    if normalisation.channel_order == "bgr":
        convert.convert_color(ov.preprocess.ColorFormat.BGR)
    convert.mean(list(normalisation.mean)).scale(list(normalisation.scale))
    return steps.build()


def import_openvino() -> Any:
    """Return the module ``openvino``.

    By itself it writes a number that identifies this machine to the home folder and sends it, with
    an event, to an address outside, each time it is imported. It does without the package that
    does so when that cannot be imported.
    """
    if "openvino" not in sys.modules:
        # None makes an import fail, so that OpenVINO takes its own stand-in.
        sys.modules.setdefault("openvino_telemetry", None)  # type: ignore[arg-type]
    import openvino

    return openvino
