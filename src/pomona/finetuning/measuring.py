"""Calibrate a fine-tuned network on one half of what was held back, and measure it on the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pomona.recognition.calibration import fit_temperature
from pomona.recognition.classifiers import Linear
from pomona.recognition.decisions import Answer, DecisionRule, ModelLabel, decide
from pomona.recognition.head import Head, no_rejection
from pomona.recognition.labelling import find_label
from pomona.recognition.packing import Part, choose_rule, measure_head
from pomona.recognition.rejection import fit_rejection

__all__ = ["Measured", "measure"]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Strong: the probe has as many numbers as there are pictures of no fruit.
PROBE_C: Final = 1e-3


@dataclass(frozen=True)
class Measured:
    """A calibrated head, its rule, and all scores.

    Parameters
    ----------
    head : Head
    rule : DecisionRule
    metrics : dict
        ``phone``, ``studio``, ``unseen``, ``no_fruit``, and the phone's once more at the top.
    """

    head: Head
    rule: DecisionRule
    metrics: dict[str, Any]


def measure(
    linear: Linear,
    labels: Sequence[ModelLabel],
    *,
    phone: tuple[FloatArray, IntArray],
    studio_test: tuple[FloatArray, Sequence[str]],
    learnt: FloatArray,
    strangers: FloatArray,
    strangers_test: FloatArray,
    unseen: tuple[FloatArray, Sequence[str]],
    refused_share: float,
) -> Measured:
    """Return the head with temperature, refusal and rule, and its scores.

    Of ``phone``, ``studio_test`` and ``strangers_test`` every other picture calibrates, the rest
    measures.

    Parameters
    ----------
    linear : Linear
        The network's last layer, without its output for no fruit.
    labels : sequence of ModelLabel
    phone : features and label indices of held-back photographs
    studio_test : features and folder names of studio frames
    learnt, strangers : features of pictures of fruit, and of none, that the network learnt from
    strangers_test : features of pictures of no fruit
    unseen : features and folder names of varieties nothing was learnt from
    refused_share : float
    """
    studio_y = np.array([find_label(name, labels)[0] for name in studio_test[1]])
    of_phone, of_studio = Part(*phone), Part(studio_test[0], studio_y)
    head = Head(
        "features", learnt.mean(axis=0), learnt.std(axis=0) + 1e-6,
        np.zeros((0, learnt.shape[1])), linear, no_rejection(),
    )  # fmt: skip
    head = replace(head, temperature=_temperature(head, _first(of_phone), _first(of_studio)))
    head = _add_rejection(head, _first(of_phone), learnt, strangers, strangers_test[::2])
    rule = choose_rule(head, _first(of_phone), labels=labels, refused_share=refused_share)
    metrics = {
        "phone": measure_head(head, _second(of_phone), labels=labels, rule=rule),
        "studio": measure_head(head, _second(of_studio), labels=labels, rule=rule),
    }
    if len(unseen[1]):
        metrics["unseen"] = _score_unseen(_ask(head, unseen[0], labels, rule), unseen[1], labels)
    if len(strangers_test):
        answers = _ask(head, strangers_test[1::2], labels, rule)
        metrics["no_fruit"] = {"n": len(answers), "refused": _share(answers, "unknown")}
    return Measured(head, rule, metrics["phone"] | metrics)


def _first(part: Part) -> Part:
    return Part(part.features[::2], part.y[::2])


def _second(part: Part) -> Part:
    return Part(part.features[1::2], part.y[1::2])


def _temperature(head: Head, phone: Part, studio: Part) -> float:
    # As many of one as of the other: both have to be right.
    some = np.linspace(0, len(studio.y) - 1, min(len(phone.y), len(studio.y))).astype(int)
    features = np.concatenate([phone.features, studio.features[some]])
    return fit_temperature(head.logits(features), np.concatenate([phone.y, studio.y[some]]))


def _add_rejection(
    head: Head, phone: Part, learnt: FloatArray, strangers: FloatArray, others: FloatArray
) -> Head:
    if not len(strangers) or not len(others):
        return head
    from sklearn.linear_model import LogisticRegression

    rows = head.standardise(np.concatenate([learnt, strangers]))
    is_strange = np.repeat([0, 1], [len(learnt), len(strangers)])
    probe = LogisticRegression(C=PROBE_C, class_weight="balanced", max_iter=500)
    probe.fit(rows, is_strange)

    def arrays(features: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        nothing = np.zeros((len(features), 0))
        return head.standardise(features), nothing, head.apply(features).probabilities

    standardised, components, probabilities = arrays(phone.features)
    rejection = fit_rejection(
        standardised=standardised,
        components=components,
        probabilities=probabilities,
        probe=probe.coef_[0],
        strangers=arrays(others),
    )
    return replace(head, rejection=rejection)


def _ask(
    head: Head, features: FloatArray, labels: Sequence[ModelLabel], rule: DecisionRule
) -> list[Answer]:
    scores = head.apply(features)
    return [
        decide(p, float(s), labels=labels, rule=rule)
        for p, s in zip(scores.probabilities, scores.strangeness, strict=True)
    ]


def _score_unseen(
    answers: Sequence[Answer], folders: Sequence[str], labels: Sequence[ModelLabel]
) -> dict[str, Any]:
    fruits = [find_label(folder, labels)[1] for folder in folders]
    known = [(answer, fruit) for answer, fruit in zip(answers, fruits, strict=True) if fruit]
    right = [a.decision != "unknown" and a.fruit_id == fruit for a, fruit in known]
    wrong = [a.decision != "unknown" and a.fruit_id != fruit for a, fruit in known]
    n = max(len(known), 1)
    return {
        "n": len(known),
        "folders": sorted(set(folders)),
        "answered_fruit": sum(right) / n,
        "sure_and_wrong": sum(wrong) / n,
        "refused": _share([a for a, _ in known], "unknown"),
    }


def _share(answers: Sequence[Answer], decision: str) -> float:
    return sum(answer.decision == decision for answer in answers) / max(len(answers), 1)
