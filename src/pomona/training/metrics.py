"""Scores of a recogniser on labelled pictures, by scikit-learn's definitions."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pomona.recognition.decisions import fruit_probabilities
from pomona.recognition.labels import ModelLabel
from pomona.storage.scores import ClassScores, Confusion, Scores
from pomona.training.calibration import expected_calibration_error, reliability

__all__ = ["count_confusions", "score_predictions"]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

TOP: Final = 3
N_PAIRS: Final = 50


def score_predictions(
    probabilities: FloatArray, y: IntArray, *, labels: Sequence[ModelLabel]
) -> Scores:
    """Return all scores of one set of pictures.

    Parameters
    ----------
    probabilities : float array of shape (n, n_labels)
    y : int array of shape (n,)
        Index of the true label.
    labels : sequence of ModelLabel

    Returns
    -------
    Scores
    """
    from sklearn.metrics import accuracy_score, f1_score, precision_recall_fscore_support

    predicted = probabilities.argmax(axis=1)
    classes = np.arange(len(labels))
    present = np.unique(y)
    precision, recall, f1, support = precision_recall_fscore_support(
        y, predicted, labels=classes, zero_division=0
    )
    ranks = (-probabilities).argsort(axis=1, kind="stable")[:, :TOP]
    by_fruit, fruits = fruit_probabilities(probabilities, labels)
    fruit_of = np.array([fruits.index(label.fruit) for label in labels])
    return Scores(
        n=len(y),
        accuracy=float(accuracy_score(y, predicted)),
        # Not balanced_accuracy_score: it warns of predictions that are no true class.
        balanced_accuracy=float(recall[present].mean()),
        macro_f1=float(f1_score(y, predicted, labels=present, average="macro", zero_division=0)),
        top_3_accuracy=float((ranks == y[:, None]).any(axis=1).mean()),
        fruit_accuracy=float((by_fruit.argmax(axis=1) == fruit_of[y]).mean()),
        ece=expected_calibration_error(probabilities, y),
        reliability=reliability(probabilities, y),
        per_class=[
            ClassScores(
                label=labels[i].label,
                n=int(support[i]),
                precision=float(precision[i]),
                recall=float(recall[i]),
                f1=float(f1[i]),
            )
            for i in present
        ],
        confusion_pairs=count_confusions(y, predicted, [label.label for label in labels]),
    )


def count_confusions(y: IntArray, predicted: IntArray, names: Sequence[str]) -> list[Confusion]:
    """Return the most frequent mistakes."""
    wrong = y != predicted
    pairs, counts = np.unique(np.stack([y[wrong], predicted[wrong]]), axis=1, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:N_PAIRS]
    return [
        Confusion(label=names[pairs[0, i]], predicted=names[pairs[1, i]], n=int(counts[i]))
        for i in order
    ]
