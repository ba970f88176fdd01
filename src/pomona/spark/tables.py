"""Tables of a store as DataFrames, read by the Python workers: the JVM never opens a file."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import DataFrame, SparkSession

from pomona import schema
from pomona.spark.session import count_cores
from pomona.spark.vectors import to_spark_schema
from pomona.storage.locations import Location
from pomona.storage.tables import open_whole

__all__ = ["range_of", "read_features"]

BATCH_ROWS: Final = 512
PARTS_PER_CORE: Final = 4
COLUMNS: Final = pa.schema(
    [
        schema.STORED_FEATURES.field(name)
        for name in (schema.PATH, schema.LABEL, schema.CONTENT_SHA256, schema.FEATURES)
    ]
)


def range_of(spark: SparkSession, n: int) -> DataFrame:
    """Return the numbers below ``n``, a few in each partition, the same ones every time."""
    return spark.range(0, n, 1, min(n, count_cores(spark) * PARTS_PER_CORE) or 1)


def read_features(spark: SparkSession, folder: Location, names: Sequence[str]) -> DataFrame:
    """Return path, label, content_sha256 and features of the named files of a table.

    Parameters
    ----------
    spark : SparkSession
    folder : Location
        One that every worker can read.
    names : sequence of str
        Of Parquet files.
    """
    read = partial(_read, folder=folder, names=sorted(names))
    return range_of(spark, len(names)).mapInArrow(read, to_spark_schema(COLUMNS))


def _read(
    batches: Iterable[pa.RecordBatch], *, folder: Location, names: Sequence[str]
) -> Iterator[pa.RecordBatch]:
    for number in (row for batch in batches for row in batch["id"].to_pylist()):
        with open_whole(folder, names[number]) as file, pq.ParquetFile(file) as parquet:
            for rows in parquet.iter_batches(BATCH_ROWS, columns=COLUMNS.names):
                arrays = [rows[field.name].cast(field.type) for field in COLUMNS]
                yield pa.RecordBatch.from_arrays(arrays, schema=COLUMNS)
