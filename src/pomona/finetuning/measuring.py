"""Calibrate a fine-tuned network on one half of what was held back, and measure it on the other."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from pomona.recognition.calibration import calibration_noise
from pomona.recognition.classifiers import Linear
from pomona.recognition.decisions import Answer, DecisionRule, ModelLabel, decide
from pomona.recognition.head import Head, Scores, no_rejection
from pomona.recognition.labelling import find_label
from pomona.recognition.packing import Part, choose_rule, measure_head
from pomona.recognition.rejection import fit_rejection

__all__ = ["Measured", "measure"]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Strong: the probe has as many numbers as there are pictures of no fruit.
PROBE_C: Final = 1e-3
TINY: Final = 1e-12
# Lower, and unseen varieties are named wrongly more often; higher, and more real fruit is refused.
FRUIT_MIN: Final = 0.45


@dataclass(frozen=True)
class Measured:
    """A calibrated head, its rule, and all scores.

    Parameters
    ----------
    head : Head
    rule : DecisionRule
    n_held_back : int
        Phone photographs that calibrated or measured.
    metrics : dict
        ``phone``, ``studio``, ``unseen``, ``no_fruit``, and the phone's once more at the top.
    """

    head: Head
    rule: DecisionRule
    n_held_back: int
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

    All features but those of ``learnt`` and ``strangers`` have one row per picture and view,
    (n, n_views, n_features); the answers to the views are averaged, as in prediction.

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
    known = np.concatenate([_flat(_first(each).features) for each in (of_phone, of_studio)])
    head = _add_rejection(head, known, learnt, strangers, _flat(strangers_test[::2]))
    scorer = _Averaged(head)
    rule = _choose_rule(scorer, (_first(of_phone), _first(of_studio)), labels, refused_share)
    metrics: dict[str, Any] = {
        name: measure_head(scorer, part, labels=labels, rule=rule)
        | {"ece_by_chance": calibration_noise(scorer.apply(part.features).probabilities)}
        for name, part in (("phone", _second(of_phone)), ("studio", _second(of_studio)))
    }
    if len(unseen[1]):
        metrics["unseen"] = _score_unseen(_ask(scorer, unseen[0], labels, rule), unseen[1], labels)
    if len(strangers_test):
        answers = _ask(scorer, strangers_test[1::2], labels, rule)
        metrics["no_fruit"] = {"n": len(answers), "refused": _share(answers, "unknown")}
    return Measured(head, rule, len(phone[1]), metrics["phone"] | metrics)


@dataclass(frozen=True)
class _Averaged:
    """A head that averages its scores over the views of a picture."""

    head: Head

    def apply(self, features: FloatArray, /) -> Scores:
        n, n_views, n_features = features.shape
        scores = self.head.apply(features.reshape(-1, n_features))
        return Scores(
            scores.probabilities.reshape(n, n_views, -1).mean(axis=1),
            scores.strangeness.reshape(n, n_views).mean(axis=1),
            features.mean(axis=1),
        )


def _first(part: Part) -> Part:
    return Part(part.features[::2], part.y[::2])


def _second(part: Part) -> Part:
    return Part(part.features[1::2], part.y[1::2])


def _temperature(head: Head, phone: Part, studio: Part) -> float:
    """Return the temperature at which the averaged answers to both kinds are likeliest."""

    def loss(log_temperature: float) -> float:
        scorer = _Averaged(replace(head, temperature=float(np.exp(log_temperature))))
        # A mean for each: both count alike, however many pictures there are of one kind.
        return sum(_log_loss(scorer.apply(part.features), part.y) for part in (phone, studio))

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _log_loss(scores: Scores, y: IntArray) -> float:
    return float(-np.log(scores.probabilities[np.arange(len(y)), y] + TINY).mean())


def _choose_rule(
    scorer: _Averaged,
    parts: Sequence[Part],
    labels: Sequence[ModelLabel],
    refused_share: float,
) -> DecisionRule:
    """Return the more lenient of the rules of both kinds: neither may be refused too often."""
    rules = [
        choose_rule(scorer, part, labels=labels, refused_share=refused_share, fruit_min=FRUIT_MIN)
        for part in parts
    ]
    thresholds = [rule.rejection_threshold for rule in rules]
    found = [threshold for threshold in thresholds if threshold is not None]
    return replace(rules[0], rejection_threshold=max(found, default=None))


def _add_rejection(
    head: Head, known: FloatArray, learnt: FloatArray, strangers: FloatArray, others: FloatArray
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

    standardised, components, probabilities = arrays(known)
    rejection = fit_rejection(
        standardised=standardised,
        components=components,
        probabilities=probabilities,
        probe=probe.coef_[0],
        strangers=arrays(others),
    )
    return replace(head, rejection=rejection)


def _ask(
    scorer: _Averaged, features: FloatArray, labels: Sequence[ModelLabel], rule: DecisionRule
) -> list[Answer]:
    scores = scorer.apply(features)
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


def _flat(features: FloatArray) -> FloatArray:
    return features.reshape(-1, features.shape[-1])


def _share(answers: Sequence[Answer], decision: str) -> float:
    return sum(answer.decision == decision for answer in answers) / max(len(answers), 1)
