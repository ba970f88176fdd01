"""``reduce``: feature vectors become few numbers, by a PCA that keeps a share of the variance."""

import logging
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pomona.backbones import read_spec
from pomona.pipeline.clock import seconds_since
from pomona.settings import ReduceSettings, SparkSettings
from pomona.storage.locations import LocalLocation, Location, open_location
from pomona.storage.records import RunRecord, replace
from pomona.storage.store import (
    FEATURES,
    MODEL,
    REDUCED,
    REPORT,
    check_features,
    publish,
    read_run,
    staging,
)

if TYPE_CHECKING:
    from pomona.reduction.fitted import Reduction
    from pomona.spark.session import SparkSession

__all__ = ["reduce", "reduce_stage"]

logger = logging.getLogger(__name__)


def reduce(
    out: Path,
    *,
    reduce_settings: ReduceSettings | None = None,
    spark_settings: SparkSettings | None = None,
) -> RunRecord:
    """Standardise and reduce ``out/features``; writes ``out/reduced`` and ``out/model``.

    An earlier reduction, recogniser and report in ``out`` are replaced.

    Parameters
    ----------
    out : Path
        Folder of a finished extraction.
    reduce_settings : ReduceSettings, optional
    spark_settings : SparkSettings, optional

    Returns
    -------
    RunRecord
        What ``run.json`` holds now.

    Raises
    ------
    OutputError
        If ``out`` holds no finished extraction.
    ReductionError
        If the features do not allow what is asked.
    """
    from pomona.spark.session import start_spark

    place = open_location(out)
    record = read_run(place)
    check_features(place)
    with staging(place) as staged:
        record, _ = reduce_stage(
            start_spark(spark_settings),
            place.at(FEATURES),
            staged,
            record,
            reduce_settings or ReduceSettings(),
        )
        # What was trained on the old vectors goes with them.
        record = replace(record, training=None, seconds_train=None)
        publish(staged, place, parts=(REDUCED, MODEL, REPORT), run=record)
    return record


def reduce_stage(
    spark: "SparkSession",
    features: Location,
    staged: LocalLocation,
    record: RunRecord,
    settings: ReduceSettings,
) -> tuple[RunRecord, "Reduction"]:
    """Fill ``reduced/`` and ``model/`` of a staged folder; return the record that run.json gets."""
    from pomona.spark.reduce.stage import reduce_to_folder

    started = time.perf_counter()
    reduction = reduce_to_folder(
        spark,
        features,
        staged,
        settings=settings,
        features_format=record.settings.extract.features_format,
        # As it was then: the network itself need not be here any more.
        spec=read_spec(record.backbone_spec, name=record.backbone, origin="run.json"),
    )
    logger.info("reduced to %s components", len(reduction.components))
    record = replace(
        record,
        seconds_reduce=seconds_since(started),
        n_components=len(reduction.components),
        explained_variance=float(reduction.explained_variance_ratio.sum()),
        settings=replace(record.settings, reduce=settings),
    )
    return record, reduction
