"""ONNX networks of a few numbers, made in code."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SPEC = """
input_size = 16
mean = 127.5
scale = 127.5
outputs = { avg = 3, flatten = 768 }
licence = "CC0-1.0"
"""


def write_network(
    path: Path,
    *,
    shape: tuple[object, ...] = ("n", 3, 16, 16),
    kind: int = TensorProto.FLOAT,
    weight: float = 2.0,
) -> Path:
    """A network that doubles its picture: channel means as ``avg``, all of it as ``flatten``."""
    factor = numpy_helper.from_array(np.float32([weight]), "factor")
    nodes = [
        helper.make_node("Cast", ["pictures"], ["real"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["real", "factor"], ["doubled"]),
        helper.make_node("GlobalAveragePool", ["doubled"], ["means"]),
        helper.make_node("Flatten", ["means"], ["avg"]),
        helper.make_node("Flatten", ["doubled"], ["flatten"]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny",
        [helper.make_tensor_value_info("pictures", kind, list(shape))],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ("avg", "flatten")
        ],
        [factor],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


def write_spec(path: Path, text: str = SPEC) -> Path:
    """The record of :func:`write_network`, or another."""
    path.write_text(text)
    return path
