"""Tables that other programs read too: read here file by file, on a disk or in a bucket."""

from collections.abc import Iterator, Sequence
from typing import Final

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from pomona.storage.locations import Location

__all__ = ["read_batches"]

BATCH_ROWS: Final = 1024


def read_batches(
    folder: Location,
    *,
    format: str = "parquet",
    names: Sequence[str] | None = None,
    columns: Sequence[str] | None = None,
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a folder's files, few at a time.

    Parameters
    ----------
    folder : Location
    format : {"parquet", "csv", "json"}
    names : sequence of str, optional
        Of the files; all of the format if not given.
    columns : sequence of str, optional
        Those to read, where a file has them.
    """
    if names is None:
        names = [name for name in folder.list() if name.endswith(f".{format}")]
    for name in sorted(names):
        with folder.open(name) as file:
            if format == "parquet":
                with pq.ParquetFile(file) as parquet:
                    yield from parquet.iter_batches(BATCH_ROWS, columns=_there(parquet, columns))
            elif format == "csv":
                yield from pa_csv.open_csv(file)
            else:
                yield from pa_json.read_json(file).to_batches(BATCH_ROWS)


def _there(parquet: pq.ParquetFile, columns: Sequence[str] | None) -> list[str] | None:
    if columns is None:
        return None
    names = set(parquet.schema_arrow.names)
    return [name for name in columns if name in names]
