"""Extraction as a stage of a run, from a listing to a folder."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import SparkSession

from pomona import schema
from pomona.errors import PomonaError, QuarantineError
from pomona.pictures.listing import Listing
from pomona.schema import OnProgress
from pomona.settings import ExtractSettings, TableFormat
from pomona.spark.extract.networks import SharedBackbone
from pomona.spark.extract.writing import write_features
from pomona.spark.progress import follow
from pomona.spark.session import count_cores
from pomona.spark.tables import FEATURE_PREFIX, read_table, write_table
from pomona.storage.locations import LocalLocation, Location
from pomona.storage.store import FEATURES, QUARANTINE
from pomona.storage.tables import write_parquet

__all__ = ["Extraction", "choose_tasks", "extract_to_folder"]

# A task costs its worker about 30 ms beside its pictures; long tasks leave cores idle at the end
# and lose more when an executor dies.
TASK_PICTURES: Final = (32, 4096)
TASK_BYTES: Final = 256 << 20
TASKS_PER_CORE: Final = 16


@dataclass(frozen=True)
class Extraction:
    """What an extraction did.

    Parameters
    ----------
    n_found, n_extracted, n_quarantined : int
        Found is always the sum of the other two.
    label_counts, reason_counts : dict of str to int
        Extracted pictures per label, quarantined pictures per reason code.
    seconds : float
        Of the Spark job, without the start of Spark.
    """

    n_found: int
    n_extracted: int
    n_quarantined: int
    label_counts: dict[str, int]
    reason_counts: dict[str, int]
    seconds: float


def extract_to_folder(
    spark: SparkSession,
    listing: Listing,
    folder: LocalLocation,
    *,
    settings: ExtractSettings,
    shared: SharedBackbone,
    on_progress: OnProgress | None = None,
) -> Extraction:
    """Extract the features of ``listing`` to ``folder/features`` and ``folder/quarantine``.

    Raises
    ------
    QuarantineError
        If the share of unusable pictures is above ``settings.max_bad``; the quarantine table is
        written all the same.
    """
    started = time.perf_counter()
    n_tasks = choose_tasks(listing, n_cores=count_cores(spark))
    features = folder.at(FEATURES)
    images = spark.createDataFrame(listing.pictures).repartition(n_tasks)
    with follow(
        spark,
        group="extract",
        n_images=len(listing.pictures),
        n_tasks=n_tasks,
        on_progress=on_progress,
    ):
        n_extracted, rows = write_features(images, features, settings=settings, shared=shared)
        if settings.features_format != "parquet":
            _convert(spark, features, settings.features_format, shared.spec.n_features)
    quarantined = listing.quarantined.to_pylist() + rows
    _write_quarantine(quarantined, folder.at(QUARANTINE))
    result = Extraction(
        n_found=listing.n_images,
        n_extracted=n_extracted,
        n_quarantined=len(quarantined),
        label_counts=_count_labels(listing, quarantined),
        reason_counts=dict(Counter(row[schema.REASON_CODE] for row in quarantined)),
        seconds=time.perf_counter() - started,
    )
    _check(result, settings.max_bad)
    return result


def choose_tasks(listing: Listing, *, n_cores: int) -> int:
    """Return into how many tasks to cut a listing, by pictures and by bytes."""
    n_images = max(len(listing.pictures), 1)
    low, high = TASK_PICTURES
    per_task = min(max(n_images // (n_cores * TASKS_PER_CORE), low), high)
    n_tasks = max(-(-n_images // per_task), -(-listing.n_bytes // TASK_BYTES))
    # Whole waves: no core waits for the last one.
    return min(-(-n_tasks // n_cores) * n_cores, n_images)


def _convert(spark: SparkSession, features: LocalLocation, format: TableFormat, width: int) -> None:
    parquet = LocalLocation(features.path.with_name("features-parquet"))
    parquet.replace_by(features)
    vector: dict[str, Any] = {"vector": schema.FEATURES, "prefix": FEATURE_PREFIX, "width": width}
    table = read_table(spark, parquet, format="parquet", **vector)
    write_table(table, features, format=format, **vector)
    parquet.delete_all()


def _count_labels(listing: Listing, quarantined: Sequence[dict[str, Any]]) -> dict[str, int]:
    lost = {row[schema.PATH] for row in quarantined}
    columns = (listing.pictures[name].to_pylist() for name in (schema.PATH, schema.LABEL))
    counts = Counter(label for path, label in zip(*columns, strict=True) if path not in lost)
    return {label or "": n for label, n in sorted(counts.items(), key=lambda item: item[0] or "")}


def _write_quarantine(rows: Sequence[dict[str, Any]], folder: Location) -> None:
    ordered = sorted(rows, key=lambda row: row[schema.PATH])
    table = pa.Table.from_pylist(ordered, schema=schema.QUARANTINE)
    write_parquet(folder, "part-00000.parquet", table)


def _check(result: Extraction, max_bad: float) -> None:
    if result.n_found != result.n_extracted + result.n_quarantined:
        raise PomonaError(
            f"Found '{result.n_found}' pictures, but {result.n_extracted} were extracted and "
            f"{result.n_quarantined} quarantined. None may be lost. Please report this as a bug."
        )
    share = result.n_quarantined / result.n_found
    if share > max_bad:
        reasons = ", ".join(f"{n} {code}" for code, n in sorted(result.reason_counts.items()))
        raise QuarantineError(
            f"{result.n_quarantined} of {result.n_found} pictures ({share:.1%}) cannot be used: "
            f"{reasons}. The limit is --max-bad {max_bad:g}. Look at the quarantine table, then "
            "mend the pictures or allow more."
        )
