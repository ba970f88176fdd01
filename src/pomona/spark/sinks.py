"""Write tables to the output folder as Parquet, CSV or JSON."""

import re
from collections.abc import Iterable, Iterator
from copy import copy
from functools import partial
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from pomona import schema
from pomona.backbones import find_backbone
from pomona.config import ExtractSettings, TableFormat
from pomona.spark.transforms import (
    EXTRACTED_SCHEMA,
    extract_partition,
    select_images,
    to_matrix,
    vector_metadata,
)

__all__ = ["read_table", "write_features", "write_table"]

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

    Vectors do not pass through the JVM: its Parquet writer takes half a millisecond for each, a
    tenth of the network's own time. A task writes under a name of its own and renames at its end,
    so that a killed, repeated or doubled task never leaves half a file or two.

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
    folder.mkdir(parents=True)
    images = select_images(images_df)
    fields = {name: copy(EXTRACTED_SCHEMA[name]) for name in FEATURE_COLUMNS}
    fields[schema.FEATURES].metadata = vector_metadata(find_backbone(settings.backbone))
    spark_schema = T.StructType(list(fields.values())).json()
    write = partial(_write_partition, folder=folder, settings=settings, spark_schema=spark_schema)
    rows = images.mapInArrow(
        write, "n_extracted long, path string, size long, reason_code string, reason string"
    ).collect()
    for left in folder.glob(".*.tmp"):
        left.unlink()
    quarantined = [row.asDict() for row in rows if row[schema.REASON_CODE] is not None]
    for row in quarantined:
        del row["n_extracted"]
    return sum(row["n_extracted"] or 0 for row in rows), quarantined


def _write_partition(
    batches: Iterable[pa.RecordBatch], *, folder: Path, settings: ExtractSettings, spark_schema: str
) -> Iterator[pa.RecordBatch]:
    context = TaskContext.get()
    part, attempt = (context.partitionId(), context.taskAttemptId()) if context else (0, 0)
    unfinished = folder / f".part-{part:05d}-{attempt}.tmp"
    fields = [schema.EXTRACTED.field(name) for name in FEATURE_COLUMNS]
    # Under this key Spark finds its own types again.
    metadata = {"org.apache.spark.sql.parquet.row.metadata": spark_schema}
    n_extracted = 0
    with pq.ParquetWriter(
        unfinished,
        pa.schema(fields, metadata=metadata),
        compression="snappy",
        use_dictionary=[schema.LABEL],
        # Nobody searches by a feature's smallest value.
        write_statistics=[schema.PATH, schema.LABEL, schema.CONTENT_SHA256],
    ) as writer:
        held: list[pa.RecordBatch] = []
        for batch in extract_partition(batches, settings=settings):
            good = pc.is_null(batch[schema.REASON_CODE])
            held.append(batch.filter(good).select(FEATURE_COLUMNS))
            n_extracted += held[-1].num_rows
            if sum(rows.num_rows for rows in held) >= ROW_GROUP:
                writer.write_table(pa.Table.from_batches(held, pa.schema(fields)))
                held = []
            yield _to_status(batch.filter(pc.invert(good)))
        if held:
            writer.write_table(pa.Table.from_batches(held, pa.schema(fields)))
    if n_extracted:
        unfinished.rename(folder / f"part-{part:05d}.parquet")
    yield pa.RecordBatch.from_arrays(
        [pa.array([n_extracted]), *(pa.nulls(1, field.type) for field in schema.QUARANTINE)],
        names=["n_extracted", *schema.QUARANTINE.names],
    )


def _to_status(bad: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.nulls(bad.num_rows, pa.int64()), *(bad[name] for name in schema.QUARANTINE.names)],
        names=["n_extracted", *schema.QUARANTINE.names],
    )


def write_table(
    table: DataFrame, folder: Path, *, format: TableFormat, vector: str, prefix: str, width: int
) -> None:
    """Write a table with one column of vectors.

    Parameters
    ----------
    table : DataFrame
    folder : Path
        Must not exist.
    format : {"parquet", "csv", "json"}
        Parquet and JSON keep the vector as an array; CSV has one column per element.
    vector : str
        Name of the column of vectors.
    prefix : str
        CSV columns are called ``prefix0``, ``prefix1``, ...
    width : int
        Length of the vectors.
    """
    if format == "csv":
        # RFC 4180: a quote inside a field is doubled; Spark's own default is a backslash.
        flat = _spread(table, vector, prefix, width)
        flat.write.option("header", True).option("escape", '"').csv(_uri(folder))
    elif format == "json":
        table.write.option("ignoreNullFields", False).json(_uri(folder))
    else:
        table.write.parquet(_uri(folder))


def read_table(
    spark: SparkSession, folder: Path, *, format: TableFormat, vector: str, prefix: str, width: int
) -> DataFrame:
    """Read what :func:`write_table` wrote, the vectors as arrays again."""
    if format == "parquet":
        return spark.read.parquet(_pattern(folder))
    keys = [T.StructField(schema.PATH, T.StringType()), T.StructField(schema.LABEL, T.StringType())]
    if format == "json":
        array = T.StructField(vector, T.ArrayType(T.FloatType()))
        return spark.read.schema(T.StructType([*keys, array])).json(_pattern(folder))
    # The header says what stands between the keys and the vector.
    reader = spark.read.option("header", True).option("escape", '"')
    names = reader.csv(_pattern(folder)).columns
    numbers = {f"{prefix}{i}" for i in range(width)}
    fields = [
        T.StructField(name, T.FloatType() if name in numbers else T.StringType()) for name in names
    ]
    gather = partial(_gather_partition, vector=vector, prefix=prefix, width=width)
    result = T.StructType([*keys, T.StructField(vector, T.ArrayType(T.FloatType(), False))])
    return reader.schema(T.StructType(fields)).csv(_pattern(folder)).mapInArrow(gather, result)


def _uri(folder: Path) -> str:
    # Not Path.as_uri(): Hadoop takes the text after the scheme as it is, '%' and '#' included.
    return f"file://{folder.resolve()}"


def _pattern(folder: Path) -> str:
    # What is read is a pattern to Spark; these would match other folders, or none.
    return re.sub(r"([\\*?\[\]{}])", r"\\\1", _uri(folder))


def _spread(table: DataFrame, vector: str, prefix: str, width: int) -> DataFrame:
    others = [field for field in table.schema.fields if field.name != vector]
    numbers = [T.StructField(f"{prefix}{i}", T.FloatType()) for i in range(width)]
    spread = partial(_spread_partition, vector=vector, prefix=prefix)
    return table.mapInArrow(spread, T.StructType([*others, *numbers]))


def _spread_partition(
    batches: Iterable[pa.RecordBatch], *, vector: str, prefix: str
) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        matrix = to_matrix(batch[vector]).T
        others = [name for name in batch.schema.names if name != vector]
        yield pa.RecordBatch.from_arrays(
            [*(batch[name] for name in others), *(pa.array(column) for column in matrix)],
            names=[*others, *(f"{prefix}{i}" for i in range(len(matrix)))],
        )


def _gather_partition(
    batches: Iterable[pa.RecordBatch], *, vector: str, prefix: str, width: int
) -> Iterator[pa.RecordBatch]:
    import numpy as np

    for batch in batches:
        columns = [batch[f"{prefix}{i}"].to_numpy(zero_copy_only=False) for i in range(width)]
        matrix = np.stack(columns, axis=1).astype(np.float32)
        offsets = np.arange(len(matrix) + 1, dtype=np.int32) * width
        vectors = pa.ListArray.from_arrays(pa.array(offsets), pa.array(matrix.ravel()))
        yield pa.RecordBatch.from_arrays(
            [batch[schema.PATH], batch[schema.LABEL], vectors],
            names=[schema.PATH, schema.LABEL, vector],
        )
