"""The verbs of Pomona: run, extract, reduce, report; every command and notebook calls these."""

import logging
import threading
import time
from pathlib import Path

from pomona.backbones import find_spec, find_weights
from pomona.backbones.engines import check_engine
from pomona.errors import OutputError, SettingsError
from pomona.pictures.listing import Listing, list_images
from pomona.pipeline.learning import add_recogniser, prepare_training
from pomona.pipeline.stages import (
    OnProgress,
    RunRecord,
    check_stage,
    extract_stage,
    reduce_stage,
    seconds_since,
    write_report,
)
from pomona.reduction.fitted import load_reduction
from pomona.settings import (
    AUTO_ENGINE,
    ExtractSettings,
    ReduceSettings,
    RunSettings,
    SourceSettings,
    SparkSettings,
    TrainSettings,
    settings_to_dict,
)
from pomona.storage.exports import export_features
from pomona.storage.store import PARTS, check_output, publish, read_run, staging

__all__ = ["OnProgress", "extract", "plan_extract", "reduce", "report", "run"]

logger = logging.getLogger(__name__)

TRAINED = ("training", "seconds_train")


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
    find_weights(find_spec(settings), cache=settings.cache)
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
        record = extract_stage(
            folder, out, listing, source, extract_settings, spark_settings, on_progress
        )
        record["settings"] |= {"run": settings_to_dict(run_settings)}
        if run_settings.reduce:
            record |= reduce_stage(
                folder / "features", folder, record, reduce_settings, spark_settings
            )
        if run_settings.reduce and run_settings.check:
            record |= check_stage(folder / "reduced", record, reduce_settings.format)
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
        record["seconds_total"] = seconds_since(started)
        record |= write_report(folder, record)
        record["seconds_total"] = seconds_since(started)
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
        record = extract_stage(folder, out, listing, source, settings, spark_settings, on_progress)
        record["seconds_total"] = seconds_since(started)
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
        record |= reduce_stage(out / "features", folder, record, settings, spark_settings)
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
    import pomona.reduction.estimators
    import pomona.reporting  # noqa: F401
