"""What it means that an answer is right: the one set of definitions all scores are made of.

An answer is *exact* if it names the variety that is there, has the *right fruit* if it names the
fruit or a variety of it, is *refused* if it is "unknown", and *sure and wrong* if it names anything
else. The last three exclude each other, and every answer is one of them.
"""

from collections.abc import Iterable, Sequence
from typing import get_args

from pomona.recognition.decisions import Answer, Decision

__all__ = [
    "has_right_fruit",
    "is_exact",
    "is_refused",
    "is_sure_and_wrong",
    "score_fruits",
    "share",
    "share_decisions",
]


def is_exact(answer: Answer, label: str) -> bool:
    """Return whether the answer is this variety."""
    return answer.decision == "variety" and answer.label == label


def has_right_fruit(answer: Answer, fruit: str | None) -> bool:
    """Return whether the answer names this fruit; ``fruit`` is as :attr:`ModelLabel.fruit`."""
    return answer.fruit is not None and answer.fruit == fruit


def is_refused(answer: Answer) -> bool:
    """Return whether the answer is "unknown"."""
    return answer.decision == "unknown"


def is_sure_and_wrong(answer: Answer, fruit: str | None) -> bool:
    """Return whether the answer names another fruit."""
    return not is_refused(answer) and not has_right_fruit(answer, fruit)


def score_fruits(answers: Sequence[Answer], fruits: Sequence[str | None]) -> dict[str, float]:
    """Return the shares ``answered_fruit``, ``sure_and_wrong`` and ``refused``; they add up to 1.

    Parameters
    ----------
    answers : sequence of n Answer
    fruits : sequence of n str or None
        What is there.
    """
    pairs = list(zip(answers, fruits, strict=True))
    return {
        "answered_fruit": share(has_right_fruit(*pair) for pair in pairs),
        "sure_and_wrong": share(is_sure_and_wrong(*pair) for pair in pairs),
        "refused": share(is_refused(answer) for answer in answers),
    }


def share_decisions(answers: Sequence[Answer]) -> dict[str, float]:
    """Return the share of each decision."""
    return {
        name: share(answer.decision == name for answer in answers) for name in get_args(Decision)
    }


def share(hits: Iterable[bool]) -> float:
    """Return the share that is true; 0 of nothing."""
    values = list(hits)
    return sum(values) / max(len(values), 1)
