"""Sums and components of the files of a table: by the workers, or here where they are few."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import BinaryIO, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from pomona import schema
from pomona.reduction.fitted import Reduction
from pomona.reduction.moments import Moments
from pomona.settings import TableFormat
from pomona.spark.parts import arrow_schema
from pomona.spark.reduce.components import reduce_batch, reduced_schema
from pomona.spark.reduce.fitting import add_in_tree, to_batch
from pomona.spark.tables import range_of
from pomona.spark.vectors import to_matrix
from pomona.storage.exports import write_lines
from pomona.storage.locations import Location
from pomona.storage.table import open_writer
from pomona.storage.tables import map_files, open_whole

__all__ = ["project_files", "reduced_name", "sum_files"]

# Rows turned into float64 at once.
BATCH_ROWS: Final = 1024
COLUMNS: Final = (schema.PATH, schema.LABEL, schema.FEATURES)


def sum_files(
    spark: SparkSession | None, folder: Location, names: Sequence[str], *, n_features: int
) -> Moments:
    """Return count, mean and scatter of all vectors of the named files.

    Parameters
    ----------
    spark : SparkSession, optional
        Without, this process adds up.
    folder : Location
    names : sequence of str
    n_features : int
    """
    ordered = sorted(names)
    if spark is None or len(ordered) < 2:
        return _sum_named(folder, ordered, n_features)
    sums = partial(_sum_some, folder=folder, names=ordered, n_features=n_features)
    rows = range_of(spark, len(ordered)).mapInArrow(sums, "part int, moments binary")
    row = rows.transform(add_in_tree).first()
    return Moments.empty(n_features) if row is None else Moments.from_bytes(row["moments"])


def _sum_some(
    batches: Iterable[pa.RecordBatch], *, folder: Location, names: Sequence[str], n_features: int
) -> Iterator[pa.RecordBatch]:
    numbers = [number for batch in batches for number in batch["id"].to_pylist()]
    if numbers:
        total = _sum_named(folder, [names[number] for number in numbers], n_features)
        from pyspark import TaskContext

        context = TaskContext.get()
        yield to_batch([(context.partitionId() if context else 0, total)])


def _sum_named(folder: Location, names: Sequence[str], n_features: int) -> Moments:
    total = Moments.empty(n_features)
    one = partial(_sum_file, folder, n_features=n_features)
    for moments in map_files(one, folder, names):
        total = total.merge(moments)
    return total


def _sum_file(folder: Location, name: str, *, n_features: int) -> Moments:
    total = Moments.empty(n_features)
    for rows in _read(folder, name, [schema.FEATURES]):
        total = total.merge(Moments.from_rows(to_matrix(rows[schema.FEATURES])))
    return total


def _read(folder: Location, name: str, columns: list[str]) -> Iterator[pa.RecordBatch]:
    with open_whole(folder, name) as file, pq.ParquetFile(file) as parquet:
        yield from parquet.iter_batches(BATCH_ROWS, columns=columns)


def project_files(
    spark: SparkSession | None,
    features: Location,
    reduced: Location,
    names: Sequence[str],
    *,
    reduction: Reduction,
    format: TableFormat,
) -> None:
    """Write a file of components for each named file of features.

    Parameters
    ----------
    spark : SparkSession, optional
        Without, this process does it.
    features, reduced : Location
    names : sequence of str
        Of files of ``features``; theirs are called :func:`reduced_name`.
    reduction : Reduction
    format : {"parquet", "csv", "json"}
    """
    ordered = sorted(names)
    project = partial(
        _project_file,
        features=features,
        reduced=reduced,
        reduction=reduction,
        format=format,
        columns=arrow_schema(list(schema.REDUCED), reduced_schema(reduction).fields),
    )
    if spark is None or len(ordered) < 2:
        for _ in map_files(project, features, ordered):
            pass
        return
    some = partial(_project_some, names=ordered, project=project, features=features)
    range_of(spark, len(ordered)).mapInArrow(some, "id long").collect()


def _project_some(
    batches: Iterable[pa.RecordBatch],
    *,
    names: Sequence[str],
    project: Callable[[str], None],
    features: Location,
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        for _ in map_files(
            project, features, [names[number] for number in batch["id"].to_pylist()]
        ):
            pass
        yield batch.slice(0, 0)


def reduced_name(name: str, format: TableFormat) -> str:
    """Return what the file of components of a file of features is called."""
    return f"{name.removesuffix('.parquet')}.{format}"


def _project_file(
    name: str,
    *,
    features: Location,
    reduced: Location,
    reduction: Reduction,
    format: TableFormat,
    columns: pa.Schema,
) -> None:
    batches = (
        reduce_batch(rows, reduction=reduction) for rows in _read(features, name, list(COLUMNS))
    )
    with reduced.writer(reduced_name(name, format)) as file:
        if format == "parquet":
            _write_parquet(file, batches, columns)
        else:
            write_lines(file, batches, format=format, vector=schema.PCA, prefix="pca_")


def _write_parquet(file: BinaryIO, batches: Iterator[pa.RecordBatch], columns: pa.Schema) -> None:
    with open_writer(file, columns) as writer:
        for batch in batches:
            writer.write_table(pa.Table.from_batches([batch], pa.schema(list(columns))))
