"""Components written by the workers that made them."""

from collections.abc import Iterable, Iterator
from functools import partial

import pyarrow as pa
from pyspark.sql import DataFrame

from pomona import schema
from pomona.reduction.fitted import Reduction
from pomona.spark.parts import arrow_schema, part_file, write_parts
from pomona.spark.reduce.components import reduce_partition, reduced_schema
from pomona.storage.locations import Location

__all__ = ["write_reduced"]


def write_reduced(features_df: DataFrame, folder: Location, *, reduction: Reduction) -> None:
    """Apply a reduction and write path, label and pca as Parquet, straight from the workers.

    Parameters
    ----------
    features_df : DataFrame
        As for :func:`pomona.spark.reduce.components.reduce_features`.
    folder : Location
        New, and one that every worker can write to.
    reduction : Reduction
    """
    columns = arrow_schema(list(schema.REDUCED), reduced_schema(reduction).fields)
    write = partial(_write_reduced, folder=folder, reduction=reduction, columns=columns)
    write_parts(
        features_df.select(schema.PATH, schema.LABEL, schema.FEATURES), write, folder, pa.schema([])
    )


def _write_reduced(
    batches: Iterable[pa.RecordBatch], *, folder: Location, reduction: Reduction, columns: pa.Schema
) -> Iterator[pa.RecordBatch]:
    n_written = 0
    with part_file(folder, columns) as add:
        for batch in reduce_partition(batches, reduction=reduction):
            add(batch)
            n_written += batch.num_rows
    yield pa.RecordBatch.from_arrays([pa.array([n_written])], names=["n_written"])
