"""``train``: stored vectors and labels become a recogniser."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pomona.backbones import ResolvedBackbone, find_weights, read_spec
from pomona.errors import OutputError
from pomona.pipeline.clock import seconds_since
from pomona.pipeline.report import report_stage
from pomona.reduction.fitted import Reduction, load_reduction, save_reduction
from pomona.settings import SparkSettings, TrainSettings
from pomona.storage.locations import LocalLocation, Location, open_location
from pomona.storage.records import RunRecord, replace, to_plain
from pomona.storage.store import (
    FEATURES,
    MODEL,
    REPORT,
    check_features,
    publish,
    read_run,
    staging,
)

if TYPE_CHECKING:
    from pomona.spark.session import SparkSession

__all__ = ["start_training", "train", "train_stage"]

# Copied into model.json, so that a model folder says what it was made from.
ORIGIN: Final = ("backbone", "backbone_sha256", "source_sha256", "images_extracted", "versions")


def train(
    out: Path,
    *,
    train_settings: TrainSettings | None = None,
    spark_settings: SparkSettings | None = None,
) -> RunRecord:
    """Train a recogniser on the vectors of ``out``; writes ``out/model`` and ``out/report``.

    Parameters
    ----------
    out : Path
        Folder of a finished run; to fit on features, of a finished extraction.
    train_settings : TrainSettings, optional
    spark_settings : SparkSettings, optional

    Returns
    -------
    RunRecord
        What ``run.json`` holds now; ``training`` is new.

    Raises
    ------
    OutputError
        If ``out`` holds no finished run, or was not reduced yet and should be fitted on that.
    SetupError
        If the package for packing a recogniser is missing.
    TrainingError
        If the labelled vectors do not allow a classifier.
    """
    place = open_location(out)
    record = read_run(place)
    settings = train_settings or TrainSettings()
    reduction = _load_reduced(place, record, settings)
    spec = read_spec(record.backbone_spec, name=record.backbone, origin="run.json")
    backbone = ResolvedBackbone(spec, find_weights(spec, cache=record.settings.extract.cache))
    spark = start_training(spark_settings)
    with staging(place) as staged:
        if reduction is not None:
            save_reduction(staged.at(MODEL), reduction, backbone=record.backbone_spec)
        features = place.at(FEATURES)
        record = train_stage(spark, features, staged, record, settings, backbone, reduction)
        record = report_stage(place, staged, record)
        publish(staged, place, parts=(MODEL, REPORT), run=record)
    return record


def start_training(settings: SparkSettings | None) -> "SparkSession":
    """Check what training needs, and start Spark so that it can compute, where none runs yet.

    Raises
    ------
    SetupError
        If the package for packing a recogniser is missing: better now than after the fit.
    """
    from pomona.spark.session import start_spark
    from pomona.training.onnx_export import check_packing

    check_packing()
    return start_spark(settings, for_training=True)


def train_stage(
    spark: "SparkSession",
    features: Location,
    staged: LocalLocation,
    record: RunRecord,
    settings: TrainSettings,
    backbone: ResolvedBackbone,
    reduction: Reduction | None,
) -> RunRecord:
    """Train on ``features`` and complete ``model/`` of a staged folder; return the new record."""
    from pomona.spark.train.stage import train_to_folder

    started = time.perf_counter()
    plain = to_plain(record)
    training = train_to_folder(
        spark,
        features,
        staged,
        settings=settings,
        features_format=record.settings.extract.features_format,
        spec=backbone.spec,
        weights=backbone.weights,
        reduction=reduction,
        origin={name: plain[name] for name in ORIGIN},
    )
    return replace(record, training=training, seconds_train=seconds_since(started))


def _load_reduced(
    place: LocalLocation, record: RunRecord, settings: TrainSettings
) -> Reduction | None:
    """Return the reduction of a finished run, or None where training can do without."""
    check_features(place)
    if record.n_components:
        return load_reduction(place.at(MODEL))
    if settings.on == "reduced":
        raise OutputError(
            f"'{place}' has not been reduced yet. Training takes reduced vectors unless told "
            "otherwise. Run 'pomona reduce OUT' first, or add --on features."
        )
    return None
