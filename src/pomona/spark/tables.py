"""Write tables to the output folder as CSV or JSON, and read tables of any format."""

import re
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Final

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import types as T

from pomona import schema
from pomona.settings import TableFormat
from pomona.spark.vectors import to_matrix
from pomona.storage.locations import Location

__all__ = ["FEATURE_PREFIX", "read_features", "read_table", "write_table"]

# CSV has a column for each number: feat_0, feat_1, ...
FEATURE_PREFIX: Final = "feat_"


def write_table(
    table: DataFrame,
    folder: Location,
    *,
    format: TableFormat,
    vector: str,
    prefix: str,
    width: int,
) -> None:
    """Write a table with one column of vectors as text; Parquet is written by the workers.

    Parameters
    ----------
    table : DataFrame
    folder : Location
        Must not exist.
    format : {"csv", "json"}
        JSON keeps the vector as an array; CSV has one column per element.
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
    else:
        table.write.option("ignoreNullFields", False).json(_uri(folder))


def read_table(
    spark: SparkSession,
    folder: Location,
    *,
    format: TableFormat,
    vector: str,
    prefix: str,
    width: int,
) -> DataFrame:
    """Read features or reduced vectors, whatever their format, as arrays."""
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


def read_features(
    spark: SparkSession, folder: Location, *, format: TableFormat, n_features: int
) -> DataFrame:
    """Read what an extraction wrote, whatever its format."""
    return read_table(
        spark,
        folder,
        format=format,
        vector=schema.FEATURES,
        prefix=FEATURE_PREFIX,
        width=n_features,
    )


def _uri(folder: Location) -> str:
    # Not Path.as_uri(): Hadoop takes the text after the scheme as it is, '%' and '#' included.
    return f"file://{folder.local_file('').resolve()}"


def _pattern(folder: Location) -> str:
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
