import numpy as np
import pytest
from recognition.conftest import LABELS

from pomona.recognition.decisions import DecisionRule, combine_scores, decide, fruit_probabilities
from pomona.recognition.head import Scores

RULE = DecisionRule(rejection_threshold=1.0, variety_min=0.5, fruit_min=0.6)


@pytest.mark.parametrize(
    ("probabilities", "strangeness", "expected"),
    [
        ([0.7, 0.2, 0.1], 0.0, ("variety", "Apple Braeburn", "apple", 0.7)),
        ([0.4, 0.35, 0.25], 0.0, ("fruit", "Apple", "apple", 0.75)),
        ([0.3, 0.25, 0.45], 0.0, ("unknown", None, None, 0.45)),
        ([0.9, 0.05, 0.05], 1.5, ("unknown", None, None, 0.9)),
        ([0.1, 0.1, 0.8], 1.0, ("variety", "Gizmo", None, 0.8)),
    ],
)
def test_decide_says_variety_fruit_or_unknown(probabilities, strangeness, expected):
    answer = decide(np.array(probabilities), strangeness, labels=LABELS, rule=RULE)
    found = (answer.decision, answer.label, answer.fruit_id, answer.probability)
    assert found == pytest.approx(expected) if expected[1] is None else found[:3] == expected[:3]
    assert answer.probability == pytest.approx(expected[3])
    assert len(answer.top) == 3
    assert answer.top[0].probability == max(probabilities)


def test_decide_without_a_threshold_refuses_nothing_for_being_strange():
    answer = decide(np.array([0.9, 0.05, 0.05]), 1e9, labels=LABELS, rule=DecisionRule())
    assert answer.decision == "variety"


def test_top_is_as_long_as_asked():
    answer = decide(np.array([0.5, 0.3, 0.2]), 0, labels=LABELS, rule=RULE, top=2)
    assert [candidate.label for candidate in answer.top] == ["Apple Braeburn", "Apple Pink Lady"]


def test_fruits_add_up():
    sums, fruits = fruit_probabilities(np.array([[0.5, 0.3, 0.2]]), LABELS)
    assert fruits == ["apple", "label:Gizmo"]
    np.testing.assert_allclose(sums, [[0.8, 0.2]])


def test_several_photographs_become_one():
    scores = Scores(
        np.array([[1.0, 0, 0], [0, 1.0, 0]]), np.array([0.0, 2.0]), np.array([[2.0], [4.0]])
    )
    one = combine_scores(scores)
    np.testing.assert_allclose(one.probabilities, [[0.5, 0.5, 0]])
    assert (one.strangeness.tolist(), one.features.tolist()) == ([1.0], [[3.0]])
