"""Parquet written by the Python workers themselves, one file per task."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import types as T
from pyspark.sql.pandas.types import from_arrow_schema

from pomona import schema
from pomona.storage.locations import Location

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
    folder: Location,
    status: pa.Schema,
) -> list[dict[str, Any]]:
    """Run a task that writes each partition to ``folder``; return the rows of ``status``.

    Vectors do not pass through the JVM: its Parquet writer takes half a millisecond for each, a
    tenth of the network's own time.
    """
    folder.make()
    nullable = [field.with_nullable(True) for field in status]
    rows_schema = from_arrow_schema(pa.schema([pa.field("n_written", pa.int64()), *nullable]))
    rows = [row.asDict() for row in table.mapInArrow(write, rows_schema).collect()]
    folder.delete_unfinished()
    return rows


@contextmanager
def part_file(folder: Location, columns: pa.Schema) -> Iterator[Callable[[pa.RecordBatch], None]]:
    """Open this task's file; it gets its name when the block ends well and rows were written.

    Until then it has a name of its own, so that a killed, repeated or doubled task never leaves
    half a file or two.
    """
    context = TaskContext.get()
    file_name = f"part-{context.partitionId() if context else 0:05d}.parquet"
    vectors = {field.name for field in columns if pa.types.is_list(field.type)}
    held: list[pa.RecordBatch] = []
    writer: pq.ParquetWriter | None = None
    with ExitStack() as stack:

        def flush() -> None:
            nonlocal writer
            if writer is None:
                file = stack.enter_context(folder.writer(file_name))
                writer = pq.ParquetWriter(
                    file,
                    columns,
                    compression="snappy",
                    use_dictionary=[schema.LABEL],
                    # Nobody searches by a feature's smallest value.
                    write_statistics=[name for name in columns.names if name not in vectors],
                )
                stack.enter_context(writer)
            writer.write_table(pa.Table.from_batches(held, pa.schema(list(columns))))
            held.clear()

        def add(batch: pa.RecordBatch) -> None:
            held.append(batch)
            if sum(rows.num_rows for rows in held) >= ROW_GROUP:
                flush()

        yield add
        if any(rows.num_rows for rows in held):
            flush()
