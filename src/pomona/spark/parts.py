"""Parquet written by the Python workers themselves."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.sql import types as T

from pomona.storage.locations import Location
from pomona.storage.table import NewFile, open_writer

__all__ = ["PartFile", "arrow_schema", "part_file"]

# Rows of 5 kB held until they are written together.
ROW_GROUP: Final = 1024


def arrow_schema(fields: list[pa.Field], spark_fields: list[T.StructField]) -> pa.Schema:
    # Under this key Spark finds its own types again.
    metadata = {"org.apache.spark.sql.parquet.row.metadata": T.StructType(spark_fields).json()}
    return pa.schema(fields, metadata=metadata)


class PartFile:
    """A file that is being written, opened at its first rows."""

    def __init__(self, folder: Location, name: str, columns: pa.Schema, stack: ExitStack) -> None:
        self._folder, self._name, self._columns, self._stack = folder, name, columns, stack
        self._held: list[pa.RecordBatch] = []
        self._writer: pq.ParquetWriter | None = None
        self._file: Any = None
        self.n_rows = 0
        self.written: NewFile | None = None

    def add(self, batch: pa.RecordBatch) -> None:
        """Write some rows, sooner or later."""
        self._held.append(batch)
        self.n_rows += batch.num_rows
        if sum(rows.num_rows for rows in self._held) >= ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._writer is None:
            self._file = self._stack.enter_context(self._folder.writer(self._name))
            self._writer = open_writer(self._file, self._columns)
        self._writer.write_table(pa.Table.from_batches(self._held, pa.schema(list(self._columns))))
        self._held.clear()

    def finish(self) -> None:
        """Write the rest; ``written`` tells of the file, if there were rows."""
        if any(rows.num_rows for rows in self._held):
            self._flush()
        if self._writer is not None:
            self._writer.close()
            self.written = NewFile(self._name, self._file.tell(), self.n_rows)


@contextmanager
def part_file(folder: Location, name: str, columns: pa.Schema) -> Iterator[PartFile]:
    """Open a file of a task; it gets its name when the block ends well and rows were written.

    Until then it has another one, so that a killed task never leaves half a file.
    """
    with ExitStack() as stack:
        part = PartFile(folder, name, columns, stack)
        yield part
        part.finish()
