"""A recogniser of three labels on a backbone with random weights, made in code."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from pomona.recognition.classifiers import Forest, Linear, Perceptron, Tree
from pomona.recognition.decisions import DecisionRule
from pomona.recognition.head import Head
from pomona.recognition.labels import ModelLabel
from pomona.recognition.rejection import Rejection
from pomona.recognition.views import Preprocessing

SIDE, N_FEATURES, N_COMPONENTS = 16, 12, 5
LABELS = (
    ModelLabel("Apple Braeburn", "apple", {"fruits360": ["Apple Braeburn"]}),
    ModelLabel("Apple Pink Lady", "apple", {"grocery": ["Pink-Lady"]}),
    ModelLabel("Gizmo", None, {"own": ["gizmo"]}),
)


@dataclass(frozen=True)
class Backbone:
    """A small network: one convolution, ReLU, global average; and a tail nobody asks for."""

    path: Path
    input_name: str = "x"
    output_name: str = "pooled"


@pytest.fixture(scope="session")
def backbone(tmp_path_factory) -> Backbone:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper, numpy_helper

    rng = np.random.default_rng(0)
    weights = rng.normal(size=(N_FEATURES, 3, 3, 3)).astype(np.float32)
    tail = rng.normal(size=(N_FEATURES, 1000)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["map"], strides=[2, 2]),
        helper.make_node("Relu", ["map"], ["active"]),
        helper.make_node("ReduceMean", ["active"], ["pooled"], axes=[2, 3], keepdims=0),
        helper.make_node("MatMul", ["pooled", "tail"], ["logits"]),
    ]
    graph = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3, SIDE, SIDE])],
        [
            helper.make_tensor_value_info("pooled", TensorProto.FLOAT, ["n", N_FEATURES]),
            helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["n", 1000]),
        ],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(tail, "tail")],
    )
    path = tmp_path_factory.mktemp("backbone") / "small.onnx"
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, path)
    return Backbone(path)


@pytest.fixture(scope="session")
def preprocessing() -> Preprocessing:
    return Preprocessing(
        (SIDE, SIDE), channel_order="bgr", mean=(127.0, 120.0, 110.0), scale=(64.0, 60.0, 50.0)
    )


@pytest.fixture(scope="session")
def rule() -> DecisionRule:
    return DecisionRule(rejection_threshold=1e6, variety_min=0.5, fruit_min=0.5)


def make_classifier(kind: str, n_inputs: int):
    """A linear model, a perceptron or a forest with three classes."""
    rng = np.random.default_rng(1)
    if kind == "linear":
        return Linear(rng.normal(size=(3, n_inputs)), rng.normal(size=3))
    if kind == "perceptron":
        first = Linear(rng.normal(size=(7, n_inputs)), rng.normal(size=7))
        return Perceptron((first, Linear(rng.normal(size=(3, 7)), rng.normal(size=3))))
    return Forest(tuple(_make_tree(rng, n_inputs) for _ in range(4)))


def _make_tree(rng, n_inputs):
    leaves = rng.dirichlet(np.ones(3), size=5).astype(np.float32)
    leaves[[0, 1]] = 0
    return Tree(
        feature=np.array([int(rng.integers(n_inputs)), int(rng.integers(n_inputs)), -1, -1, -1]),
        threshold=rng.normal(size=5).astype(np.float32),
        left=np.array([1, 2, 0, 0, 0]),
        right=np.array([4, 3, 0, 0, 0]),
        probabilities=leaves,
    )


def make_head(kind: str = "linear", on: str = "reduced", *, whiten: bool = False) -> Head:
    """A head with every signal of strangeness."""
    rng = np.random.default_rng(4)
    components = np.linalg.qr(rng.normal(size=(N_FEATURES, N_COMPONENTS)))[0].T
    rejection = Rejection(
        centres=rng.normal(size=4),
        spreads=np.array([1.0, 2.0, 0.5, 1.5]),
        weights=np.array([0.4, 0.3, 0.2, 0.25]),
        whitening=rng.normal(size=(N_COMPONENTS, N_COMPONENTS)),
        means=rng.normal(size=(4, N_COMPONENTS)),
        usual=np.array([1.0, 2.0, 0.5, 3.0]),
        fruits=np.array([0, 0, 1]),
    )
    n_inputs = N_COMPONENTS if on == "reduced" else N_FEATURES
    nothing = Linear(np.random.default_rng(9).normal(size=(1, n_inputs)) / 5, np.array([-1.0]))
    return Head(
        on=on,
        mean=rng.normal(size=N_FEATURES),
        scale=rng.uniform(0.5, 2, size=N_FEATURES),
        components=components,
        classifier=make_classifier(kind, n_inputs),
        rejection=rejection,
        temperature=1.7,
        deviations=np.linspace(3, 1, N_COMPONENTS) if whiten else None,
        nothing=nothing,
    )


@pytest.fixture
def model_folder(tmp_path, backbone, preprocessing, rule) -> Path:
    """A finished model folder."""
    from pomona.recognition.model import write_model
    from pomona.storage.locations import LocalLocation
    from pomona.storage.records import MODEL_FORMAT, ModelRecord
    from pomona.training.onnx_export import build_recogniser

    onnx = build_recogniser(
        backbone.path,
        input_name=backbone.input_name,
        output_name=backbone.output_name,
        preprocessing=preprocessing,
        head=make_head(),
    )
    write_model(
        LocalLocation(tmp_path / "model"),
        onnx,
        labels=LABELS,
        preprocessing=preprocessing,
        rule=rule,
        about=ModelRecord(
            format_version=MODEL_FORMAT, metrics={"accuracy": 0.9}, licences=["Apache-2.0"]
        ),
    )
    return tmp_path / "model"
