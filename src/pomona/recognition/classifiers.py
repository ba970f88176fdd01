"""Fitted classifiers as plain arrays: linear, perceptron, trees; fitted anywhere, applied here."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = ["SMALLEST", "Classifier", "Forest", "Linear", "Perceptron", "Tree", "softmax"]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# A leaf that never saw a class gives it this much, so that its logarithm is finite.
SMALLEST: Final = 1e-9


@dataclass(frozen=True)
class Linear:
    """Multinomial logistic regression.

    Parameters
    ----------
    weights : float array of shape (n_classes, n_inputs)
    bias : float array of shape (n_classes,)
    """

    weights: FloatArray
    bias: FloatArray

    def logits(self, vectors: FloatArray) -> FloatArray:
        """Return one number per class, (n, n_classes); their softmax is the probability."""
        return vectors @ self.weights.T + self.bias


@dataclass(frozen=True)
class Perceptron:
    """Layers with a sigmoid after each but the last.

    Parameters
    ----------
    layers : tuple of Linear
    """

    layers: tuple[Linear, ...]

    def logits(self, vectors: FloatArray) -> FloatArray:
        """Return one number per class, (n, n_classes); their softmax is the probability."""
        for layer in self.layers[:-1]:
            vectors = 1.0 / (1.0 + np.exp(-layer.logits(vectors)))
        return self.layers[-1].logits(vectors)


@dataclass(frozen=True)
class Tree:
    """One decision tree; node 0 is its root.

    Parameters
    ----------
    feature : int array of shape (n_nodes,)
        Input the node looks at; -1 for a leaf.
    threshold : float32 array of shape (n_nodes,)
        Go left if the input is at most this.
    left, right : int arrays of shape (n_nodes,)
    probabilities : float32 array of shape (n_nodes, n_classes)
        Of the leaves; zero elsewhere.
    """

    feature: IntArray
    threshold: NDArray[np.float32]
    left: IntArray
    right: IntArray
    probabilities: NDArray[np.float32]

    def apply(self, vectors: FloatArray) -> FloatArray:
        """Return the probabilities of the leaf each vector falls into, (n, n_classes)."""
        rows = np.arange(len(vectors))
        nodes = np.zeros(len(vectors), np.int64)
        while (inner := self.feature[nodes] >= 0).any():
            at = nodes[inner]
            is_left = vectors[rows[inner], self.feature[at]] <= self.threshold[at]
            nodes[inner] = np.where(is_left, self.left[at], self.right[at])
        return self.probabilities[nodes]


@dataclass(frozen=True)
class Forest:
    """The mean of trees; a single decision tree is a forest of one.

    Parameters
    ----------
    trees : tuple of Tree
    """

    trees: tuple[Tree, ...]

    def logits(self, vectors: FloatArray) -> FloatArray:
        """Return the logarithm of the probabilities, (n, n_classes)."""
        vectors = np.asarray(vectors, np.float32)
        total = sum(tree.apply(vectors).astype(np.float64) for tree in self.trees)
        return np.log(np.maximum(total / len(self.trees), SMALLEST))


Classifier = Linear | Perceptron | Forest


def softmax(logits: FloatArray, *, temperature: float = 1.0) -> NDArray[np.float64]:
    """Return probabilities (n, n_classes) of ``logits / temperature``, in float64."""
    scaled = np.asarray(logits, np.float64) / temperature
    scaled -= scaled.max(axis=1, keepdims=True)
    powers = np.exp(scaled)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
