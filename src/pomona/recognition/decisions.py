"""From probabilities to an answer: the variety, only the fruit, or unknown."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from pomona.recognition.head import Scores
from pomona.recognition.labels import ModelLabel, group_fruits
from pomona.recognition.rejection import membership

__all__ = [
    "Answer",
    "Candidate",
    "DecisionRule",
    "combine_scores",
    "decide",
    "fruit_probabilities",
]

FloatArray = NDArray[np.floating]

Decision = Literal["variety", "fruit", "unknown"]
TOP: Final = 5


@dataclass(frozen=True)
class DecisionRule:
    """When an answer is sure enough.

    Parameters
    ----------
    rejection_threshold : float or None
        A picture stranger than this is unknown; None refuses nothing.
    variety_min, fruit_min : float
        Least probability of a variety, and of all varieties of a fruit together.
    """

    rejection_threshold: float | None = None
    variety_min: float = 0.5
    fruit_min: float = 0.5


@dataclass(frozen=True)
class Candidate:
    """One possible answer and its probability."""

    label: str
    fruit_id: str | None
    probability: float


@dataclass(frozen=True)
class Answer:
    """What a recogniser answers.

    Parameters
    ----------
    decision : {"variety", "fruit", "unknown"}
    label : str or None
        Of the variety, or the fruit's name; None if unknown.
    fruit_id : str or None
    probability : float
        Of the answer; if unknown, of the likeliest variety.
    strangeness : float
    top : tuple of Candidate
        The likeliest varieties, whatever the decision.
    """

    decision: Decision
    label: str | None
    fruit_id: str | None
    probability: float
    strangeness: float
    top: tuple[Candidate, ...]

    @property
    def fruit(self) -> str | None:
        """What it counts as at fruit level, as :attr:`ModelLabel.fruit`; None if unknown."""
        if self.decision == "unknown":
            return None
        return self.fruit_id if self.fruit_id is not None else f"label:{self.label}"

    def as_dict(self) -> dict[str, Any]:
        """Return ``decision, label, fruit_id, probability, top`` for JSON."""
        return {
            "decision": self.decision,
            "label": self.label,
            "fruit_id": self.fruit_id,
            "probability": self.probability,
            "top": [asdict(candidate) for candidate in self.top],
        }


def decide(
    probabilities: FloatArray,
    strangeness: float,
    *,
    labels: Sequence[ModelLabel],
    rule: DecisionRule,
    top: int = TOP,
) -> Answer:
    """Return the answer to one picture, or to several that were combined.

    Parameters
    ----------
    probabilities : float array of shape (n_labels,)
    strangeness : float
    labels : sequence of ModelLabel
    rule : DecisionRule
    top : int
        How many candidates to name.
    """
    # Stable: of equal probabilities the first label wins, as argmax says.
    order = np.argsort(-probabilities, kind="stable")
    candidates = tuple(
        Candidate(labels[i].label, labels[i].fruit_id, float(probabilities[i])) for i in order[:top]
    )
    best = labels[order[0]]
    of_best = float(probabilities[order[0]])
    fruits, index = group_fruits(labels)
    of_fruits = np.bincount(index, weights=probabilities, minlength=len(fruits))
    fruit = int(of_fruits.argmax())
    of_fruit = float(of_fruits[fruit])
    strange = rule.rejection_threshold is not None and strangeness > rule.rejection_threshold
    if not strange and of_best >= rule.variety_min:
        return Answer("variety", best.label, best.fruit_id, of_best, strangeness, candidates)
    if not strange and of_fruit >= rule.fruit_min:
        fruit_id = next(label.fruit_id for label in labels if label.fruit == fruits[fruit])
        name = _fruit_name(fruit_id) or best.label
        return Answer("fruit", name, fruit_id, of_fruit, strangeness, candidates)
    return Answer("unknown", None, None, of_best, strangeness, candidates)


def fruit_probabilities(
    probabilities: FloatArray, labels: Sequence[ModelLabel]
) -> tuple[FloatArray, list[str]]:
    """Return the probabilities of the fruits, (n, n_fruits), and their keys in order."""
    fruits, index = group_fruits(labels)
    return probabilities @ membership(index), fruits


def combine_scores(scores: Scores) -> Scores:
    """Return the scores of several photographs of one fruit as those of one: their means."""
    return Scores(*(part.mean(axis=0, keepdims=True) for part in _parts(scores)))


def _parts(scores: Scores) -> tuple[FloatArray, FloatArray, FloatArray]:
    return scores.probabilities, scores.strangeness, scores.features


def _fruit_name(fruit_id: str | None) -> str | None:
    if fruit_id is None:
        return None
    from pomona.facts import load_facts

    facts = load_facts("en").get(fruit_id)
    return None if facts is None else facts.name_en[0].upper() + facts.name_en[1:]
