"""Tables of results, read and written without Spark."""

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from pomona.storage.locations import Location

__all__ = ["open_table", "write_parquet"]


def open_table(
    folder: Location, *, format: str = "parquet", schema: pa.Schema | None = None
) -> ds.Dataset:
    """Return all files of a folder as one table, not read yet."""
    return ds.dataset(folder.local_file(""), format=format, schema=schema)


def write_parquet(folder: Location, name: str, table: pa.Table) -> None:
    """Write a small table as one file."""
    with folder.writer(name) as file:
        pq.write_table(table, file)
