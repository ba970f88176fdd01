"""Labelled vectors for training: checked, split and weighted on the driver, joined on Spark."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pomona import schema
from pomona.errors import TrainingError
from pomona.recognition.labels import ModelLabel
from pomona.settings import TrainSettings
from pomona.spark.train.classifiers import INDEX, PART, VECTOR, WEIGHT
from pomona.spark.vectors import to_matrix
from pomona.training.labelling import check_labels, name_labels
from pomona.training.packing import Part
from pomona.training.splits import CALIBRATION, TEST, TRAIN, split_pictures

__all__ = ["Collected", "TrainingPlan", "collect_parts", "join_plan", "plan_training"]

# Enough to tell 0.1 % apart; they are held on the driver.
MAX_TEST: Final = 50_000
MAX_SAMPLE: Final = 20_000


@dataclass(frozen=True)
class TrainingPlan:
    """What each picture is for.

    Parameters
    ----------
    labels : tuple of ModelLabel
        In the order of their indices.
    table : pyarrow.Table
        Columns path, label_index, part, weight and content_sha256 (null where not known).
    n_unlabelled : int
        Pictures left out for want of a label.
    warnings : tuple of str
    """

    labels: tuple[ModelLabel, ...]
    table: pa.Table
    n_unlabelled: int
    warnings: tuple[str, ...]

    def counts(self) -> dict[str, dict[str, int]]:
        """Return how many pictures of each label are fitted on, calibrate and measure."""
        pairs = zip(self.table[INDEX].to_pylist(), self.table[PART].to_pylist(), strict=True)
        counts = Counter(pairs)
        parts = {"train": TRAIN, "calibration": CALIBRATION, "test": TEST}
        return {
            label.label: {name: counts[i, part] for name, part in parts.items()}
            for i, label in enumerate(self.labels)
        }


@dataclass(frozen=True)
class Collected:
    """Pictures of one part on the driver, and their rows of the plan."""

    pictures: Part
    rows: pa.Table


def plan_training(features: DataFrame, *, settings: TrainSettings) -> TrainingPlan:
    """Read paths and labels, check every vector for NaN, and give each picture its part.

    Raises
    ------
    TrainingError
        If a vector holds NaN, or the labels do not allow a classifier.
    """
    has_hash = schema.CONTENT_SHA256 in features.columns
    content = F.col(schema.CONTENT_SHA256) if has_hash else F.lit(None).cast("string")
    finite = F.forall(schema.FEATURES, lambda x: x.isNotNull() & (F.abs(x) < float("inf")))
    listed = features.select(
        schema.PATH, schema.LABEL, content.alias(schema.CONTENT_SHA256), finite.alias("finite")
    ).toArrow()
    _check_finite(listed)
    listed = listed.sort_by(schema.PATH)
    named = listed.filter(pc.is_valid(listed[schema.LABEL]))
    folders = named[schema.LABEL].to_pylist()
    labels, index = name_labels(folders, merge=settings.merge)
    names = [labels[i].label for i in index]
    warnings = check_labels(names)
    split = split_pictures(named[schema.PATH].to_pylist(), names, rule=settings.split)
    parts = _cap(split.parts, index)
    table = pa.table(
        {
            schema.PATH: named[schema.PATH],
            INDEX: pa.array(index.astype(np.float64)),
            PART: pa.array(parts.astype(np.int32)),
            WEIGHT: pa.array(_weigh(index, parts, balanced=settings.class_weights)),
            schema.CONTENT_SHA256: named[schema.CONTENT_SHA256],
        }
    )
    n_unlabelled = len(listed) - len(named)
    return TrainingPlan(labels, table, n_unlabelled, (*warnings, *split.warnings))


def join_plan(
    vectors: DataFrame, plan: TrainingPlan, *, column: str, parts: Sequence[int] = (TRAIN,)
) -> DataFrame:
    """Return the rows of these parts to fit on: ``vector, label_index, weight``."""
    spark = vectors.sparkSession
    rows = plan.table.filter(pc.is_in(plan.table[PART], pa.array(parts, pa.int32())))
    roles = spark.createDataFrame(rows.select([schema.PATH, INDEX, WEIGHT]))
    nominal = {"type": "nominal", "name": INDEX, "vals": [label.label for label in plan.labels]}
    return (
        vectors.join(F.broadcast(roles), schema.PATH)
        .select(array_to_vector(F.col(column)).alias(VECTOR), INDEX, WEIGHT)
        # Trees ask how many labels there are.
        .withMetadata(INDEX, {"ml_attr": nominal})
    )


def collect_parts(features: DataFrame, plan: TrainingPlan) -> dict[int, Collected]:
    """Return the pictures of each part to the driver; of the training part a sample."""
    keep = _choose_collected(plan.table)
    spark = features.sparkSession
    chosen = plan.table.take(keep)
    paths = spark.createDataFrame(chosen.select([schema.PATH]))
    vectors = (
        features.select(schema.PATH, schema.FEATURES)
        .join(F.broadcast(paths), schema.PATH)
        .toArrow()
        .sort_by(schema.PATH)
        .combine_chunks()
    )
    matrix = to_matrix(vectors[schema.FEATURES].combine_chunks()).astype(np.float32, copy=False)
    parts = chosen[PART].to_numpy()
    index = chosen[INDEX].to_numpy().astype(np.int64)
    members = {part: np.flatnonzero(parts == part) for part in (TRAIN, CALIBRATION, TEST)}
    return {
        part: Collected(Part(matrix[rows], index[rows]), chosen.take(rows))
        for part, rows in members.items()
    }


def _check_finite(listed: pa.Table) -> None:
    bad = listed.filter(pc.invert(listed["finite"]))
    if len(bad):
        raise TrainingError(
            f"'{len(bad)}' feature vectors hold NaN or infinity, the first of "
            f"'{bad[schema.PATH][0]}'. No classifier can be fitted on them. Run 'pomona extract' "
            "again, or take the pictures out."
        )


def _weigh(
    index: NDArray[np.int64], parts: NDArray[np.int8], *, balanced: bool
) -> NDArray[np.float64]:
    weights = np.ones(len(index))
    fitted = parts == TRAIN
    counts = np.bincount(index[fitted], minlength=int(index.max()) + 1)
    if balanced:
        weights = fitted.sum() / (np.count_nonzero(counts) * np.maximum(counts, 1))[index]
    return np.asarray(weights, np.float64)


def _cap(parts: NDArray[np.int8], index: NDArray[np.int64]) -> NDArray[np.int8]:
    parts = parts.copy()
    for part, limit in ((CALIBRATION, MAX_SAMPLE), (TEST, MAX_TEST)):
        members = np.flatnonzero(parts == part)
        if len(members) > limit:
            # What measuring can spare is fitted on, only where both came from the same folders.
            kept = members[_spread(index[members])[:limit]]
            parts[np.setdiff1d(members, kept)] = TRAIN if part == CALIBRATION else -1
    return parts


def _choose_collected(table: pa.Table) -> NDArray[np.int64]:
    parts, index = table[PART].to_numpy(), table[INDEX].to_numpy()
    fitted = np.flatnonzero(parts == TRAIN)
    sample = fitted[_spread(index[fitted])[:MAX_SAMPLE]]
    return np.sort(np.concatenate([sample, np.flatnonzero(parts > TRAIN)]))


def _spread(index: Sequence[Any] | NDArray[Any]) -> NDArray[np.int64]:
    """Return an order in which every label comes once before any comes twice."""
    seen: dict[Any, int] = defaultdict(int)
    ranks = np.empty(len(index), np.int64)
    for i, label in enumerate(index):
        ranks[i] = seen[label]
        seen[label] += 1
    return np.argsort(ranks, kind="stable")
