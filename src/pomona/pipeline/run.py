"""``run``: extract, reduce, train and report in one go."""

import logging
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pomona.errors import SettingsError
from pomona.pipeline.clock import seconds_since
from pomona.pipeline.extract import extract_stage
from pomona.pipeline.plan import Plan, plan_extract
from pomona.pipeline.reduce import reduce_stage
from pomona.pipeline.report import report_stage
from pomona.pipeline.train import start_training, train_stage
from pomona.schema import OnProgress
from pomona.settings import (
    ExtractSettings,
    ReduceSettings,
    RunSettings,
    SourceSettings,
    SparkSettings,
    TrainSettings,
)
from pomona.storage.exports import check_vectors, export_features
from pomona.storage.locations import Location
from pomona.storage.records import RunRecord, replace
from pomona.storage.store import EXPORT, FEATURES, PARTS, REDUCED, publish, staging

if TYPE_CHECKING:
    from pomona.spark.session import SparkSession

__all__ = ["run"]

logger = logging.getLogger(__name__)


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
    RunRecord
        What ``run.json`` holds.

    Raises
    ------
    PomonaError
        As :func:`pomona.extract`, :func:`pomona.reduce` and :func:`pomona.train`.
    """
    started = time.perf_counter()
    settings = run_settings or RunSettings()
    reducing = reduce_settings or ReduceSettings()
    _check_together(extract_settings or ExtractSettings(), settings, train_settings)
    plan = plan_extract(
        source,
        out,
        extract_settings=extract_settings,
        spark_settings=spark_settings,
        overwrite=overwrite,
    )
    # While Java starts, this process only waits.
    threading.Thread(target=_import_ahead, daemon=True).start()
    with staging(plan.out) as staged:
        start = time.perf_counter()
        spark = _start(plan, train_settings)
        record = extract_stage(spark, plan, staged, seconds_since(start), on_progress)
        record = replace(record, settings=replace(record.settings, run=settings))
        features = staged.at(FEATURES)
        reduction = None
        if settings.reduce:
            record, reduction = reduce_stage(spark, features, staged, record, reducing)
        if settings.reduce and settings.check:
            record = _check_stage(staged.at(REDUCED), record, reducing.format)
        if settings.export:
            export_features(features, staged.at(EXPORT), views=settings.export)
        if train_settings is not None:
            record = train_stage(
                spark, features, staged, record, train_settings, plan.backbone, reduction
            )
        record = replace(record, seconds_total=seconds_since(started))
        record = report_stage(staged, staged, record)
        record = replace(record, seconds_total=seconds_since(started))
        publish(staged, plan.out, parts=PARTS, run=record)
    return record


def _check_together(
    extracting: ExtractSettings, running: RunSettings, training: TrainSettings | None
) -> None:
    if running.export and extracting.features_format != "parquet":
        raise SettingsError(
            f"The export '{running.export[0]}' needs features/ as Parquet, not "
            f"'{extracting.features_format}'. It is made from them. "
            "Leave --features-format out."
        )
    if training and training.on == "reduced" and not running.reduce:
        raise SettingsError(
            "The classifier takes reduced vectors, and this run makes none. "
            "Reduction is switched off. Add --on features, or leave --no-reduce out."
        )


def _start(plan: Plan, training: TrainSettings | None) -> "SparkSession":
    from pomona.spark.session import start_spark

    if training is not None:
        return start_training(plan.spark_settings)
    return start_spark(plan.spark_settings)


def _check_stage(reduced: Location, record: RunRecord, format: str) -> RunRecord:
    """Compare the stored vectors with the record; return the record that run.json gets."""
    n_components = record.n_components or 0
    check_vectors(reduced, format=format, n_components=n_components, n_rows=record.images_extracted)
    logger.info("checked: %s stored vectors of %s numbers", record.images_extracted, n_components)
    return replace(record, vectors_checked=record.images_extracted)


def _import_ahead() -> None:
    """Import what the stages after the extraction need: a second on a laptop."""
    import pomona.reduction.estimators
    import pomona.reporting  # noqa: F401
