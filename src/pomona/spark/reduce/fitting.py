"""Fit the standardiser and the PCA: one pass of sums on the workers, one solution on the driver."""

import math
from collections.abc import Iterable, Iterator
from typing import Final

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pomona import schema
from pomona.reduction.fitted import Reduction
from pomona.reduction.moments import Moments
from pomona.reduction.solving import check_width, solve_reduction
from pomona.settings import ReduceSettings
from pomona.spark.session import count_partitions
from pomona.spark.vectors import to_matrix

__all__ = ["add_in_tree", "fit_reduction", "sum_moments", "to_batch"]

# Sums added up by one task of the tree: 8 triangles of 1280 features are 52 MB.
FAN_IN: Final = 8


def fit_reduction(
    features_df: DataFrame, *, n_features: int, settings: ReduceSettings | None = None
) -> Reduction:
    """Fit standardiser and PCA on the column ``features``.

    Parameters
    ----------
    features_df : DataFrame
        Column ``features``: arrays of ``n_features`` floats, none null.
    n_features : int
    settings : ReduceSettings, optional

    Returns
    -------
    Reduction

    Raises
    ------
    ReductionError
        If the features are too few, too wide or too alike for what is asked.
    """
    settings = settings or ReduceSettings()
    check_width(n_features)
    return solve_reduction(sum_moments(features_df, n_features=n_features), settings)


def sum_moments(features_df: DataFrame, *, n_features: int) -> Moments:
    """Return count, mean and scatter of the column ``features``, added up in a tree.

    The order of the additions depends on the partitions only, so a second run gives the same bits.
    """
    sums = (
        features_df.select(schema.FEATURES)
        .mapInArrow(_sum_partition, "part int, moments binary")
        .transform(add_in_tree)
    )
    row = sums.first()
    return Moments.empty(n_features) if row is None else Moments.from_bytes(row["moments"])


def add_in_tree(sums: DataFrame) -> DataFrame:
    """Add up rows of ``part`` and ``moments``, a few at a time; at most one row is left."""
    n_parts = count_partitions(sums)
    while n_parts > 1:
        n_parts = math.ceil(n_parts / FAN_IN)
        group = (F.col("part") / F.lit(FAN_IN)).cast("int")
        sums = (
            sums.repartition(n_parts, group)
            .withColumn("group", group)
            .mapInArrow(_add_partition, "part int, moments binary")
        )
    return sums


def _sum_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    total: Moments | None = None
    for batch in batches:
        moments = Moments.from_rows(to_matrix(batch[schema.FEATURES]))
        total = moments if total is None else total.merge(moments)
    if total is not None:
        context = TaskContext.get()
        yield to_batch([(context.partitionId() if context else 0, total)])


def _add_partition(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    rows = sorted(
        (row for batch in batches for row in batch.to_pylist()), key=lambda row: int(row["part"])
    )
    totals: dict[int, Moments] = {}
    for row in rows:
        moments = Moments.from_bytes(row["moments"])
        group = row["group"]
        totals[group] = totals[group].merge(moments) if group in totals else moments
    if totals:
        yield to_batch(list(totals.items()))


def to_batch(sums: list[tuple[int, Moments]]) -> pa.RecordBatch:
    """Return sums as rows of ``part`` and ``moments``."""
    return pa.RecordBatch.from_arrays(
        [
            pa.array([part for part, _ in sums], pa.int32()),
            pa.array([moments.to_bytes() for _, moments in sums], pa.binary()),
        ],
        names=["part", "moments"],
    )
