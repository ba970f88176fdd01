"""The verbs of Pomona: run, extract, reduce, report; every command and notebook calls these."""

import hashlib
import logging
import platform
import shutil
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from pomona.artifacts import load_reduction
from pomona.backbones import find_weights, read_spec
from pomona.backbones.engines import check_engine
from pomona.config import (
    AUTO_ENGINE,
    ExtractSettings,
    ReduceSettings,
    RunSettings,
    SourceSettings,
    SparkSettings,
    TrainSettings,
    settings_to_dict,
)
from pomona.errors import OutputError, QuarantineError, SettingsError
from pomona.exports import check_vectors, export_features
from pomona.learning import add_recogniser, prepare_training
from pomona.outputs import PARTS, check_output, publish, read_run, staging
from pomona.sources import Listing, list_images

__all__ = ["OnProgress", "extract", "plan_extract", "reduce", "report", "run", "write_report"]

OnProgress = Callable[[int, int], None]
RunRecord = dict[str, Any]

logger = logging.getLogger(__name__)

TRAINED = ("training", "seconds_train")

VERSIONED = ("pomona", "pyspark", "openvino", "onnxruntime", "numpy", "scipy", "pillow", "pyarrow")


def plan_extract(
    source: SourceSettings,
    out: Path,
    *,
    extract_settings: ExtractSettings | None = None,
    spark_settings: SparkSettings | None = None,
    overwrite: bool = False,
) -> Listing:
    """Check everything that can be wrong and list the pictures, without starting Spark.

    Parameters
    ----------
    source : SourceSettings
    out : Path
        Output folder.
    extract_settings : ExtractSettings, optional
    spark_settings : SparkSettings, optional
    overwrite : bool
        Whether an earlier result in ``out`` may be replaced.

    Returns
    -------
    Listing

    Raises
    ------
    SettingsError
        If source, output folder or a setting cannot be used.
    SetupError
        If weights are missing or damaged.
    """
    from pomona.spark.session import check_master

    settings = extract_settings or ExtractSettings()
    find_weights(settings.find_spec(), cache=settings.cache)
    if settings.engine != AUTO_ENGINE:
        check_engine(settings.engine)
    if spark_settings and spark_settings.master:
        check_master(spark_settings.master)
    listing = list_images(source)
    check_output(out, source.source, overwrite=overwrite)
    logger.info("found %s pictures, %.1f MB", listing.n_images, listing.n_bytes / 1e6)
    return listing


def run(
    source: SourceSettings,
    out: Path,
    *,
    extract_settings: ExtractSettings | None = None,
    reduce_settings: ReduceSettings | None = None,
    run_settings: RunSettings | None = None,
    train_settings: TrainSettings | None = None,
    spark_settings: SparkSettings | None = None,
    overwrite: bool = False,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Extract, reduce, train and report in one go; ``out`` gets all of it or nothing.

    Parameters
    ----------
    source : SourceSettings
    out : Path
    extract_settings : ExtractSettings, optional
    reduce_settings : ReduceSettings, optional
    run_settings : RunSettings, optional
    train_settings : TrainSettings, optional
        Without, no recogniser is trained.
    spark_settings : SparkSettings, optional
    overwrite : bool
        Whether an earlier result in ``out`` may be replaced.
    on_progress : callable, optional
        Called with the number of pictures done and found.

    Returns
    -------
    dict
        What ``run.json`` holds.

    Raises
    ------
    PomonaError
        As :func:`extract` and :func:`reduce`.
    """
    started = time.perf_counter()
    extract_settings = extract_settings or ExtractSettings()
    reduce_settings = reduce_settings or ReduceSettings()
    run_settings = run_settings or RunSettings()
    if run_settings.export and extract_settings.features_format != "parquet":
        raise SettingsError(
            f"The export '{run_settings.export[0]}' needs features/ as Parquet, not "
            f"'{extract_settings.features_format}'. It is made from them. "
            "Leave --features-format out."
        )
    if train_settings and train_settings.on == "reduced" and not run_settings.reduce:
        raise SettingsError(
            "The classifier takes reduced vectors, and this run makes none. "
            "Reduction is switched off. Add --on features, or leave --no-reduce out."
        )
    listing = plan_extract(
        source,
        out,
        extract_settings=extract_settings,
        spark_settings=spark_settings,
        overwrite=overwrite,
    )
    # While Java starts, this process only waits.
    threading.Thread(target=_import_ahead, daemon=True).start()
    with staging(out) as folder:
        if train_settings is not None:
            prepare_training(spark_settings)
        record = _extract(
            folder, out, listing, source, extract_settings, spark_settings, on_progress
        )
        record["settings"] |= {"run": settings_to_dict(run_settings)}
        if run_settings.reduce:
            record |= _reduce(folder / "features", folder, record, reduce_settings, spark_settings)
        if run_settings.reduce and run_settings.check:
            record |= _check(folder / "reduced", record, reduce_settings.format)
        if run_settings.export:
            export_features(folder / "features", folder / "export", kinds=run_settings.export)
        if train_settings is not None:
            record |= add_recogniser(
                folder / "features",
                folder,
                record,
                settings=train_settings,
                reduction=load_reduction(folder / "model") if run_settings.reduce else None,
            )
        record["seconds_total"] = _since(started)
        record |= write_report(folder, record)
        record["seconds_total"] = _since(started)
        publish(folder, out, parts=PARTS, run=record)
    return record


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
    dict
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
    started = time.perf_counter()
    settings = extract_settings or ExtractSettings()
    listing = plan_extract(
        source,
        out,
        extract_settings=settings,
        spark_settings=spark_settings,
        overwrite=overwrite,
    )
    with staging(out) as folder:
        record = _extract(folder, out, listing, source, settings, spark_settings, on_progress)
        record["seconds_total"] = _since(started)
        publish(folder, out, parts=PARTS, run=record)
    return record


def reduce(
    out: Path,
    *,
    reduce_settings: ReduceSettings | None = None,
    spark_settings: SparkSettings | None = None,
) -> RunRecord:
    """Standardise and reduce ``out/features``; writes ``out/reduced`` and ``out/model``.

    An earlier reduction and report in ``out`` are replaced.

    Parameters
    ----------
    out : Path
        Folder of a finished extraction.
    reduce_settings : ReduceSettings, optional
    spark_settings : SparkSettings, optional

    Returns
    -------
    dict
        What ``run.json`` holds now.

    Raises
    ------
    OutputError
        If ``out`` holds no finished extraction.
    ReductionError
        If the features do not allow what is asked.
    """
    record = read_run(out)
    if not (out / "features").is_dir():
        raise OutputError(
            f"'{out}' has no features. The folder '{out / 'features'}' is missing. "
            "Run 'pomona extract SOURCE --out OUT' first."
        )
    with staging(out) as folder:
        settings = reduce_settings or ReduceSettings()
        record |= _reduce(out / "features", folder, record, settings, spark_settings)
        # What was trained on the old vectors goes with them.
        record = {name: record[name] for name in record if name not in TRAINED}
        publish(folder, out, parts=("reduced", "model", "report"), run=record)
    return record


def report(out: Path) -> Path:
    """Write ``out/report/index.html`` and return its path.

    Parameters
    ----------
    out : Path
        Folder of a finished extraction or run.

    Raises
    ------
    OutputError
        If ``out`` holds no finished run.
    """
    record = read_run(out)
    with staging(out) as folder:
        # The page is made from the published parts; only itself is new.
        record |= write_report(out, record, target=folder)
        publish(folder, out, parts=("report",), run=record)
    return out / "report" / "index.html"


def _import_ahead() -> None:
    """Import what the stages after the extraction need: a second on a laptop."""
    import pomona.reduction
    import pomona.reporting  # noqa: F401


def _extract(
    folder: Path,
    out: Path,
    listing: Listing,
    source: SourceSettings,
    settings: ExtractSettings,
    spark_settings: SparkSettings | None,
    on_progress: OnProgress | None,
) -> RunRecord:
    from pomona.spark.batch import extract_to_folder
    from pomona.spark.networks import choose_engine
    from pomona.spark.session import start_spark

    started = time.perf_counter()
    spark = start_spark(spark_settings)
    seconds_start = _since(started)
    logger.info("spark %s on %s", spark.version, spark.sparkContext.master)
    try:
        done = extract_to_folder(spark, listing, folder, settings=settings, on_progress=on_progress)
    except QuarantineError:
        # Features without their unusable neighbours would look like a result.
        shutil.rmtree(folder / "features")
        publish(folder, out, parts=PARTS, run=None)
        raise
    spec = settings.find_spec()
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


def _reduce(
    features: Path,
    folder: Path,
    record: RunRecord,
    settings: ReduceSettings,
    spark_settings: SparkSettings | None,
) -> RunRecord:
    from pomona.spark.batch import reduce_to_folder
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
        "seconds_reduce": _since(started),
        "n_components": len(reduction.components),
        "explained_variance": float(reduction.explained_variance_ratio.sum()),
        "settings": record["settings"] | {"reduce": settings_to_dict(settings)},
    }


def _check(reduced: Path, record: RunRecord, format: str) -> RunRecord:
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
    return {"seconds_report": _since(started)}


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


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)
