"""Put a network's dense layers behind its exported trunk.

The exporter's graph optimiser copies constants many times: VGG16's ``fc1`` (0.4 GB) took more than
20 GB of memory. Everything before the dense layers goes through the exporter; these few go here.
"""

from pathlib import Path
from typing import Any

__all__ = ["append_dense", "split_dense"]

ACTIVATIONS = {"linear": None, "relu": "Relu", "softmax": "Softmax"}


def split_dense(layer: Any) -> tuple[Any, list[Any]]:
    """Return the tensor before the dense layers that end in ``layer``, and these layers in order.

    Parameters
    ----------
    layer : keras.layers.Layer
    """
    tail: list[Any] = []
    while type(layer).__name__ in ("Dense", "Dropout"):
        if type(layer).__name__ == "Dense":
            if layer.activation.__name__ not in ACTIVATIONS or len(layer.input.shape) != 2:
                break
            tail.insert(0, layer)
        layer = layer.input._keras_history.operation
    return layer.output, tail


def append_dense(path: Path, layers: list[Any], *, output: str) -> None:
    """Append dense layers to the one output of an ONNX file, and call the result ``output``."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    model = onnx.load(path)
    graph = model.graph
    current = graph.output[0].name
    for layer in layers:
        weights = layer.get_weights()
        names = [f"{layer.name}/{i}" for i in range(len(weights))]
        graph.initializer.extend(map(numpy_helper.from_array, weights, names))
        graph.node.append(helper.make_node("Gemm", [current, *names], [f"{layer.name}/sum"]))
        current = f"{layer.name}/sum"
        operator = ACTIVATIONS[layer.activation.__name__]
        if operator:
            graph.node.append(helper.make_node(operator, [current], [f"{layer.name}/out"]))
            current = f"{layer.name}/out"
    graph.node.append(helper.make_node("Identity", [current], [output]))
    del graph.output[:]
    shape = ["n", int(layers[-1].units)]
    graph.output.append(helper.make_tensor_value_info(output, TensorProto.FLOAT, shape))
    onnx.save(model, path)
