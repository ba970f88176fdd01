"""Train a recogniser as one stage of a run."""

import shutil
import time
from pathlib import Path
from typing import Any, Final

from pomona.backbones import find_weights, read_spec
from pomona.errors import OutputError
from pomona.reduction.fitted import Reduction, load_reduction
from pomona.settings import SparkSettings, TrainSettings

__all__ = ["add_recogniser", "load_reduced", "prepare_training"]

RunRecord = dict[str, Any]
# Copied into model.json, so that a model folder says what it was made from.
ORIGIN: Final = ("backbone", "backbone_sha256", "source_sha256", "images_extracted", "versions")


def add_recogniser(
    features: Path,
    folder: Path,
    record: RunRecord,
    *,
    settings: TrainSettings,
    reduction: Reduction | None,
    spark_settings: SparkSettings | None = None,
) -> RunRecord:
    """Train on ``features`` and write ``folder/model``; return what run.json gains."""
    from pomona.spark.session import start_spark
    from pomona.spark.train.stage import train_to_folder

    started = time.perf_counter()
    spec = read_spec(record["backbone_spec"], name=record["backbone"], origin="run.json")
    cache = record["settings"]["extract"]["cache"]
    weights = find_weights(spec, cache=Path(cache) if cache else None)
    spark = start_spark(spark_settings, for_training=True)
    try:
        training = train_to_folder(
            spark,
            features,
            folder,
            settings=settings,
            features_format=record["settings"]["extract"]["features_format"],
            spec=spec,
            weights=weights,
            reduction=reduction,
            origin={name: record[name] for name in ORIGIN},
        )
    finally:
        for scratch in folder.glob("spark-*"):
            shutil.rmtree(scratch, ignore_errors=True)
    seconds = round(time.perf_counter() - started, 3)
    return {"training": training, "seconds_train": seconds}


def prepare_training(settings: SparkSettings | None) -> None:
    """Check what training needs, and start Spark so that it can compute, where none runs yet.

    Raises
    ------
    SetupError
        If the package for packing a recogniser is missing: better now than after the fit.
    """
    from pomona.spark.session import start_spark
    from pomona.training.onnx_export import check_packing

    check_packing()
    start_spark(settings, for_training=True)


def load_reduced(out: Path, record: RunRecord, settings: TrainSettings) -> Reduction | None:
    """Return the reduction of a finished run, or None where training can do without.

    Raises
    ------
    OutputError
        If the vectors that are asked for are not there.
    """
    if not (out / "features").is_dir():
        raise OutputError(
            f"'{out}' has no features. The folder '{out / 'features'}' is missing. "
            "Run 'pomona extract SOURCE --out OUT' first."
        )
    if record.get("n_components"):
        return load_reduction(out / "model")
    if settings.on == "reduced":
        raise OutputError(
            f"'{out}' has not been reduced yet. Training takes reduced vectors unless told "
            "otherwise. Run 'pomona reduce OUT' first, or add --on features."
        )
    return None
