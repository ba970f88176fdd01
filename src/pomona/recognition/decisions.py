"""From probabilities to an answer: the variety, only the fruit, or unknown."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pomona.recognition.head import Scores
from pomona.recognition.rejection import membership

__all__ = [
    "Answer",
    "Candidate",
    "DecisionRule",
    "ModelLabel",
    "combine_scores",
    "decide",
    "fruit_probabilities",
    "number_fruits",
]

FloatArray = NDArray[np.floating]

Decision = Literal["variety", "fruit", "unknown"]
TOP: Final = 5


@dataclass(frozen=True)
class ModelLabel:
    """One thing a recogniser can answer.

    Parameters
    ----------
    label : str
        Name for people.
    fruit_id : str or None
        Key of the facts; None where they do not know the fruit.
    classes : mapping from data set to folder names
        The folders that were trained on.
    """

    label: str
    fruit_id: str | None
    classes: Mapping[str, Sequence[str]]

    @property
    def fruit(self) -> str:
        """What it counts as at fruit level; a label without a fruit is one by itself."""
        return self.fruit_id if self.fruit_id is not None else f"label:{self.label}"

    def as_dict(self) -> dict[str, Any]:
        """Return ``label, fruit_id, classes`` for JSON."""
        classes = {name: list(folders) for name, folders in self.classes.items()}
        return {"label": self.label, "fruit_id": self.fruit_id, "classes": classes}


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

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Self:
        """Return the rule a model folder states; keys it does not know are left out."""
        return cls(
            record["rejection_threshold"], float(record["variety_min"]), float(record["fruit_min"])
        )


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
    fruits, index = _fruits(labels)
    of_fruits = np.bincount(index, weights=probabilities, minlength=len(fruits))
    fruit = int(of_fruits.argmax())
    of_fruit = float(of_fruits[fruit])
    strange = rule.rejection_threshold is not None and strangeness > rule.rejection_threshold
    if not strange and of_best >= rule.variety_min:
        return Answer("variety", best.label, best.fruit_id, of_best, strangeness, candidates)
    if not strange and of_fruit >= rule.fruit_min:
        fruit_id = next(each.fruit_id for each in labels if each.fruit == fruits[fruit])
        name = _fruit_name(fruit_id) or best.label
        return Answer("fruit", name, fruit_id, of_fruit, strangeness, candidates)
    return Answer("unknown", None, None, of_best, strangeness, candidates)


def fruit_probabilities(
    probabilities: FloatArray, labels: Sequence[ModelLabel]
) -> tuple[FloatArray, list[str]]:
    """Return the probabilities of the fruits, (n, n_fruits), and their keys in order."""
    fruits, index = _fruits(labels)
    return probabilities @ membership(index), fruits


def combine_scores(scores: Scores) -> Scores:
    """Return the scores of several photographs of one fruit as those of one: their means."""
    return Scores(*(part.mean(axis=0, keepdims=True) for part in _parts(scores)))


def _parts(scores: Scores) -> tuple[FloatArray, FloatArray, FloatArray]:
    return scores.probabilities, scores.strangeness, scores.features


def number_fruits(labels: Sequence[ModelLabel]) -> NDArray[np.int64]:
    """Return which fruit each label is of, from 0 on, (n_labels,)."""
    return _fruits(labels)[1]


def _fruits(labels: Sequence[ModelLabel]) -> tuple[list[str], NDArray[np.int64]]:
    fruits = list(dict.fromkeys(label.fruit for label in labels))
    where = {fruit: i for i, fruit in enumerate(fruits)}
    return fruits, np.array([where[label.fruit] for label in labels], np.int64)


def _fruit_name(fruit_id: str | None) -> str | None:
    if fruit_id is None:
        return None
    from pomona.facts import load_facts

    facts = load_facts("en").get(fruit_id)
    return None if facts is None else facts.name_en[0].upper() + facts.name_en[1:]
