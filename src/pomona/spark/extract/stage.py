"""Extraction as a stage of a run: some listed pictures become files of a table."""

from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import SparkSession

from pomona import schema
from pomona.schema import OnProgress
from pomona.settings import ExtractSettings
from pomona.spark.extract.networks import SharedBackbone
from pomona.spark.extract.writing import write_features
from pomona.spark.progress import follow
from pomona.spark.session import count_cores
from pomona.storage.addresses import is_address
from pomona.storage.locations import Location
from pomona.storage.table import NewFile

__all__ = ["Extraction", "choose_tasks", "extract_pictures"]

# A task costs its worker about 30 ms beside its pictures; long tasks leave cores idle at the end
# and lose more when an executor dies.
TASK_PICTURES: Final = (32, 4096)
TASK_BYTES: Final = 256 << 20
TASKS_PER_CORE: Final = 16
# A bucket lets each task wait twice, for its first pictures and until its file is there.
BUCKET_TASKS_PER_CORE: Final = 8


@dataclass(frozen=True)
class Extraction:
    """What became of some pictures.

    Parameters
    ----------
    files : tuple of NewFile
        Rows with features; they do not count before they are committed.
    known : dict of str to str
        Path to the hash of its content, whose features are there already.
    bad : pyarrow.Table
        path, size, reason_code, reason of the others.
    """

    files: tuple[NewFile, ...]
    known: dict[str, str]
    bad: pa.Table


def extract_pictures(
    spark: SparkSession,
    pictures: pa.Table,
    folder: Location,
    *,
    prefix: str,
    settings: ExtractSettings,
    shared: SharedBackbone,
    on_progress: OnProgress | None = None,
) -> Extraction:
    """Extract the features of pictures to files of a folder.

    Parameters
    ----------
    spark : SparkSession
    pictures : pyarrow.Table
        Rows of :data:`pomona.schema.LISTING`, with ``known``.
    folder : Location
    prefix : str
        Begins the names of the files.
    settings : ExtractSettings
    shared : SharedBackbone
    on_progress : callable, optional
        Called with the number of pictures done, and of all of these.
    """
    n_tasks = choose_tasks(pictures, n_cores=count_cores(spark))
    images = spark.createDataFrame(pictures).repartition(n_tasks)
    with follow(
        spark, group="extract", n_images=len(pictures), n_tasks=n_tasks, on_progress=on_progress
    ):
        status = write_features(images, folder, prefix=prefix, settings=settings, shared=shared)
    files = status.filter(pc.is_valid(status["file"]))
    rest = status.filter(pc.is_null(status["file"]))
    is_bad = pc.is_valid(rest[schema.REASON_CODE])
    known = rest.filter(pc.invert(is_bad))
    return Extraction(
        files=tuple(
            NewFile(row["file"], row["n_bytes"], row["n_rows"]) for row in files.to_pylist()
        ),
        known=dict(
            zip(
                known[schema.PATH].to_pylist(),
                known[schema.CONTENT_SHA256].to_pylist(),
                strict=True,
            )
        ),
        bad=rest.filter(is_bad).select(
            [schema.PATH, schema.SIZE, schema.REASON_CODE, schema.REASON]
        ),
    )


def choose_tasks(pictures: pa.Table, *, n_cores: int) -> int:
    """Return into how many tasks to cut a listing, by pictures and by bytes."""
    n_images = max(len(pictures), 1)
    n_bytes = pc.sum(pictures[schema.SIZE]).as_py() or 0
    low, high = TASK_PICTURES
    remote = len(pictures) > 0 and is_address(pictures[schema.PATH][0].as_py())
    tasks_per_core = BUCKET_TASKS_PER_CORE if remote else TASKS_PER_CORE
    per_task = min(max(n_images // (n_cores * tasks_per_core), low), high)
    n_tasks = max(-(-n_images // per_task), -(-n_bytes // TASK_BYTES))
    # Whole waves: no core waits for the last one.
    return min(-(-n_tasks // n_cores) * n_cores, n_images)
