"""Parquet written by the Python workers themselves, one file per task."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from pomona import schema

__all__ = ["arrow_schema", "part_file", "write_parts"]

# Rows of 5 kB held until they are written together.
ROW_GROUP: Final = 1024


def arrow_schema(fields: list[pa.Field], spark_fields: list[T.StructField]) -> pa.Schema:
    # Under this key Spark finds its own types again.
    metadata = {"org.apache.spark.sql.parquet.row.metadata": T.StructType(spark_fields).json()}
    return pa.schema(fields, metadata=metadata)


def write_parts(
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
def part_file(folder: Path, kind: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], None]]:
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
