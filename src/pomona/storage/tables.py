"""Tables that other programs read too: read here file by file, on a disk or in a bucket."""

import io
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from typing import BinaryIO, Final, TypeVar

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.json as pa_json
import pyarrow.parquet as pq

from pomona import schema
from pomona.storage.locations import LocalLocation, Location

__all__ = ["map_files", "open_whole", "read_batches"]

T = TypeVar("T")

BATCH_ROWS: Final = 1024
# Files of a bucket that are worked on at the same time: while one is awaited, another is computed.
FILES: Final = 4


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
    if format == "parquet" and not isinstance(folder, LocalLocation):
        # A request takes long, and several take no longer.
        for rows in map_files(partial(_read_file, folder, columns=columns), folder, sorted(names)):
            yield from rows.to_batches(BATCH_ROWS)
        return
    for name in sorted(names):
        with folder.open(name) as file:
            if format == "parquet":
                with pq.ParquetFile(file) as parquet:
                    yield from parquet.iter_batches(BATCH_ROWS, columns=_there(parquet, columns))
            elif format == "csv":
                yield from pa_csv.open_csv(file)
            else:
                yield from pa_json.read_json(file).to_batches(BATCH_ROWS)


def _read_file(folder: Location, name: str, *, columns: Sequence[str] | None) -> pa.Table:
    vectors = columns is None or {schema.FEATURES, schema.PCA} & set(columns)
    with (
        open_whole(folder, name) if vectors else folder.open(name) as file,
        pq.ParquetFile(file) as parquet,
    ):
        return parquet.read(columns=_there(parquet, columns))


def _there(parquet: pq.ParquetFile, columns: Sequence[str] | None) -> list[str] | None:
    if columns is None:
        return None
    names = set(parquet.schema_arrow.names)
    return [name for name in columns if name in names]


def open_whole(folder: Location, name: str) -> AbstractContextManager[BinaryIO]:
    """Open a file of which all is needed: from a bucket it comes in one request."""
    if isinstance(folder, LocalLocation):
        return folder.open(name)
    return io.BytesIO(folder.get(name))


def map_files(work: Callable[[str], T], folder: Location, names: Iterable[str]) -> Iterator[T]:
    """Yield what is made of each file, in the order of the names; several at a time in a bucket."""
    if isinstance(folder, LocalLocation):
        yield from map(work, names)
        return
    with ThreadPoolExecutor(FILES) as pool:
        # Not all at once: what is made of them would pile up.
        coming: deque[Future[T]] = deque()
        for name in names:
            coming.append(pool.submit(work, name))
            if len(coming) > FILES:
                yield coming.popleft().result()
        while coming:
            yield coming.popleft().result()
