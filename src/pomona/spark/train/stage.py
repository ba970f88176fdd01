"""Train on Spark, from stored vectors to a model folder."""

import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import mkdtemp
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.storagelevel import StorageLevel

from pomona import schema
from pomona.backbones import BackboneSpec
from pomona.recognition.decisions import DecisionRule
from pomona.recognition.head import Head
from pomona.reduction.fitted import Reduction
from pomona.settings import ClassifierName, TrainSettings
from pomona.spark.reduce.components import reduce_features
from pomona.spark.session import count_cores
from pomona.spark.tables import read_features
from pomona.spark.train.classifiers import fit_classifier, refit_classifier
from pomona.spark.train.conversion import to_classifier
from pomona.spark.train.plan import (
    Collected,
    TrainingPlan,
    collect_parts,
    join_plan,
    plan_training,
)
from pomona.spark.train.tuning import tune_classifier
from pomona.storage.locations import LocalLocation, Location
from pomona.storage.records import ClassifierRecord, JsonObject, TrainingRecord, to_plain
from pomona.storage.store import MODEL
from pomona.training.duplicates import Overlap, find_overlap
from pomona.training.packing import (
    choose_rule,
    complete_head,
    measure_head,
    write_recogniser,
)
from pomona.training.splits import CALIBRATION, TEST, TRAIN

__all__ = ["train_to_folder"]

logger = logging.getLogger(__name__)

# Trees pass from the JVM to Python through files.
SCRATCH: Final = "spark-scratch"
# Not for model.json, which has the chosen one's own.
MEASURED: Final = ("classifiers", "seconds")

Parts = dict[int, Collected]


@dataclass(frozen=True)
class _Fitted:
    """One classifier: what is said of it, and what it takes to keep it."""

    record: ClassifierRecord
    model: Any
    head: Head
    rule: DecisionRule


def train_to_folder(
    spark: SparkSession,
    features: Location,
    folder: Location,
    *,
    names: Sequence[str],
    settings: TrainSettings,
    spec: BackboneSpec,
    weights: Path,
    reduction: Reduction | None,
    origin: JsonObject,
) -> TrainingRecord:
    """Fit, compare and measure classifiers; the best goes to ``folder/model``.

    Parameters
    ----------
    spark : SparkSession
    features : Location
        Table of features.
    folder : Location
        Of the results. Trees pass through it where it is one of this machine, so every worker
        must be able to write there; else through a folder that this machine keeps for a while.
    names : sequence of str
        Of the files of ``features`` that count.
    settings : TrainSettings
    spec : BackboneSpec
        Of the network that made the features.
    weights : Path
        Its ONNX file.
    reduction : Reduction or None
        Needed to fit on reduced vectors.
    origin : dict
        Fingerprints to write into the model folder.

    Returns
    -------
    TrainingRecord

    Raises
    ------
    TrainingError
        If the labelled vectors do not allow what is asked.
    """
    started = time.perf_counter()
    table = read_features(spark, features, names)
    plan = plan_training(table, settings=settings)
    parts = collect_parts(table, plan)
    overlap = _find_overlap(parts)
    warnings = [*plan.warnings, *([overlap.warning] if overlap.warning else [])]
    for warning in warnings:
        logger.warning("%s", warning)
    scratch = _find_scratch(folder)
    scratch.make()
    with _cached_rows(table, plan, settings, reduction, parts=(TRAIN,)) as rows:
        fitted = [
            _train_one(name, rows, plan, parts, settings, reduction, scratch)
            for name in settings.classifiers
        ]
    best = max(fitted, key=lambda one: one.record.chosen_by)
    head = best.head
    if settings.final_fit:
        # A pair of folders was asked for: the second is for measuring, whatever happens.
        sides = (TRAIN, CALIBRATION) if ":" in settings.split else (TRAIN, CALIBRATION, TEST)
        with _cached_rows(table, plan, settings, reduction, parts=sides) as rows:
            model = refit_classifier(rows, best.model)
        classifier = to_classifier(model, scratch=scratch.local_file("refit"))
        head = replace(head, classifier=classifier)
    scratch.delete_all()
    record = TrainingRecord(
        settings=settings,
        classifier=best.record.name,
        n_labels=len(plan.labels),
        n_unlabelled=plan.n_unlabelled,
        counts=plan.counts(),
        overlap=overlap.as_dict(),
        warnings=warnings,
        classifiers=[one.record for one in fitted],
        seconds=round(time.perf_counter() - started, 3),
    )
    summary = {name: value for name, value in to_plain(record).items() if name not in MEASURED}
    write_recogniser(
        folder.at(MODEL),
        head,
        backbone=weights,
        spec=spec,
        labels=plan.labels,
        rule=best.rule,
        metrics=to_plain(best.record.metrics),
        training=summary | origin,
    )
    return record


def _find_scratch(folder: Location) -> LocalLocation:
    if isinstance(folder, LocalLocation):
        return folder.at(SCRATCH)
    return LocalLocation(Path(mkdtemp(prefix="pomona-")))


def _find_overlap(parts: Parts) -> Overlap:
    train, test = parts[TRAIN], parts[TEST]
    mean = train.pictures.features.mean(axis=0)
    scale = train.pictures.features.std(axis=0) + 1e-6
    return find_overlap(
        (train.pictures.features - mean) / scale,
        (test.pictures.features - mean) / scale,
        train_hashes=train.rows[schema.CONTENT_SHA256].to_numpy(),
        test_hashes=test.rows[schema.CONTENT_SHA256].to_numpy(),
    )


@contextmanager
def _cached_rows(
    table: DataFrame,
    plan: TrainingPlan,
    settings: TrainSettings,
    reduction: Reduction | None,
    *,
    parts: tuple[int, ...],
) -> Iterator[DataFrame]:
    column = schema.FEATURES
    if settings.on == "reduced":
        assert reduction is not None
        # Not from reduced/: that may be CSV, rounded; the model folder is what predicts.
        table, column = reduce_features(table, reduction=reduction), schema.PCA
    rows = join_plan(table, plan, column=column, parts=parts)
    # As many parts as cores: a pass over the rows is one wave of long tasks.
    rows = rows.repartition(count_cores(table.sparkSession))
    rows.persist(StorageLevel.MEMORY_AND_DISK)
    rows.count()
    try:
        yield rows
    finally:
        rows.unpersist()


def _train_one(
    name: ClassifierName,
    rows: DataFrame,
    plan: TrainingPlan,
    parts: Parts,
    settings: TrainSettings,
    reduction: Reduction | None,
    scratch: LocalLocation,
) -> _Fitted:
    started = time.perf_counter()
    n_inputs = parts[TRAIN].pictures.features.shape[1]
    if settings.on == "reduced" and reduction is not None:
        n_inputs = len(reduction.components)
    sizes = {"n_inputs": n_inputs, "n_classes": len(plan.labels)}
    tuned: list[JsonObject] = []
    if settings.tune:
        model, tuned = tune_classifier(rows, name=name, **sizes)
    else:
        model = fit_classifier(rows, name=name, **sizes)
    seconds = time.perf_counter() - started
    classifier = to_classifier(model, scratch=scratch.local_file(name))
    held = parts[CALIBRATION].pictures
    head = complete_head(
        classifier,
        reduction=reduction,
        on=settings.on,
        fitted=parts[TRAIN].pictures,
        calibration=held,
        labels=plan.labels,
    )
    rule = choose_rule(head, held, labels=plan.labels, refused_share=settings.refused_share)
    metrics = measure_head(head, parts[TEST].pictures, labels=plan.labels, rule=rule)
    logger.info(
        "%s: accuracy %.4f, top-3 %.4f, fitted in %.1f s",
        *(name, metrics.accuracy, metrics.top_3_accuracy, seconds),
    )
    by = (head.apply(held.features).probabilities.argmax(axis=1) == held.y).mean()
    record = ClassifierRecord(
        name=name,
        seconds_fit=round(seconds, 3),
        chosen_by=float(by) if len(held.y) else metrics.accuracy,
        temperature=head.temperature,
        tuning=tuned,
        metrics=metrics,
    )
    return _Fitted(record, model, head, rule)
