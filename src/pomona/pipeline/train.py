"""``train``: stored vectors and labels become a recogniser."""

import time
from typing import TYPE_CHECKING, Final

from pomona.backbones import ResolvedBackbone, find_weights, read_spec
from pomona.errors import OutputError
from pomona.pipeline.clock import seconds_since
from pomona.pipeline.report import write_report
from pomona.pipeline.session import Session
from pomona.reduction.fitted import Reduction, load_reduction, save_reduction
from pomona.settings import SparkSettings, TrainSettings
from pomona.storage.claims import claim
from pomona.storage.locations import Location, open_location
from pomona.storage.model_folder import read_model_record
from pomona.storage.records import RunRecord, replace, to_plain
from pomona.storage.state import read_state
from pomona.storage.store import (
    FEATURES,
    MODEL,
    REPORT,
    publish,
    read_run,
    staging,
)
from pomona.storage.store_records import DriftRecord
from pomona.storage.table import Snapshot

if TYPE_CHECKING:
    from pomona.spark.session import SparkSession

__all__ = ["check_training", "train", "train_stage"]

# Copied into model.json, so that a model folder says what it was made from.
ORIGIN: Final = ("backbone", "backbone_sha256", "source_sha256", "images_extracted", "versions")


def train(
    out: str,
    *,
    train_settings: TrainSettings | None = None,
    spark_settings: SparkSettings | None = None,
) -> RunRecord:
    """Train a recogniser on the vectors of ``out``; writes ``out/model`` and ``out/report``.

    Parameters
    ----------
    out : str
        Folder or bucket of a finished run; to fit on features, of a finished extraction.
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
    check_training()
    features = read_state(place).features
    spark = Session(spark_settings, for_computing=True).get()
    with claim(place), staging(place) as staged:
        if reduction is not None:
            fitted_on = read_model_record(place.at(MODEL)).fitted_on
            save_reduction(
                staged.at(MODEL), reduction, backbone=record.backbone_spec, fitted_on=fitted_on
            )
        record = train_stage(spark, place, features, staged, record, settings, backbone, reduction)
        publish(staged, place, parts=(MODEL, REPORT), run=record)
        return write_report(place, record)


def check_training() -> None:
    """Check what training needs: better before the fit than after it.

    Raises
    ------
    SetupError
        If the package for packing a recogniser is missing.
    """
    from pomona.training.onnx_export import check_packing

    check_packing()


def train_stage(
    spark: "SparkSession",
    out: Location,
    features: Snapshot,
    staged: Location,
    record: RunRecord,
    settings: TrainSettings,
    backbone: ResolvedBackbone,
    reduction: Reduction | None,
) -> RunRecord:
    """Train on the features of a store and complete ``model/`` of a staged folder.

    Returns
    -------
    RunRecord
        What run.json gets.
    """
    from pomona.spark.train.stage import train_to_folder

    started = time.perf_counter()
    plain = to_plain(record)
    training = train_to_folder(
        spark,
        out.at(FEATURES),
        staged,
        names=list(features.files),
        settings=settings,
        spec=backbone.spec,
        weights=backbone.weights,
        reduction=reduction,
        origin={name: plain[name] for name in ORIGIN},
    )
    drift = replace(record.drift or DriftRecord(), trained_on=features.n_rows)
    return replace(record, training=training, seconds_train=seconds_since(started), drift=drift)


def _load_reduced(out: Location, record: RunRecord, settings: TrainSettings) -> Reduction | None:
    """Return the reduction of a finished run, or None where training can do without."""
    if record.n_components:
        return load_reduction(out.at(MODEL))
    if settings.on == "reduced":
        raise OutputError(
            f"'{out}' has not been reduced yet. Training takes reduced vectors unless told "
            "otherwise. Run 'pomona reduce OUT' first, or add --on features."
        )
    return None
