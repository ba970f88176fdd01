"""Calibrate a network on places it never saw, and measure it there by cross-fitting."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar

from pomona.recognition.classifiers import Linear
from pomona.recognition.decisions import DecisionRule, decide, fruit_probabilities
from pomona.recognition.head import Head, Scores, no_rejection
from pomona.recognition.labels import ModelLabel, number_fruits
from pomona.recognition.rejection import fit_rejection
from pomona.recognition.verdicts import has_right_fruit, is_refused
from pomona.storage.records import to_plain
from pomona.training.calibration import calibration_noise, expected_calibration_error
from pomona.training.packing import Part, measure_head

__all__ = ["Calibrated", "Shown", "calibrate", "make_head", "measure", "score_place"]

FloatArray = NDArray[np.floating]

TINY: Final = 1e-12
VARIETY_MIN: Final = 0.5
# Of fruit in places that nothing was learnt from: refused at most, named wrongly at most.
REFUSED: Final = 0.05
WRONG: Final = 0.08
STEPS: Final = np.linspace(0.3, 0.95, 66)


@dataclass(frozen=True)
class Shown:
    """Pictures of one place that a network never saw.

    Parameters
    ----------
    features : float array of shape (n, n_views, n_features)
        Of each view; the answers to them are averaged, as in prediction.
    fruit : int array of shape (n,)
        As the labels are numbered; -1 for no fruit.
    label : int array of shape (n,)
        -1 where only the fruit is known.
    objects : tuple of n str
        Pictures of one object count as one.
    """

    features: FloatArray
    fruit: NDArray[np.int64]
    label: NDArray[np.int64]
    objects: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.fruit)

    def half(self, parity: int) -> "Shown":
        """Return every other object."""
        names = sorted(set(self.objects))
        chosen = set(names[parity::2])
        pick = np.array([name in chosen for name in self.objects], bool)
        return Shown(
            self.features[pick],
            self.fruit[pick],
            self.label[pick],
            tuple(name for name in self.objects if name in chosen),
        )

    @property
    def weights(self) -> FloatArray:
        """What each picture counts, so that every object counts the same, and all of them 1."""
        counts: dict[str, int] = defaultdict(int)
        for name in self.objects:
            counts[name] += 1
        weights = np.array([1 / counts[name] for name in self.objects])
        return np.asarray(weights / weights.sum())


@dataclass(frozen=True)
class Calibrated:
    """A head and its rule."""

    head: Head
    rule: DecisionRule

    def apply(self, features: FloatArray, /) -> Scores:
        """Return scores of (n, n_views, n_features), averaged over the views."""
        n, n_views, n_features = features.shape
        scores = self.head.apply(features.reshape(-1, n_features))
        return Scores(
            scores.probabilities.reshape(n, n_views, -1).mean(axis=1),
            scores.strangeness.reshape(n, n_views).mean(axis=1),
            features.mean(axis=1),
        )


def make_head(weights: FloatArray, bias: FloatArray) -> Head:
    """Return an uncalibrated head from a network's last layer, whose last output is no fruit."""
    n_features = weights.shape[1]
    return Head(
        "features",
        np.zeros(n_features),
        np.ones(n_features),
        np.zeros((0, n_features)),
        Linear(weights[:-1], bias[:-1]),
        no_rejection(),
        nothing=Linear(weights[-1:], bias[-1:]),
    )


def calibrate(
    head: Head, places: Mapping[str, Shown], strangers: Shown, labels: Sequence[ModelLabel]
) -> Calibrated:
    """Return the head with temperature, refusal and rule; every place counts the same.

    Parameters
    ----------
    head : Head
    places : dict of str to Shown
    strangers : Shown
        Of no fruit.
    labels : sequence of ModelLabel
    """
    head = replace(head, temperature=_temperature(head, places, labels))
    flat = [_flat(place.features) for place in places.values()]
    # As many of each place, so that the largest does not rule.
    n = min(4 * min(map(len, flat)), 600)
    rng = np.random.default_rng(0)
    some = np.concatenate([rows[rng.permutation(len(rows))[:n]] for rows in flat])
    known, strange = head.arrays(some), head.arrays(_flat(strangers.features))
    rejection = fit_rejection(
        standardised=known[0],
        components=known[1],
        probabilities=known[2],
        nothing=known[3],
        fruits=number_fruits(labels),
        use=("uncertainty", "nothing"),
        strangers=strange,
    )
    done = Calibrated(replace(head, rejection=rejection), DecisionRule(None, VARIETY_MIN, 0.5))
    scores = {name: done.apply(place.features) for name, place in places.items()}
    threshold = _threshold(scores, places)
    return replace(
        done,
        rule=DecisionRule(threshold, VARIETY_MIN, _least(scores, places, labels, threshold)),
    )


def _temperature(head: Head, places: Mapping[str, Shown], labels: Sequence[ModelLabel]) -> float:
    """Return the temperature at which the averaged answers to all places are likeliest."""

    def loss(log_temperature: float) -> float:
        one = Calibrated(replace(head, temperature=float(np.exp(log_temperature))), DecisionRule())
        total = 0.0
        for place in places.values():
            p = one.apply(place.features).probabilities
            of_fruits, _ = fruit_probabilities(p, labels)
            right = of_fruits[np.arange(len(place)), place.fruit]
            named = place.label >= 0
            right[named] = p[np.flatnonzero(named), place.label[named]]
            total -= float((place.weights * np.log(right + TINY)).sum())
        return total

    return float(np.exp(minimize_scalar(loss, bounds=(-2, 2), method="bounded").x))


def _threshold(scores: Mapping[str, Scores], places: Mapping[str, Shown]) -> float:
    """Return the strangeness that ``REFUSED`` of the fruit goes beyond, in the mean place."""
    strangeness = np.concatenate([one.strangeness for one in scores.values()])
    weights = np.concatenate([place.weights for place in places.values()]) / len(places)
    order = np.argsort(strangeness)
    beyond = 1 - np.cumsum(weights[order])
    return float(strangeness[order][np.argmax(beyond <= REFUSED)])


def _least(
    scores: Mapping[str, Scores],
    places: Mapping[str, Shown],
    labels: Sequence[ModelLabel],
    threshold: float,
) -> float:
    """Return the least probability from which ``WRONG`` at most are named wrongly."""
    found = []
    for name, place in places.items():
        of_fruits, _ = fruit_probabilities(scores[name].probabilities, labels)
        kept = scores[name].strangeness <= threshold
        wrong = kept & (of_fruits.argmax(axis=1) != place.fruit)
        found.append((of_fruits.max(axis=1), place.weights * wrong))
    for least in STEPS:
        shares = [float(weights[p >= least].sum()) for p, weights in found]
        if np.mean(shares) <= WRONG:
            return round(float(least), 3)
    return float(STEPS[-1])


def measure(
    head: Head, places: Mapping[str, Shown], strangers: Shown, labels: Sequence[ModelLabel]
) -> tuple[Calibrated, dict[str, Any]]:
    """Return the calibrated head, and scores of cross-fitting: half calibrates, the rest is scored.

    Parameters
    ----------
    head : Head
    places : dict of str to Shown
        ``phone`` and ``studio`` have labels.
    strangers : Shown
    labels : sequence of ModelLabel
    """
    crossed = [
        calibrate(
            head,
            {name: place.half(1 - parity) for name, place in places.items()},
            strangers.half(1 - parity),
            labels,
        )
        for parity in (0, 1)
    ]
    metrics: dict[str, Any] = {}
    for name in ("phone", "studio"):
        metrics[name] = _score_labels(crossed, places[name], labels)
    metrics["places"] = {
        name: _mean_of(
            [score_place(one, place.half(parity), labels) for parity, one in enumerate(crossed)]
        )
        for name, place in places.items()
    }
    refused = [
        score_place(one, strangers.half(parity), labels) for parity, one in enumerate(crossed)
    ]
    metrics["no_fruit"] = {"n": len(strangers), "refused": _mean_of(refused)["refused"]}
    return calibrate(head, places, strangers, labels), metrics["phone"] | metrics


def _score_labels(
    crossed: Sequence[Calibrated], place: Shown, labels: Sequence[ModelLabel]
) -> dict[str, Any]:
    halves = [place.half(parity) for parity in (0, 1)]
    scores = [one.apply(half.features) for one, half in zip(crossed, halves, strict=True)]
    found = _Found(
        Scores(
            np.concatenate([each.probabilities for each in scores]),
            # Above 0 is above the threshold of the head that gave it.
            np.concatenate(
                [
                    each.strangeness - (one.rule.rejection_threshold or 0.0)
                    for each, one in zip(scores, crossed, strict=True)
                ]
            ),
            np.concatenate([each.features for each in scores]),
        )
    )
    part = Part(found.scores.features, np.concatenate([half.label for half in halves]))
    least = float(np.mean([one.rule.fruit_min for one in crossed]))
    rule = DecisionRule(0.0, VARIETY_MIN, least)
    metrics = to_plain(measure_head(found, part, labels=labels, rule=rule))
    return metrics | {"ece_by_chance": calibration_noise(found.scores.probabilities)}


@dataclass(frozen=True)
class _Found:
    """Scores that are known already, where a head is asked for."""

    scores: Scores

    def apply(self, _: FloatArray, /) -> Scores:
        return self.scores


def score_place(one: Calibrated, place: Shown, labels: Sequence[ModelLabel]) -> dict[str, Any]:
    """Return how the fruit of one place is answered, every object counting the same.

    Returns
    -------
    dict
        ``n``, ``n_objects``; the shares ``first``, ``first_three`` (refusal ignored), ``right``,
        ``wrong`` (of those named), ``refused``; ``ece`` of the fruit.
    """
    scores = one.apply(place.features)
    answers = [
        decide(p, float(s), labels=labels, rule=one.rule)
        for p, s in zip(scores.probabilities, scores.strangeness, strict=True)
    ]
    of_fruits, names = fruit_probabilities(scores.probabilities, labels)
    order = np.argsort(-of_fruits, axis=1)
    truth = [names[i] if i >= 0 else None for i in place.fruit]
    right = np.array([has_right_fruit(*pair) for pair in zip(answers, truth, strict=True)])
    refused = np.array([is_refused(answer) for answer in answers])
    weights = place.weights
    return {
        "n": len(place),
        "n_objects": len(set(place.objects)),
        "first": float(weights @ (order[:, 0] == place.fruit)),
        "first_three": float(weights @ (order[:, :3] == place.fruit[:, None]).any(axis=1)),
        "right": float(weights @ right),
        "wrong": float(weights @ (~right & ~refused)),
        "refused": float(weights @ refused),
        "ece": expected_calibration_error(of_fruits, place.fruit),
    }


def _mean_of(halves: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    n = np.array([half["n_objects"] for half in halves])
    found: dict[str, Any] = {"n": sum(half["n"] for half in halves), "n_objects": int(n.sum())}
    for name in halves[0]:
        if name not in found:
            values = np.array([half[name] for half in halves])
            found[name] = float((values * n).sum() / n.sum())
    return found


def _flat(features: FloatArray) -> FloatArray:
    return features.reshape(-1, features.shape[-1])
