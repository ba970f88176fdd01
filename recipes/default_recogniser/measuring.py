"""Calibrate a fine-tuned network on what was held back, and measure it there by cross-fitting."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from pomona.recognition.classifiers import Linear, softmax
from pomona.recognition.decisions import Answer, DecisionRule, decide
from pomona.recognition.head import Head, Scorer, Scores, no_rejection
from pomona.recognition.labels import ModelLabel, number_fruits
from pomona.recognition.rejection import fit_rejection
from pomona.recognition.verdicts import is_refused, score_fruits, share
from pomona.storage.records import to_plain
from pomona.training.calibration import calibration_noise
from pomona.training.labelling import find_label
from pomona.training.packing import Part, choose_rule, measure_head

__all__ = ["Measured", "carry_over", "make_head", "measure", "score_shipped"]

FloatArray = NDArray[np.floating]
IntArray = NDArray[np.integer]

# Of the spread inside the classes towards one that is alike in all directions.
SHRINKAGE: Final = 0.1
TINY: Final = 1e-12
EVEN: Final = slice(0, None, 2)
ODD: Final = slice(1, None, 2)
# Strangeness counts how unsure an answer is; this is only where a name would mean nothing.
FRUIT_MIN: Final = 0.3


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
    learnt: Sequence[Part],
    strangers_test: FloatArray,
    unseen: tuple[FloatArray, Sequence[str]],
    refused_share: float,
) -> Measured:
    """Return the head with temperature, refusal and rule, and its scores.

    All features but those of ``learnt`` have one row per picture and view,
    (n, n_views, n_features); the answers to the views are averaged, as in prediction.

    ``phone``, ``studio_test`` and ``strangers_test`` calibrate the head that is returned. The
    scores are of cross-fitting: every other picture calibrates, the rest is scored, and again the
    other way round.

    Parameters
    ----------
    linear : Linear
        The network's last layer, without its output for no fruit.
    labels : sequence of ModelLabel
    phone : features and label indices of held-back photographs
    studio_test : features and folder names of studio frames
    learnt : two Parts
        Phone photographs and studio frames that the network learnt from, (n, n_features).
    strangers_test : features of pictures of no fruit
    unseen : features and folder names of varieties nothing was learnt from
    refused_share : float
    """
    studio_y = np.array([find_label(name, labels)[0] for name in studio_test[1]])
    parts = (Part(*phone), Part(studio_test[0], studio_y))
    base = make_head(linear, labels, learnt)

    def calibrate(pick: slice) -> tuple[Head, DecisionRule]:
        some = [Part(part.features[pick], part.y[pick]) for part in parts]
        head = replace(base, temperature=_temperature(base, *some))
        head = _weigh_signals(_set_usual(head, some, learnt), some, strangers_test[pick])
        return head, _choose_rule(_Averaged(head), some, labels, refused_share)

    crossed = _Crossed((calibrate(ODD), calibrate(EVEN)), len(labels))
    rule = DecisionRule(0.0, fruit_min=FRUIT_MIN)
    metrics: dict[str, Any] = {
        name: to_plain(measure_head(crossed, part, labels=labels, rule=rule))
        | {"ece_by_chance": calibration_noise(crossed.apply(part.features).probabilities)}
        for name, part in zip(("phone", "studio"), parts, strict=True)
    }
    if len(strangers_test):
        metrics["no_fruit"] = _score_strangers(crossed, strangers_test, labels, rule)
    head, rule = calibrate(slice(None))
    metrics |= _score_unseen(head, rule, labels, unseen)
    return Measured(head, rule, metrics["phone"] | metrics)


def make_head(linear: Linear, labels: Sequence[ModelLabel], learnt: Sequence[Part]) -> Head:
    """Return an uncalibrated head that knows where the pictures it learnt from lie.

    Its components are the directions in which the classes differ most beside their own spread
    (linear discriminant analysis); a label has a mean for each kind of picture.

    Parameters
    ----------
    linear : Linear
    labels : sequence of ModelLabel
    learnt : sequence of Part
        As for :func:`measure`.
    """
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

    features = np.concatenate([part.features for part in learnt])
    # The same label in the studio and on a phone are two classes here.
    y = np.concatenate([part.y + i * len(labels) for i, part in enumerate(learnt)])
    mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
    standardised = (features - mean) / scale
    analysis = LinearDiscriminantAnalysis(solver="eigen", shrinkage=SHRINKAGE).fit(standardised, y)
    n_axes = min(len(analysis.classes_) - 1, features.shape[1])
    basis, whitening = np.linalg.qr(analysis.scalings_[:, :n_axes])
    rejection = replace(
        no_rejection(),
        whitening=whitening.T,
        means=analysis.means_ @ basis @ whitening,
        fruits=number_fruits(labels),
    )
    return Head("features", mean, scale, basis.T, linear, rejection)


def carry_over(calibrated: Head, head: Head) -> Head:
    """Return ``head`` with what was calibrated for a network that was trained alike.

    Parameters
    ----------
    calibrated : Head
        Of :func:`measure`.
    head : Head
        Of :func:`make_head`, for a network that learnt from the held-back photographs too.
    """
    rejection = replace(
        calibrated.rejection, whitening=head.rejection.whitening, means=head.rejection.means
    )
    return replace(head, temperature=calibrated.temperature, rejection=rejection)


def score_shipped(
    head: Head,
    rule: DecisionRule,
    labels: Sequence[ModelLabel],
    *,
    studio_test: tuple[FloatArray, Sequence[str]],
    strangers_test: FloatArray,
    unseen: tuple[FloatArray, Sequence[str]],
) -> dict[str, Any]:
    """Return the scores of a head that was carried over, on what its network never learnt from.

    Returns
    -------
    dict
        ``studio`` with ``n``, ``accuracy``; ``no_fruit`` and ``unseen`` as :func:`measure` has
        them.
    """
    scorer = _Averaged(head)
    y = np.array([find_label(name, labels)[0] for name in studio_test[1]])
    found = scorer.apply(studio_test[0]).probabilities.argmax(axis=1)
    metrics: dict[str, Any] = {"studio": {"n": len(y), "accuracy": float((found == y).mean())}}
    if len(strangers_test):
        metrics["no_fruit"] = _score_strangers(scorer, strangers_test, labels, rule)
    return metrics | _score_unseen(head, rule, labels, unseen)


@dataclass(frozen=True)
class _Averaged:
    """A head that averages its scores over the views of a picture."""

    head: Head

    def apply(self, features: FloatArray, /) -> Scores:
        n, n_views, n_features = features.shape
        scores = self.head.apply(features.reshape(-1, n_features))
        return Scores(
            _average_views(scores.probabilities, features),
            scores.strangeness.reshape(n, n_views).mean(axis=1),
            features.mean(axis=1),
        )


@dataclass(frozen=True)
class _Crossed:
    """Two heads: the first answers for pictures at even places, the second for the others.

    A strangeness above 0 is above the threshold of the head that gave it.
    """

    fitted: tuple[tuple[Head, DecisionRule], tuple[Head, DecisionRule]]
    n_labels: int

    def apply(self, features: FloatArray, /) -> Scores:
        probabilities = np.zeros((len(features), self.n_labels))
        strangeness = np.zeros(len(features))
        for pick, (head, rule) in zip((EVEN, ODD), self.fitted, strict=True):
            scores = _Averaged(head).apply(features[pick])
            probabilities[pick] = scores.probabilities
            if rule.rejection_threshold is not None:
                strangeness[pick] = scores.strangeness - rule.rejection_threshold
        return Scores(probabilities, strangeness, features.mean(axis=1))


def _temperature(head: Head, *parts: Part) -> float:
    """Return the temperature at which the averaged answers to both kinds are likeliest."""
    logits = [head.logits(_flat(part.features)) for part in parts]

    def loss(log_temperature: float) -> float:
        temperature = float(np.exp(log_temperature))
        # A mean for each: both count alike, however many pictures there are of one kind.
        return sum(
            _log_loss(_average_views(softmax(z, temperature=temperature), part.features), part.y)
            for z, part in zip(logits, parts, strict=True)
        )

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _log_loss(probabilities: FloatArray, y: IntArray) -> float:
    return float(-np.log(probabilities[np.arange(len(y)), y] + TINY).mean())


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


def _set_usual(head: Head, parts: Sequence[Part], learnt: Sequence[Part]) -> Head:
    """Count distances in what is usual for pictures of a kind that nothing was learnt from.

    Photographs lie further from each other than studio frames, which show one fruit turning.
    """
    usual: list[FloatArray] = []
    for part, of_kind in zip(parts, learnt, strict=True):
        n_before, n = sum(map(len, usual)), len(np.unique(of_kind.y))
        components = head.standardise(_flat(part.features)) @ head.components.T
        distances = head.rejection.distances(components)[:, n_before : n_before + n]
        usual.append(np.full(n, np.median(distances.min(axis=1))))
    return replace(head, rejection=replace(head.rejection, usual=np.concatenate(usual)))


def _weigh_signals(head: Head, known: Sequence[Part], others: FloatArray) -> Head:
    standardised, components, probabilities = head.arrays(
        np.concatenate([_flat(part.features) for part in known])
    )
    rejection = fit_rejection(
        standardised=standardised,
        components=components,
        probabilities=probabilities,
        whitening=head.rejection.whitening,
        means=head.rejection.means,
        usual=head.rejection.usual,
        fruits=head.rejection.fruits,
        # What lies outside the discriminants says nothing of fruit, known or not.
        use=("distance", "uncertainty"),
        strangers=head.arrays(_flat(others)) if len(others) else None,
    )
    return replace(head, rejection=rejection)


def _ask(
    scorer: Scorer, features: FloatArray, labels: Sequence[ModelLabel], rule: DecisionRule
) -> list[Answer]:
    scores = scorer.apply(features)
    return [
        decide(p, float(s), labels=labels, rule=rule)
        for p, s in zip(scores.probabilities, scores.strangeness, strict=True)
    ]


def _score_strangers(
    scorer: Scorer, features: FloatArray, labels: Sequence[ModelLabel], rule: DecisionRule
) -> dict[str, Any]:
    answers = _ask(scorer, features, labels, rule)
    return {"n": len(answers), "refused": share(map(is_refused, answers))}


def _score_unseen(
    head: Head,
    rule: DecisionRule,
    labels: Sequence[ModelLabel],
    unseen: tuple[FloatArray, Sequence[str]],
) -> dict[str, Any]:
    features, folders = unseen
    if not len(folders):
        return {}
    known = [(folder, find_label(folder, labels)[1]) for folder in folders]
    rows: dict[str, list[tuple[Answer, str]]] = {}
    answers = _ask(_Averaged(head), features, labels, rule)
    for answer, (folder, fruit) in zip(answers, known, strict=True):
        if fruit is not None:
            rows.setdefault(folder, []).append((answer, fruit))
    if not rows:
        return {}
    together = _sum_up([row for part in rows.values() for row in part])
    per_folder = [{"folder": folder} | _sum_up(part) for folder, part in sorted(rows.items())]
    return {"unseen": together | {"per_folder": per_folder}}


def _sum_up(rows: Sequence[tuple[Answer, str]]) -> dict[str, Any]:
    answers, fruits = zip(*rows, strict=True)
    return {"n": len(rows), **score_fruits(answers, fruits)}


def _average_views(probabilities: FloatArray, features: FloatArray) -> FloatArray:
    """Return one row per picture from one per picture and view."""
    return np.asarray(probabilities.reshape(*features.shape[:2], -1).mean(axis=1))


def _flat(features: FloatArray) -> FloatArray:
    return features.reshape(-1, features.shape[-1])
