"""Features written by the workers that made them."""

import secrets
from collections.abc import Iterable, Iterator
from copy import copy
from functools import partial
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import from_arrow_schema

from pomona import schema
from pomona.settings import ExtractSettings
from pomona.spark.extract.images import extract_partition, select_images, vector_metadata
from pomona.spark.extract.networks import SharedBackbone
from pomona.spark.parts import arrow_schema, part_file
from pomona.spark.vectors import to_spark_schema
from pomona.storage.locations import Location
from pomona.storage.state import new_ids

__all__ = ["STATUS", "write_features"]

# What a task tells the driver: a picture that has no new row, or the file of those that have.
STATUS: Final = pa.schema(
    [
        pa.field("file", pa.string()),
        pa.field("n_rows", pa.int64()),
        pa.field("n_bytes", pa.int64()),
        pa.field(schema.PATH, pa.string()),
        pa.field(schema.SIZE, pa.int64()),
        pa.field(schema.CONTENT_SHA256, pa.string()),
        pa.field(schema.REASON_CODE, pa.string()),
        pa.field(schema.REASON, pa.string()),
    ]
)


def write_features(
    images_df: DataFrame,
    folder: Location,
    *,
    prefix: str,
    settings: ExtractSettings,
    shared: SharedBackbone,
) -> pa.Table:
    """Extract features and write them as Parquet, straight from the Python workers.

    Vectors do not pass through the JVM: its Parquet writer takes half a millisecond for each, a
    tenth of the network's own time.

    Parameters
    ----------
    images_df : DataFrame
        As for :func:`pomona.spark.extract.images.extract_images`.
    folder : Location
        One that every worker can write to.
    prefix : str
        Begins the names of the files.
    settings : ExtractSettings
    shared : SharedBackbone

    Returns
    -------
    pyarrow.Table
        Rows of :data:`STATUS`.
    """
    fields = {field.name: copy(field) for field in to_spark_schema(schema.STORED_FEATURES)}
    fields[schema.FEATURES].metadata = vector_metadata(shared.spec)
    columns = arrow_schema(list(schema.STORED_FEATURES), list(fields.values()))
    write = partial(
        _write_extracted,
        folder=folder,
        prefix=prefix,
        settings=settings,
        shared=shared,
        columns=columns,
    )
    rows = select_images(images_df).mapInArrow(write, from_arrow_schema(STATUS)).toArrow()
    return pa.table(rows).cast(STATUS)


def _write_extracted(
    batches: Iterable[pa.RecordBatch],
    *,
    folder: Location,
    prefix: str,
    settings: ExtractSettings,
    shared: SharedBackbone,
    columns: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    fingerprint = shared.spec.fingerprint()
    context = TaskContext.get()
    # A repeated or doubled task writes a file of its own; only the one whose status arrives counts.
    number = context.partitionId() if context else 0
    name = f"{prefix}-{number:05d}-{secrets.token_hex(4)}.parquet"
    with part_file(folder, name, columns) as part:
        for batch in extract_partition(batches, settings=settings, shared=shared):
            good = pc.is_valid(batch[schema.FEATURES])
            part.add(_to_stored(batch.filter(good), fingerprint))
            yield schema.fit_columns(batch.filter(pc.invert(good)), STATUS)
    if part.written is not None:
        written = part.written
        row = {"file": written.name, "n_rows": written.n_rows, "n_bytes": written.size}
        yield pa.RecordBatch.from_pylist([row], schema=STATUS)


def _to_stored(good: pa.RecordBatch, fingerprint: str) -> pa.RecordBatch:
    n = good.num_rows
    made = {
        schema.PICTURE_ID: new_ids(n),
        schema.FINGERPRINT: pa.array([fingerprint] * n, pa.string()),
    }
    arrays = [made[name] if name in made else good[name] for name in schema.STORED_FEATURES.names]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.STORED_FEATURES)
