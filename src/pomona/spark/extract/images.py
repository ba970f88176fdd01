"""The one Python stage from paths (or bytes) to feature vectors."""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from functools import partial
from typing import Final

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from pomona import schema
from pomona.backbones import Backbone, BackboneSpec, resolve_backbone
from pomona.errors import ImageError, SettingsError
from pomona.features.batch import (
    Outcome,
    Picture,
    Prepare,
    extract_batch,
    prepare_picture,
    prepare_pixels,
)
from pomona.features.isolation import IsolatedPrepare
from pomona.pictures.fetch import fetch_bytes
from pomona.settings import ExtractSettings
from pomona.spark.extract.networks import (
    SharedBackbone,
    choose_engine,
    open_shared,
    share_backbone,
)
from pomona.spark.extract.workers import settle_worker
from pomona.spark.vectors import to_spark_schema
from pomona.storage.addresses import is_address

__all__ = [
    "EXTRACTED_SCHEMA",
    "extract_images",
    "extract_partition",
    "select_images",
    "vector_metadata",
]

# Bytes and pixels of this many pictures are held at once, and the bytes of as many to come.
BATCH_PICTURES: Final = 32
BATCH_BYTES: Final = 32 << 20

# What a row may say beside its path. With ``known`` no content is fetched a second time.
COLUMNS: Final = {
    schema.LABEL: "string",
    schema.SIZE: "long",
    schema.ETAG: "string",
    schema.MTIME: "timestamp",
    schema.KNOWN: "array<string>",
    schema.CONTENT: "binary",
}
# Objects of a bucket that one worker fetches at the same time: latency rules there.
FETCHES: Final = 16

EXTRACTED_SCHEMA: Final = to_spark_schema(schema.EXTRACTED)


def extract_images(images_df: DataFrame, *, settings: ExtractSettings | None = None) -> DataFrame:
    """Turn a DataFrame of pictures into one of feature vectors.

    Parameters
    ----------
    images_df : DataFrame
        Column ``path`` (of a file, or the address of an object); optional ``label``, ``size`` and
        ``content`` (the bytes: with it, nothing is read from ``path``). With ``etag`` (of an
        object), or with ``mtime`` and ``size`` (of a file), what was written to since is refused.
        What ``spark.read.format("binaryFile")`` gives fits.
    settings : ExtractSettings, optional

    Returns
    -------
    DataFrame
        One row per picture: path, label, width, height, content_sha256, features, size, etag,
        mtime, reason_code, reason. Where ``reason_code`` is null, ``features`` is not, and vice
        versa.

    Raises
    ------
    SettingsError
        If there is no column ``path``, or the backbone or engine is unknown.
    """
    settings = settings or ExtractSettings()
    # Before anything goes to Spark, so that a wrong table gets its own error.
    images = select_images(images_df)
    spark = images_df.sparkSession
    engine = choose_engine(spark, settings.engine)
    shared = share_backbone(spark, resolve_backbone(settings), engine=engine)
    extract = partial(extract_partition, settings=settings, shared=shared)
    return images.mapInArrow(extract, EXTRACTED_SCHEMA).withMetadata(
        schema.FEATURES, vector_metadata(shared.spec)
    )


def vector_metadata(spec: BackboneSpec) -> dict[str, object]:
    """Return what the schema says of the features, readable without opening a row."""
    return {
        "dimension": spec.n_features,
        "backbone": spec.name,
        "pooling": spec.pooling,
        "fingerprint": spec.fingerprint(),
    }


def select_images(images_df: DataFrame) -> DataFrame:
    """Return the columns the fused stage reads; those that are missing as nulls."""
    if schema.PATH not in images_df.columns:
        raise SettingsError(
            f"The DataFrame has the columns {images_df.columns}. A column 'path' is needed to "
            "name each picture. Rename yours with withColumnRenamed."
        )
    columns = [
        F.col(name) if name in images_df.columns else F.lit(None).cast(spark_type).alias(name)
        for name, spark_type in COLUMNS.items()
    ]
    return images_df.select(schema.PATH, *columns)


def extract_partition(
    batches: Iterable[pa.RecordBatch], *, settings: ExtractSettings, shared: SharedBackbone
) -> Iterator[pa.RecordBatch]:
    """Turn one partition of pictures into rows of :data:`pomona.schema.EXTRACTED`."""
    context = TaskContext.get()
    cpus = int(context.cpus()) if context else 1
    backbone = open_shared(shared, context)
    if context:
        settle_worker()
    prepare: Prepare = partial(prepare_pixels, spec=backbone.spec, limits=settings.limits)
    if context and context.attemptNumber() > 0:
        # Something killed this task before. If a picture did it, only its own decoder dies now.
        with IsolatedPrepare(spec=backbone.spec, limits=settings.limits) as isolated:
            yield from _extract_groups(batches, backbone, isolated)
    elif shared.on_gpu:
        yield from _extract_ahead(batches, backbone, prepare, n_threads=cpus)
    else:
        yield from _extract_groups(batches, backbone, prepare)


def _extract_ahead(
    batches: Iterable[pa.RecordBatch], backbone: Backbone, prepare: Prepare, *, n_threads: int
) -> Iterator[pa.RecordBatch]:
    """Decode the next group on all processor threads while the GPU works on this one."""
    with ThreadPoolExecutor(n_threads) as pool, ThreadPoolExecutor(1) as leader:

        def make_ready(group: Sequence[dict[str, object]]) -> tuple[list[Picture], list[Outcome]]:
            pictures = list(pool.map(_fetch_row, group))
            return pictures, list(pool.map(partial(prepare_picture, prepare=prepare), pictures))

        coming: Future[tuple[list[Picture], list[Outcome]]] | None = None
        for group in _groups(batches):
            ready, coming = coming, leader.submit(make_ready, group)
            if ready is not None:
                yield _finish(ready, backbone, prepare)
        if coming is not None:
            yield _finish(coming, backbone, prepare)


def _finish(
    ready: "Future[tuple[list[Picture], list[Outcome]]]", backbone: Backbone, prepare: Prepare
) -> pa.RecordBatch:
    pictures, outcomes = ready.result()
    return extract_batch(pictures, backbone=backbone, prepare=prepare, outcomes=outcomes)


def _extract_groups(
    batches: Iterable[pa.RecordBatch], backbone: Backbone, prepare: Prepare
) -> Iterator[pa.RecordBatch]:
    extract = partial(extract_batch, backbone=backbone, prepare=prepare)
    with ThreadPoolExecutor(1) as leader, ThreadPoolExecutor(FETCHES) as pool:

        def fetch(group: Sequence[dict[str, object]]) -> list[Picture]:
            # Threads would only stand in each other's way at a disk.
            remote = any(is_address(str(row[schema.PATH])) for row in group)
            return list(pool.map(_fetch_row, group) if remote else map(_fetch_row, group))

        coming: Future[list[Picture]] | None = None
        for group in _groups(batches):
            ready, coming = coming, leader.submit(fetch, group)
            if ready is not None:
                yield extract(ready.result())
        if coming is not None:
            yield extract(coming.result())


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[list[dict[str, object]]]:
    """Cut the listing into groups bounded in pictures and in bytes."""
    group: list[dict[str, object]] = []
    n_bytes = 0
    # Nothing is done while the first ones are awaited: of a bucket they come at the same time.
    most = FETCHES
    for batch in batches:
        for row in batch.to_pylist():
            size = row[schema.SIZE] or 0
            if group and (len(group) >= most or n_bytes + size > BATCH_BYTES):
                yield group
                group, n_bytes, most = [], 0, BATCH_PICTURES
            group.append(row)
            n_bytes += size
    if group:
        yield group


def _fetch_row(row: dict[str, object]) -> Picture:
    return _fetch_picture(**row)  # type: ignore[arg-type]


def _fetch_picture(
    path: str,
    label: str | None,
    size: int | None,
    etag: str | None = None,
    mtime: datetime | None = None,
    known: Sequence[str] | None = None,
    content: bytes | None = None,
) -> Picture:
    found: bytes | ImageError
    try:
        found = (
            content if content is not None else fetch_bytes(path, etag=etag, size=size, mtime=mtime)
        )
    except ImageError as error:
        found = error
    return Picture(path, label, size, found, etag, mtime, known or ())
