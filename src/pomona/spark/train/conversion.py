"""Spark ML's fitted models as plain arrays, which score without Spark."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.dataset as ds
from numpy.typing import NDArray
from pyspark.ml import PipelineModel
from pyspark.ml.classification import (
    DecisionTreeClassificationModel,
    LogisticRegressionModel,
    MultilayerPerceptronClassificationModel,
)

from pomona.recognition.classifiers import Classifier, Forest, Linear, Perceptron, Tree
from pomona.training.tree_export import float32_at_most

__all__ = ["to_classifier"]


def to_classifier(model: Any, *, scratch: Path) -> Classifier:
    """Return the arrays of a model of :func:`pomona.spark.train.classifiers.fit_classifier`.

    Parameters
    ----------
    model : Spark ML model
    scratch : Path
        New folder that the driver and every worker can write to; trees pass through it.
    """
    if isinstance(model, LogisticRegressionModel):
        return Linear(model.coefficientMatrix.toArray(), model.interceptVector.toArray())
    if isinstance(model, PipelineModel):
        scaler: Any
        network: Any
        scaler, network = model.stages
        return _to_perceptron(network, scaler.mean.toArray(), scaler.std.toArray())
    model.write().overwrite().save(f"file://{scratch.resolve()}")
    return _to_forest(scratch / "data", isinstance(model, DecisionTreeClassificationModel))


def _to_perceptron(
    model: MultilayerPerceptronClassificationModel,
    mean: NDArray[np.float64],
    std: NDArray[np.float64],
) -> Perceptron:
    sizes = model.getLayers()
    weights = model.weights.toArray()
    layers = []
    start = 0
    for n_in, n_out in pairwise(sizes):
        matrix = weights[start : start + n_in * n_out].reshape(n_in, n_out).T
        start += n_in * n_out
        layers.append(Linear(matrix, weights[start : start + n_out]))
        start += n_out
    # The scaler becomes part of the first layer; Spark leaves constant inputs at zero.
    factor = np.divide(1.0, std, out=np.zeros_like(std), where=std > 0)
    first = layers[0].weights * factor
    layers[0] = Linear(first, layers[0].bias - first @ mean)
    return Perceptron(tuple(layers))


def _to_forest(folder: Path, is_single: bool) -> Forest:
    table = ds.dataset(folder, format="parquet").to_table()
    if is_single:
        return Forest((_to_tree(table.to_pylist()),))
    nodes: dict[int, list[dict[str, Any]]] = {}
    for row in table.to_pylist():
        nodes.setdefault(row["treeID"], []).append(row["nodeData"])
    return Forest(tuple(_to_tree(rows) for _, rows in sorted(nodes.items())))


def _to_tree(rows: list[dict[str, Any]]) -> Tree:
    # Ids count in the order of a walk from the root, so they are the positions.
    rows = sorted(rows, key=lambda row: int(row["id"]))
    split = [row["split"] for row in rows]
    thresholds = [node["leftCategoriesOrThreshold"] or [0.0] for node in split]
    stats = np.array([row["impurityStats"] for row in rows], np.float64)
    is_leaf = np.array([row["leftChild"] < 0 for row in rows])
    shares = stats / np.maximum(stats.sum(axis=1, keepdims=True), 1e-300)
    return Tree(
        feature=np.where(is_leaf, -1, [node["featureIndex"] for node in split]),
        threshold=float32_at_most(np.array([node[0] for node in thresholds], np.float64)),
        left=np.array([row["leftChild"] for row in rows]),
        right=np.array([row["rightChild"] for row in rows]),
        probabilities=np.where(is_leaf[:, None], shares, 0).astype(np.float32),
    )
