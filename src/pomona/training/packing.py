"""From fitted classifiers to one measured, calibrated model folder."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pomona.backbones import BackboneSpec
from pomona.recognition.classifiers import Classifier
from pomona.recognition.decisions import DecisionRule, decide, fruit_probabilities
from pomona.recognition.head import Head, Inputs, Scorer, no_rejection
from pomona.recognition.labels import ModelLabel, number_fruits
from pomona.recognition.model import write_model
from pomona.recognition.rejection import choose_threshold, fit_rejection, within_class
from pomona.recognition.verdicts import share_decisions
from pomona.recognition.views import Preprocessing
from pomona.reduction.fitted import Reduction
from pomona.storage.locations import Location
from pomona.storage.record import replace as replace_fields
from pomona.storage.records import MODEL_FORMAT, JsonObject, ModelRecord
from pomona.storage.scores import Scores
from pomona.training.calibration import fit_temperature
from pomona.training.metrics import score_predictions
from pomona.training.onnx_export import build_recogniser, needs_onnxruntime

__all__ = ["Part", "choose_rule", "complete_head", "measure_head", "write_recogniser"]


@dataclass(frozen=True)
class Part:
    """Some labelled pictures.

    Parameters
    ----------
    features : float array of shape (n, n_features)
    y : int array of shape (n,)
        Index of the label.
    """

    features: NDArray[np.floating]
    y: NDArray[np.integer]


def complete_head(
    classifier: Classifier,
    *,
    reduction: Reduction | None,
    on: Inputs,
    fitted: Part,
    calibration: Part,
    labels: Sequence[ModelLabel],
) -> Head:
    """Return a head with its temperature and its refusal fitted.

    Parameters
    ----------
    classifier : Linear, Perceptron or Forest
    reduction : Reduction or None
        Without one, refusal goes by the probabilities alone.
    on : {"features", "reduced"}
    fitted : Part
        Pictures the classifier was fitted on, or a sample with every label.
    calibration : Part
        Others.
    labels : sequence of ModelLabel
    """
    n_features = fitted.features.shape[1]
    head = Head(
        on, np.zeros(n_features), np.ones(n_features), np.zeros((0, n_features)), classifier,
        no_rejection(),
    )  # fmt: skip
    if reduction is not None:
        head = Head.from_reduction(
            reduction, on=on, classifier=classifier, temperature=1.0, rejection=no_rejection()
        )
    held = calibration if len(calibration.y) else fitted
    head = replace(head, temperature=fit_temperature(head.logits(held.features), held.y))
    whitening = means = None
    if len(head.components) and len(np.unique(fitted.y)) == len(labels):
        components = head.standardise(fitted.features) @ head.components.T
        whitening, means = within_class(components, fitted.y, n_classes=len(labels))
    standardised, components, probabilities, _ = head.arrays(held.features)
    rejection = fit_rejection(
        standardised=standardised,
        components=components,
        probabilities=probabilities,
        whitening=whitening,
        means=means,
        fruits=number_fruits(labels),
    )
    return replace(head, rejection=rejection)


def choose_rule(
    head: Scorer,
    calibration: Part,
    *,
    labels: Sequence[ModelLabel],
    refused_share: float,
    variety_min: float = 0.5,
    fruit_min: float = 0.5,
) -> DecisionRule:
    """Return the rule that refuses ``refused_share`` of the calibration pictures, if it can."""
    if not len(calibration.y):
        return DecisionRule(None, variety_min, fruit_min)
    scores = head.apply(calibration.features)
    sums, _ = fruit_probabilities(scores.probabilities, labels)
    unsure = (sums.max(axis=1) < fruit_min) & (scores.probabilities.max(axis=1) < variety_min)
    threshold = choose_threshold(scores.strangeness, refused_share=refused_share, refused=unsure)
    return DecisionRule(threshold if np.isfinite(threshold) else None, variety_min, fruit_min)


def measure_head(
    head: Scorer, test: Part, *, labels: Sequence[ModelLabel], rule: DecisionRule
) -> Scores:
    """Return all scores on pictures that had no part in the fit, with the shares of decisions."""
    scores = head.apply(test.features)
    answers = [
        decide(p, float(s), labels=labels, rule=rule, top=1)
        for p, s in zip(scores.probabilities, scores.strangeness, strict=True)
    ]
    metrics = score_predictions(scores.probabilities, test.y, labels=labels)
    return replace_fields(metrics, decisions=share_decisions(answers))


def write_recogniser(
    folder: Location,
    head: Head,
    *,
    backbone: Path,
    spec: BackboneSpec,
    labels: Sequence[ModelLabel],
    rule: DecisionRule,
    metrics: JsonObject,
    training: JsonObject,
    licences: Sequence[str] = (),
    preprocessing: Preprocessing | None = None,
    half: bool = False,
) -> None:
    """Write ``recogniser.onnx`` and ``model.json`` into a folder.

    Parameters
    ----------
    folder : Location
        What is there of a reduction is kept.
    head : Head
    backbone : Path
        ONNX file: the one ``spec`` names, or a fine-tuned one with the same input and output.
    spec : BackboneSpec
    labels : sequence of ModelLabel
    rule : DecisionRule
    metrics : dict
        Of pictures held back, such as :func:`measure_head` gives them.
    training : dict
        What it was made from: counts, classifier, split, fingerprints.
    licences : sequence of str
        Of the weights and the pictures; the backbone's own is always named.
    preprocessing : Preprocessing, optional
        Defaults to the backbone's, one view.
    half : bool
        Keep large constants in 16 bits.
    """
    from datetime import UTC, datetime

    preprocessing = preprocessing or Preprocessing.from_backbone(spec)
    onnx = build_recogniser(
        backbone,
        input_name=spec.input_name,
        output_name=spec.output_name,
        preprocessing=preprocessing,
        head=head,
        half=half,
    )
    about = ModelRecord(
        format_version=MODEL_FORMAT,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        training=training,
        metrics={name: value for name, value in metrics.items() if name != "reliability"},
        calibration={
            "temperature": head.temperature,
            "ece": metrics.get("ece"),
            "reliability": metrics.get("reliability", []),
        },
        licences=[f"{spec.name}: {spec.licence}", *licences],
    )
    write_model(
        folder,
        onnx,
        labels=labels,
        preprocessing=preprocessing,
        rule=rule,
        about=about,
        needs_onnxruntime=needs_onnxruntime(head.classifier),
    )
