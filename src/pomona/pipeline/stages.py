"""The stages of a run, each in a staged folder and with what it adds to run.json."""

import hashlib
import logging
import platform
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from pomona.backbones import find_spec, read_spec
from pomona.errors import QuarantineError
from pomona.pictures.listing import Listing
from pomona.settings import (
    ExtractSettings,
    ReduceSettings,
    SourceSettings,
    SparkSettings,
    settings_to_dict,
)
from pomona.storage.exports import check_vectors
from pomona.storage.store import PARTS, publish

__all__ = [
    "OnProgress",
    "RunRecord",
    "check_stage",
    "extract_stage",
    "reduce_stage",
    "seconds_since",
    "write_report",
]

OnProgress = Callable[[int, int], None]
RunRecord = dict[str, Any]

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


def extract_stage(
    folder: Path,
    out: Path,
    listing: Listing,
    source: SourceSettings,
    settings: ExtractSettings,
    spark_settings: SparkSettings | None,
    on_progress: OnProgress | None,
) -> RunRecord:
    """Fill ``features/`` and ``quarantine/`` of a staged folder; return the run's record."""
    from pomona.spark.extract.networks import choose_engine
    from pomona.spark.extract.stage import extract_to_folder
    from pomona.spark.session import start_spark

    started = time.perf_counter()
    spark = start_spark(spark_settings)
    seconds_start = seconds_since(started)
    logger.info("spark %s on %s", spark.version, spark.sparkContext.master)
    try:
        done = extract_to_folder(spark, listing, folder, settings=settings, on_progress=on_progress)
    except QuarantineError:
        # Features without their unusable neighbours would look like a result.
        shutil.rmtree(folder / "features")
        publish(folder, out, parts=PARTS, run=None)
        raise
    spec = find_spec(settings)
    return {
        "images_found": done.n_found,
        "images_extracted": done.n_extracted,
        "images_quarantined": done.n_quarantined,
        "seconds_total": None,
        "seconds_spark_start": seconds_start,
        "seconds_extract": round(done.seconds, 3),
        "extract_images_per_second": round(done.n_found / done.seconds, 2),
        "backbone": spec.name,
        "backbone_sha256": spec.sha256,
        "backbone_fingerprint": spec.fingerprint(),
        "backbone_spec": spec.to_dict(),
        "engine": choose_engine(spark, settings.engine),
        "n_features": spec.n_features,
        "n_components": None,
        "explained_variance": None,
        "label_counts": done.label_counts,
        "quarantine_counts": done.reason_counts,
        "source": str(source.source.resolve()),
        "source_sha256": _fingerprint(listing),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "settings": {
            "source": settings_to_dict(source),
            "extract": settings_to_dict(settings),
            "spark": {"master": spark.sparkContext.master},
        },
        "versions": _versions(),
    }


def reduce_stage(
    features: Path,
    folder: Path,
    record: RunRecord,
    settings: ReduceSettings,
    spark_settings: SparkSettings | None,
) -> RunRecord:
    """Fill ``reduced/`` and ``model/``; return what run.json gains."""
    from pomona.spark.reduce.stage import reduce_to_folder
    from pomona.spark.session import start_spark

    spark = start_spark(spark_settings)
    started = time.perf_counter()
    reduction = reduce_to_folder(
        spark,
        features,
        folder,
        settings=settings,
        features_format=record["settings"]["extract"]["features_format"],
        # As it was then: the network itself need not be here any more.
        spec=read_spec(record["backbone_spec"], name=record["backbone"], origin="run.json"),
    )
    logger.info("reduced to %s components", len(reduction.components))
    return {
        "seconds_reduce": seconds_since(started),
        "n_components": len(reduction.components),
        "explained_variance": float(reduction.explained_variance_ratio.sum()),
        "settings": record["settings"] | {"reduce": settings_to_dict(settings)},
    }


def check_stage(reduced: Path, record: RunRecord, format: str) -> RunRecord:
    """Compare the stored vectors with the record; return what run.json gains."""
    n_components, n_rows = record["n_components"], record["images_extracted"]
    check_vectors(reduced, format=format, n_components=n_components, n_rows=n_rows)
    logger.info("checked: %s stored vectors of %s numbers", n_rows, n_components)
    return {"vectors_checked": n_rows}


def write_report(folder: Path, record: RunRecord, *, target: Path | None = None) -> RunRecord:
    """Write ``report/index.html`` about what is in ``folder``; return what run.json gains."""
    from pomona.reporting import collect_report, render_report

    started = time.perf_counter()
    page = (target or folder) / "report" / "index.html"
    page.parent.mkdir()
    page.write_text(render_report(collect_report(folder, record)), encoding="utf-8")
    return {"seconds_report": seconds_since(started)}


def _fingerprint(listing: Listing) -> str:
    """Return a hash that changes when a picture is added, removed, resized or touched."""
    digest = hashlib.sha256()
    for batch in listing.pictures.to_batches():
        for column in batch.columns:
            for value in column.to_pylist():
                digest.update(f"{value}\0".encode())
    return digest.hexdigest()


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "platform": platform.platform()}
    for name in VERSIONED:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def seconds_since(started: float) -> float:
    """Return the seconds since a reading of ``time.perf_counter``, as run.json gives them."""
    return round(time.perf_counter() - started, 3)
