"""Build ``recogniser.onnx``: pixels in; probabilities, features and strangeness out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from pomona.errors import SetupError
from pomona.recognition.classifiers import SMALLEST, Classifier, Forest, Linear, Perceptron
from pomona.recognition.head import Head
from pomona.recognition.model import INPUT, OUTPUTS
from pomona.recognition.rejection import FLOOR, SIGNALS, SUREST, membership
from pomona.recognition.views import Preprocessing
from pomona.training.tree_export import tree_attributes

if TYPE_CHECKING:
    from onnx import ModelProto

__all__ = ["build_recogniser", "check_packing", "needs_onnxruntime"]

OPSET: Final = 17
ML_OPSET: Final = 3
# Smaller constants are kept whole: they save nothing and may hold a threshold.
LARGE: Final = 4096
# Names of the backbone get this in front, so that they cannot meet ours.
PREFIX: Final = "backbone/"


def check_packing() -> None:
    """Refuse to go on without the package that packing needs.

    Raises
    ------
    SetupError
    """
    _import_onnx()


def needs_onnxruntime(classifier: Classifier) -> bool:
    """Return whether the classifier needs operators that only ONNX Runtime runs."""
    return isinstance(classifier, Forest)


def build_recogniser(
    backbone: Path,
    *,
    input_name: str,
    output_name: str,
    preprocessing: Preprocessing,
    head: Head,
    half: bool = False,
) -> bytes:
    """Return one ONNX file with everything inside.

    Its input ``images`` is uint8 (n, height, width, 3), RGB. Its outputs are ``probabilities``
    (n, n_classes), ``features`` (n, n_features) and ``strangeness`` (n,), all float32.

    Parameters
    ----------
    backbone : Path
        ONNX file, as shipped or fine-tuned; what is not needed for ``output_name`` is left out.
    input_name, output_name : str
        Tensors of that file.
    preprocessing : Preprocessing
    head : Head
    half : bool
        Keep large constants in 16 bits; the arithmetic stays in 32.

    Raises
    ------
    SetupError
        If the package ``onnx`` is missing or the backbone is not a network with these tensors.
    """
    onnx = _import_onnx()
    network = _load_backbone(backbone, input_name, output_name)
    n_features = len(head.mean)
    graph = _Graph()
    pixels = graph.add("Cast", INPUT, to=onnx.TensorProto.FLOAT)
    graph.add(
        "Identity",
        _normalise(graph, pixels, preprocessing),
        out=PREFIX + input_name,
    )
    graph.nodes.extend(network.graph.node)
    graph.add("Identity", PREFIX + output_name, out="features")
    _add_head(graph, head)
    height, width = preprocessing.input_size
    kinds = onnx.TensorProto
    shapes = ((_n_classes(head.classifier),), (n_features,), ())
    outputs = [
        onnx.helper.make_tensor_value_info(name, kinds.FLOAT, ["n", *shape])
        for name, shape in zip(OUTPUTS, shapes, strict=True)
    ]
    images = onnx.helper.make_tensor_value_info(INPUT, kinds.UINT8, ["n", height, width, 3])
    constants = [*network.graph.initializer, *graph.constants]
    nodes = list(graph.nodes)
    if half:
        constants, casts = _halve(constants)
        nodes = [*casts, *nodes]
    built = onnx.helper.make_graph(nodes, "recogniser", [images], outputs, constants)
    domains = {opset.domain: opset.version for opset in network.opset_import}
    domains |= {"ai.onnx.ml": ML_OPSET} if needs_onnxruntime(head.classifier) else {}
    model = onnx.helper.make_model(
        built,
        opset_imports=[onnx.helper.make_opsetid(*item) for item in domains.items()],
        producer_name="pomona",
        ir_version=network.ir_version,
    )
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


class _Graph:
    """Nodes and constants under construction."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []
        self._n = 0

    def add(self, op_type: str, *inputs: str, out: str | None = None, **attributes: Any) -> str:
        """Add a node with one output and return the output's name."""
        import onnx

        name = out or self._name(op_type)
        self.nodes.append(onnx.helper.make_node(op_type, list(inputs), [name], **attributes))
        return name

    def constant(self, values: Any, dtype: type[np.generic] = np.float32) -> str:
        """Add a constant and return its name."""
        import onnx

        name = self._name("constant")
        self.constants.append(onnx.numpy_helper.from_array(np.asarray(values, dtype), name))
        return name

    def _name(self, stem: str) -> str:
        self._n += 1
        return f"pomona/{stem.lower()}_{self._n}"


def _import_onnx() -> Any:
    try:
        import onnx
        import onnx.checker
        import onnx.compose
        import onnx.helper
        import onnx.numpy_helper
        import onnx.utils
    except ImportError as error:
        raise SetupError(
            "The package 'onnx' is not installed. Packing a recogniser needs it; using one does "
            "not. Run: pip install 'pomona[train]'; 'pomona doctor' shows what is there."
        ) from error
    return onnx


def _load_backbone(path: Path, input_name: str, output_name: str) -> "ModelProto":
    onnx = _import_onnx()
    try:
        model = onnx.load(path)
        part = onnx.utils.Extractor(model).extract_model([input_name], [output_name])
    except Exception as error:
        raise SetupError(
            f"The backbone '{path}' cannot be packed: {error}. It must be an ONNX network with "
            f"the tensors '{input_name}' and '{output_name}'. Check the file."
        ) from error
    versions = {opset.domain: opset.version for opset in part.opset_import}
    if versions.get("", 0) < OPSET:
        part = onnx.version_converter.convert_version(part, OPSET)
    return onnx.compose.add_prefix(part, PREFIX)


def _normalise(graph: _Graph, pixels: str, preprocessing: Preprocessing) -> str:
    if preprocessing.channel_order == "bgr":
        pixels = graph.add("Gather", pixels, graph.constant([2, 1, 0], np.int64), axis=3)
    centred = graph.add("Sub", pixels, graph.constant(preprocessing.mean))
    scaled = graph.add("Div", centred, graph.constant(preprocessing.scale))
    if preprocessing.layout == "nhwc":
        return scaled
    return graph.add("Transpose", scaled, perm=[0, 3, 1, 2])


def _add_head(graph: _Graph, head: Head) -> None:
    centred = graph.add("Sub", "features", graph.constant(head.mean))
    standardised = graph.add("Div", centred, graph.constant(head.scale))
    components = None
    if len(head.components):
        components = graph.add("MatMul", standardised, graph.constant(head.components.T))
    inputs = "features"
    if head.on == "reduced":
        assert components is not None
        inputs = components
        if head.deviations is not None:
            inputs = graph.add("Div", inputs, graph.constant(head.deviations))
    logits = _classify(graph, head.classifier, inputs)
    tempered = graph.add("Div", logits, graph.constant([head.temperature]))
    graph.add("Softmax", tempered, out="probabilities", axis=1)
    signals = _add_signals(graph, head, standardised, components)
    if head.nothing is not None:
        of_nothing = graph.add(
            "Div", _linear(graph, head.nothing, inputs), graph.constant([head.temperature])
        )
        of_fruit = graph.add("ReduceLogSumExp", tempered, axes=[1], keepdims=1)
        signals["nothing"] = graph.add("Sub", of_nothing, of_fruit)
    _weigh(graph, head, signals)


def _classify(graph: _Graph, classifier: Classifier, inputs: str) -> str:
    if isinstance(classifier, Linear):
        return _linear(graph, classifier, inputs)
    if isinstance(classifier, Perceptron):
        for layer in classifier.layers[:-1]:
            inputs = graph.add("Sigmoid", _linear(graph, layer, inputs))
        return _linear(graph, classifier.layers[-1], inputs)
    name = graph.add(
        "TreeEnsembleRegressor", inputs, domain="ai.onnx.ml", **tree_attributes(classifier)
    )
    return graph.add("Log", graph.add("Max", name, graph.constant([SMALLEST])))


def _linear(graph: _Graph, layer: Linear, inputs: str) -> str:
    product = graph.add("MatMul", inputs, graph.constant(layer.weights.T))
    return graph.add("Add", product, graph.constant(layer.bias))


def _n_classes(classifier: Classifier) -> int:
    if isinstance(classifier, Linear):
        return len(classifier.bias)
    if isinstance(classifier, Perceptron):
        return len(classifier.layers[-1].bias)
    return int(classifier.trees[0].probabilities.shape[1])


def _add_signals(
    graph: _Graph, head: Head, standardised: str, components: str | None
) -> dict[str, str]:
    rejection = head.rejection
    axis = graph.constant([1], np.int64)
    signals: dict[str, str] = {}
    if components is not None:
        left = graph.add(
            "Sub",
            graph.add("ReduceSum", graph.add("Mul", standardised, standardised), axis, keepdims=1),
            graph.add("ReduceSum", graph.add("Mul", components, components), axis, keepdims=1),
        )
        signals["residual"] = _log(graph, left)
        if rejection.whitening is not None and rejection.means is not None:
            signals["distance"] = _log(graph, _nearest(graph, head, components))
    signals["uncertainty"] = graph.add("Log", _odds_against(graph, head))
    return signals


def _nearest(graph: _Graph, head: Head, components: str) -> str:
    whitening, means = head.rejection.whitening, head.rejection.means
    assert whitening is not None
    assert means is not None
    axis = graph.constant([1], np.int64)
    rows = graph.add("MatMul", components, graph.constant(whitening.T))
    own = graph.add("ReduceSum", graph.add("Mul", rows, rows), axis, keepdims=1)
    cross = graph.add("MatMul", rows, graph.constant(-2 * means.T))
    of_means = graph.add("Add", cross, graph.constant((means**2).sum(axis=1)))
    squares = graph.add("Add", own, of_means)
    if head.rejection.usual is not None:
        squares = graph.add("Div", squares, graph.constant(head.rejection.usual))
    return graph.add("ReduceMin", squares, axes=[1], keepdims=1)


def _odds_against(graph: _Graph, head: Head) -> str:
    """Add the odds against the likeliest fruit, (n, 1)."""
    sums = "probabilities"
    if head.rejection.fruits is not None:
        sums = graph.add("MatMul", sums, graph.constant(membership(head.rejection.fruits)))
    highest = graph.add("ReduceMax", sums, axes=[1], keepdims=1)
    highest = graph.add("Min", highest, graph.constant([SUREST]))
    return graph.add("Div", graph.add("Sub", graph.constant([1.0]), highest), highest)


def _log(graph: _Graph, value: str) -> str:
    return graph.add("Log", graph.add("Max", value, graph.constant([FLOOR])))


def _weigh(graph: _Graph, head: Head, signals: Mapping[str, str]) -> None:
    rejection = head.rejection
    total = graph.constant([[0.0]])
    for i, name in enumerate(SIGNALS):
        if name not in signals or not rejection.weights[i]:
            continue
        centred = graph.add("Sub", signals[name], graph.constant([rejection.centres[i]]))
        factor = graph.constant([rejection.weights[i] / rejection.spreads[i]])
        total = graph.add("Add", graph.add("Mul", centred, factor), total)
    # Of the pictures' number, even where no signal counts.
    zeros = graph.add("Mul", signals["uncertainty"], graph.constant([0.0]))
    summed = graph.add("Add", total, zeros)
    graph.add("Squeeze", summed, graph.constant([1], np.int64), out="strangeness")


def _halve(constants: list[Any]) -> tuple[list[Any], list[Any]]:
    onnx = _import_onnx()
    kept, casts = [], []
    for constant in constants:
        values = onnx.numpy_helper.to_array(constant)
        if values.dtype != np.float32 or values.size < LARGE:
            kept.append(constant)
            continue
        limit = np.finfo(np.float16).max
        small = np.clip(values, -limit, limit).astype(np.float16)
        kept.append(onnx.numpy_helper.from_array(small, f"{constant.name}/half"))
        casts.append(
            onnx.helper.make_node(
                "Cast", [f"{constant.name}/half"], [constant.name], to=onnx.TensorProto.FLOAT
            )
        )
    return kept, casts
