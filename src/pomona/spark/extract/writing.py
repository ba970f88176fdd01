"""Features written by the workers that made them."""

from collections.abc import Iterable, Iterator
from copy import copy
from functools import partial
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from pomona import schema
from pomona.settings import ExtractSettings
from pomona.spark.extract.images import (
    EXTRACTED_SCHEMA,
    extract_partition,
    select_images,
    vector_metadata,
)
from pomona.spark.extract.networks import SharedBackbone
from pomona.spark.parts import arrow_schema, part_file, write_parts
from pomona.storage.locations import Location

__all__ = ["write_features"]

FEATURE_COLUMNS: Final = [
    schema.PATH,
    schema.LABEL,
    schema.WIDTH,
    schema.HEIGHT,
    schema.CONTENT_SHA256,
    schema.FEATURES,
]


def write_features(
    images_df: DataFrame, folder: Location, *, settings: ExtractSettings, shared: SharedBackbone
) -> tuple[int, list[dict[str, Any]]]:
    """Extract features and write them as Parquet, straight from the Python workers.

    Parameters
    ----------
    images_df : DataFrame
        As for :func:`pomona.spark.extract.images.extract_images`.
    folder : Location
        New, and one that every worker can write to.
    settings : ExtractSettings
    shared : SharedBackbone

    Returns
    -------
    n_extracted : int
    quarantined : list of dict
        Rows of :data:`pomona.schema.QUARANTINE`.
    """
    fields = {name: copy(EXTRACTED_SCHEMA[name]) for name in FEATURE_COLUMNS}
    fields[schema.FEATURES].metadata = vector_metadata(shared.spec)
    columns = arrow_schema(
        [schema.EXTRACTED.field(name) for name in FEATURE_COLUMNS], list(fields.values())
    )
    write = partial(
        _write_extracted, folder=folder, settings=settings, shared=shared, columns=columns
    )
    rows = write_parts(select_images(images_df), write, folder, schema.QUARANTINE)
    quarantined = [row for row in rows if row[schema.REASON_CODE] is not None]
    return sum(row.pop("n_written") or 0 for row in rows), quarantined


def _write_extracted(
    batches: Iterable[pa.RecordBatch],
    *,
    folder: Location,
    settings: ExtractSettings,
    shared: SharedBackbone,
    columns: pa.Schema,
) -> Iterator[pa.RecordBatch]:
    n_written = 0
    with part_file(folder, columns) as add:
        for batch in extract_partition(batches, settings=settings, shared=shared):
            good = pc.is_null(batch[schema.REASON_CODE])
            rows = batch.filter(good).select(FEATURE_COLUMNS)
            add(rows)
            n_written += rows.num_rows
            yield _to_status(batch.filter(pc.invert(good)))
    yield pa.RecordBatch.from_arrays(
        [pa.array([n_written]), *(pa.nulls(1, field.type) for field in schema.QUARANTINE)],
        names=["n_written", *schema.QUARANTINE.names],
    )


def _to_status(bad: pa.RecordBatch) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [pa.nulls(bad.num_rows, pa.int64()), *(bad[name] for name in schema.QUARANTINE.names)],
        names=["n_written", *schema.QUARANTINE.names],
    )
