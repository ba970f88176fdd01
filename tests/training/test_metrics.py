import numpy as np
import pytest
from recognition.conftest import LABELS

from pomona.storage.scores import Confusion
from pomona.training.metrics import score_predictions

PROBABILITIES = np.array([[0.8, 0.1, 0.1], [0.3, 0.6, 0.1], [0.2, 0.1, 0.7], [0.5, 0.3, 0.2]])


def test_scores_count_varieties_and_fruits():
    metrics = score_predictions(PROBABILITIES, np.array([0, 0, 2, 2]), labels=LABELS)
    assert metrics.n == 4
    assert metrics.accuracy == 0.5
    assert metrics.balanced_accuracy == 0.5
    assert metrics.top_3_accuracy == 1
    # The second is another apple: the fruit is right.
    assert metrics.fruit_accuracy == 0.75
    assert metrics.confusion_pairs == [
        Confusion(label="Apple Braeburn", predicted="Apple Pink Lady", n=1),
        Confusion(label="Gizmo", predicted="Apple Braeburn", n=1),
    ]
    assert [each.label for each in metrics.per_class] == ["Apple Braeburn", "Gizmo"]
    assert metrics.per_class[0].recall == 0.5
    assert sum(each.n for each in metrics.reliability) == 4


def test_scores_agree_with_scikit_learn():
    from sklearn.metrics import balanced_accuracy_score

    rng = np.random.default_rng(0)
    probabilities = rng.dirichlet(np.ones(3), size=200)
    y = rng.integers(3, size=200)
    metrics = score_predictions(probabilities, y, labels=LABELS)
    predicted = probabilities.argmax(axis=1)
    assert metrics.balanced_accuracy == pytest.approx(balanced_accuracy_score(y, predicted))
