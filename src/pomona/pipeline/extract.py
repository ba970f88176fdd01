"""``extract``: pictures become feature vectors."""

import hashlib
import logging
import platform
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pomona.errors import QuarantineError
from pomona.pictures.listing import Listing
from pomona.pipeline.clock import seconds_since
from pomona.pipeline.plan import Plan, plan_extract
from pomona.schema import OnProgress
from pomona.settings import ExtractSettings, SourceSettings, SparkSettings
from pomona.storage.locations import LocalLocation
from pomona.storage.records import RUN_FORMAT, RunRecord, SettingsRecord, SparkRecord, replace
from pomona.storage.store import FEATURES, PARTS, publish, staging
from pomona.storage.versions import find_versions

if TYPE_CHECKING:
    from pomona.spark.session import SparkSession

__all__ = ["extract", "extract_stage"]

VERSIONED: Final = (
    "pomona",
    "pyspark",
    "openvino",
    "onnxruntime",
    "numpy",
    "scipy",
    "pillow",
    "pyarrow",
)

logger = logging.getLogger(__name__)


def extract(
    source: SourceSettings,
    out: Path,
    *,
    extract_settings: ExtractSettings | None = None,
    spark_settings: SparkSettings | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Turn the pictures of a folder into feature vectors in ``out/features``.

    Parameters
    ----------
    source : SourceSettings
    out : Path
    extract_settings : ExtractSettings, optional
    spark_settings : SparkSettings, optional
    overwrite : bool
        Whether an earlier result in ``out`` may be replaced.
    on_progress : callable, optional
        Called with the number of pictures done and found.

    Returns
    -------
    RunRecord
        What ``run.json`` holds.

    Raises
    ------
    SettingsError
        If source, output folder or a setting cannot be used.
    SetupError
        If Java, Spark, weights or an engine is missing.
    QuarantineError
        If more pictures than ``max_bad`` cannot be used; ``out/quarantine`` says which and why.
    """
    from pomona.spark.session import start_spark

    started = time.perf_counter()
    plan = plan_extract(
        source,
        out,
        extract_settings=extract_settings,
        spark_settings=spark_settings,
        overwrite=overwrite,
    )
    with staging(plan.out) as staged:
        start = time.perf_counter()
        spark = start_spark(plan.spark_settings)
        record = extract_stage(spark, plan, staged, seconds_since(start), on_progress)
        record = replace(record, seconds_total=seconds_since(started))
        publish(staged, plan.out, parts=PARTS, run=record)
    return record


def extract_stage(
    spark: "SparkSession",
    plan: Plan,
    staged: LocalLocation,
    seconds_start: float,
    on_progress: OnProgress | None,
) -> RunRecord:
    """Fill ``features/`` and ``quarantine/`` of a staged folder; return the run's record."""
    from pomona.spark.extract.networks import choose_engine, share_backbone
    from pomona.spark.extract.stage import extract_to_folder
    from pomona.spark.session import find_master

    master = find_master(spark)
    logger.info("spark %s on %s", spark.version, master)
    shared = share_backbone(spark, plan.backbone, engine=choose_engine(spark, plan.settings.engine))
    try:
        done = extract_to_folder(
            spark,
            plan.listing,
            staged,
            settings=plan.settings,
            shared=shared,
            on_progress=on_progress,
        )
    except QuarantineError:
        # Features without their unusable neighbours would look like a result.
        staged.delete(FEATURES)
        publish(staged, plan.out, parts=PARTS, run=None)
        raise
    spec = plan.backbone.spec
    return RunRecord(
        format_version=RUN_FORMAT,
        images_found=done.n_found,
        images_extracted=done.n_extracted,
        images_quarantined=done.n_quarantined,
        seconds_total=0.0,
        seconds_spark_start=seconds_start,
        seconds_extract=round(done.seconds, 3),
        extract_images_per_second=round(done.n_found / done.seconds, 2),
        backbone=spec.name,
        backbone_sha256=spec.sha256,
        backbone_fingerprint=spec.fingerprint(),
        backbone_spec=spec.to_dict(),
        engine=shared.engine,
        n_features=spec.n_features,
        n_components=None,
        explained_variance=None,
        label_counts=done.label_counts,
        quarantine_counts=done.reason_counts,
        source=str(plan.source.source.resolve()),
        source_sha256=_fingerprint(plan.listing),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        settings=SettingsRecord(
            source=plan.source, extract=plan.settings, spark=SparkRecord(master=master)
        ),
        versions={
            "python": platform.python_version(),
            "platform": platform.platform(),
            **find_versions(VERSIONED),
        },
    )


def _fingerprint(listing: Listing) -> str:
    """Return a hash that changes when a picture is added, removed, resized or touched."""
    digest = hashlib.sha256()
    for batch in listing.pictures.to_batches():
        for column in batch.columns:
            for value in column.to_pylist():
                digest.update(f"{value}\0".encode())
    return digest.hexdigest()
