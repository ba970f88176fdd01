"""Parquet written by the Python workers themselves, one file per task."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from pomona import schema
from pomona.artifacts import Reduction
from pomona.backbones import find_backbone
from pomona.config import ExtractSettings
from pomona.spark.transforms import (
    EXTRACTED_SCHEMA,
    extract_partition,
    reduce_partition,
    reduced_schema,
    select_images,
    vector_metadata,
)

__all__ = ["write_features", "write_reduced"]

FEATURE_COLUMNS: Final = [
    schema.PATH,
    schema.LABEL,
    schema.WIDTH,
    schema.HEIGHT,
    schema.CONTENT_SHA256,
    schema.FEATURES,
]
# Rows of 5 kB held until they are written together.
ROW_GROUP: Final = 1024


def write_features(
    images_df: DataFrame, folder: Path, *, settings: ExtractSettings
) -> tuple[int, list[dict[str, Any]]]:
    """Extract features and write them as Parquet, straight from the Python workers.

    Parameters
    ----------
    images_df : DataFrame
        As for :func:`pomona.spark.transforms.extract_images`.
    folder : Path
        New folder that every worker can write to.
    settings : ExtractSettings

    Returns
    -------
    n_extracted : int
    quarantined : list of dict
        Rows of :data:`pomona.schema.QUARANTINE`.
    """
    fields = {name: copy(EXTRACTED_SCHEMA[name]) for name in FEATURE_COLUMNS}
    fields[schema.FEATURES].metadata = vector_metadata(find_backbone(settings.backbone))
    kind = _arrow_schema(
        [schema.EXTRACTED.field(name) for name in FEATURE_COLUMNS], list(fields.values())
    )
    write = partial(_write_extracted, folder=folder, settings=settings, kind=kind)
    rows = _write_parts(select_images(images_df), write, folder, schema.QUARANTINE)
    quarantined = [row for row in rows if row[schema.REASON_CODE] is not None]
    return sum(row.pop("n_written") or 0 for row in rows), quarantined


def write_reduced(features_df: DataFrame, folder: Path, *, reduction: Reduction) -> None:
    """Apply a reduction and write path, label and pca as Parquet, straight from the workers.

    Parameters
    ----------
    features_df : DataFrame
        As for :func:`pomona.spark.transforms.reduce_features`.
    folder : Path
        New folder that every worker can write to.
    reduction : Reduction
    """
    kind = _arrow_schema(list(schema.REDUCED), reduced_schema(reduction).fields)
    write = partial(_write_reduced, folder=folder, reduction=reduction, kind=kind)
    _write_parts(
        features_df.select(schema.PATH, schema.LABEL, schema.FEATURES), write, folder, pa.schema([])
    )


def _arrow_schema(fields: list[pa.Field], spark_fields: list[T.StructField]) -> pa.Schema:
    # Under this key Spark finds its own types again.
    metadata = {"org.apache.spark.sql.parquet.row.metadata": T.StructType(spark_fields).json()}
    return pa.schema(fields, metadata=metadata)


def _write_parts(
    table: DataFrame,
    write: Callable[[Iterable[pa.RecordBatch]], Iterator[pa.RecordBatch]],
    folder: Path,
    told: pa.Schema,
) -> list[dict[str, Any]]:
    """Run a task that writes each partition to ``folder``; return what the tasks tell.

    Vectors do not pass through the JVM: its Parquet writer takes half a millisecond for each, a
    tenth of the network's own time.
    """
    folder.mkdir(parents=True)
    nullable = [field.with_nullable(True) for field in told]
    status = from_arrow_schema(pa.schema([pa.field("n_written", pa.int64()), *nullable]))
    rows = [row.asDict() for row in table.mapInArrow(write, status).collect()]
    for left in folder.glob(".*.tmp"):
        left.unlink()
    return rows


@contextmanager
def _part_file(folder: Path, kind: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Open this task's file; it gets its name when the block ends well and rows were written.

    Until then it has a name of its own, so that a killed, repeated or doubled task never leaves
    half a file or two.
    """
    context = TaskContext.get()
    part, attempt = (context.partitionId(), context.taskAttemptId()) if context else (0, 0)
    unfinished = folder / f".part-{part:05d}-{attempt}.tmp"
    searched = [name for name in kind.names if not pa.types.is_list(kind.field(name).type)]
    held: list[pa.RecordBatch] = []
    n_written = 0
    with pq.ParquetWriter(
        unfinished,
        kind,
        compression="snappy",
        use_dictionary=[schema.LABEL],
        # Nobody searches by a feature's smallest value.
        write_statistics=searched,
    ) as writer:

        def flush() -> None:
            writer.write_table(pa.Table.from_batches(held, pa.schema(list(kind))))
            held.clear()

        def add(batch: pa.RecordBatch) -> None:
            nonlocal n_written
            held.append(batch)
            n_written += batch.num_rows
            if sum(rows.num_rows for rows in held) >= ROW_GROUP:
                flush()

        yield add
        if held:
            flush()
    if n_written:
        unfinished.rename(folder / f"part-{part:05d}.parquet")


def _write_extracted(
    batches: Iterable[pa.RecordBatch], *, folder: Path, settings: ExtractSettings, kind: pa.Schema
) -> Iterator[pa.RecordBatch]:
    n_written = 0
    with _part_file(folder, kind) as add:
        for batch in extract_partition(batches, settings=settings):
            good = pc.is_null(batch[schema.REASON_CODE])
            rows = batch.filter(good).select(FEATURE_COLUMNS)
            add(rows)
            n_written += rows.num_rows
            yield _to_status(batch.filter(pc.invert(good)))
    yield pa.RecordBatch.from_arrays(
        [pa.array([n_written]), *(pa.nulls(1, field.type) for field in schema.QUARANTINE)],
        names=["n_written", *schema.QUARANTINE.names],
    )


def _write_reduced(
    batches: Iterable[pa.RecordBatch], *, folder: Path, reduction: Reduction, kind: pa.Schema
) -> Iterator[pa.RecordBatch]:
    n_written = 0
    with _part_file(folder, kind) as add:
        for batch in reduce_partition(batches, reduction=reduction):
            add(batch)
            n_written += batch.num_rows
    yield pa.RecordBatch.from_arrays([pa.array([n_written])], names=["n_written"])


def _to_status(bad: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.nulls(bad.num_rows, pa.int64()), *(bad[name] for name in schema.QUARANTINE.names)],
        names=["n_written", *schema.QUARANTINE.names],
    )
