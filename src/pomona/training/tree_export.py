"""Trees in the words of ONNX-ML: one flat list of nodes."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pomona.recognition.classifiers import Forest, Tree

__all__ = ["float32_at_most", "tree_attributes"]


def tree_attributes(forest: Forest) -> dict[str, Any]:
    """Return the attributes of a ``TreeEnsembleRegressor`` that gives the mean probabilities.

    A regressor with a target per class: the classifier's operator treats two classes apart.
    """
    n_trees = len(forest.trees)
    parts = [_describe(tree, i, n_trees) for i, tree in enumerate(forest.trees)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    is_leaf = columns.pop("is_leaf")
    attributes: dict[str, Any] = {name: values.tolist() for name, values in columns.items()}
    attributes["nodes_modes"] = ["LEAF" if leaf else "BRANCH_LEQ" for leaf in is_leaf]
    n_classes = forest.trees[0].probabilities.shape[1]
    return attributes | {
        "n_targets": n_classes,
        "aggregate_function": "SUM",
        "post_transform": "NONE",
    }


def float32_at_most(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 not above each threshold: no float32 input goes another way."""
    rounded = threshold.astype(np.float32)
    lower = np.nextafter(rounded, np.float32(-np.inf))
    return np.where(rounded.astype(np.float64) > threshold, lower, rounded)


def _describe(tree: Tree, tree_id: int, n_trees: int) -> dict[str, NDArray[Any]]:
    n_nodes = len(tree.feature)
    is_leaf = tree.feature < 0
    at, target = np.nonzero(tree.probabilities * is_leaf[:, None])
    ids = np.full(n_nodes, tree_id)
    return {
        "is_leaf": is_leaf,
        "nodes_treeids": ids,
        "nodes_nodeids": np.arange(n_nodes),
        "nodes_featureids": np.where(is_leaf, 0, tree.feature),
        "nodes_values": np.where(is_leaf, 0, tree.threshold).astype(np.float32),
        "nodes_truenodeids": np.where(is_leaf, 0, tree.left),
        "nodes_falsenodeids": np.where(is_leaf, 0, tree.right),
        "target_treeids": np.full(len(at), tree_id),
        "target_nodeids": at,
        "target_ids": target,
        "target_weights": (tree.probabilities[at, target] / n_trees).astype(np.float32),
    }
