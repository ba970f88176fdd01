"""Fruit photographs to features, a PCA and a recogniser, on Apache Spark."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pomona.backbones import load_backbone
    from pomona.errors import PomonaError
    from pomona.facts import find_facts
    from pomona.features.batch import extract_features
    from pomona.pipeline.check import check
    from pomona.pipeline.evaluate import evaluate
    from pomona.pipeline.extract import extract
    from pomona.pipeline.forget import forget
    from pomona.pipeline.history import history
    from pomona.pipeline.reduce import reduce
    from pomona.pipeline.report import report
    from pomona.pipeline.run import run
    from pomona.pipeline.train import train
    from pomona.pipeline.watch import watch
    from pomona.recognition import load_recogniser
    from pomona.reduction.estimators import PCA, Standardizer
    from pomona.settings import (
        ExtractSettings,
        ForgetSettings,
        ReduceSettings,
        RunSettings,
        SourceSettings,
        SparkSettings,
        TrainSettings,
        UpdateSettings,
        WatchSettings,
    )
    from pomona.spark.extract.images import extract_images
    from pomona.spark.reduce.components import reduce_features
    from pomona.spark.reduce.fitting import fit_reduction

__all__ = [
    "PCA",
    "ExtractSettings",
    "ForgetSettings",
    "PomonaError",
    "ReduceSettings",
    "RunSettings",
    "SourceSettings",
    "SparkSettings",
    "Standardizer",
    "TrainSettings",
    "UpdateSettings",
    "WatchSettings",
    "check",
    "evaluate",
    "extract",
    "extract_features",
    "extract_images",
    "find_facts",
    "fit_reduction",
    "forget",
    "history",
    "load_backbone",
    "load_recogniser",
    "reduce",
    "reduce_features",
    "report",
    "run",
    "train",
    "watch",
]

# Imported on first use, so that `import pomona` and `pomona --help` are quick.
_HOMES = {
    "PCA": "reduction.estimators",
    "ExtractSettings": "settings",
    "PomonaError": "errors",
    "ReduceSettings": "settings",
    "RunSettings": "settings",
    "SourceSettings": "settings",
    "SparkSettings": "settings",
    "Standardizer": "reduction.estimators",
    "TrainSettings": "settings",
    "UpdateSettings": "settings",
    "ForgetSettings": "settings",
    "WatchSettings": "settings",
    "check": "pipeline.check",
    "evaluate": "pipeline.evaluate",
    "extract": "pipeline.extract",
    "extract_features": "features.batch",
    "extract_images": "spark.extract.images",
    "find_facts": "facts",
    "fit_reduction": "spark.reduce.fitting",
    "forget": "pipeline.forget",
    "history": "pipeline.history",
    "load_backbone": "backbones",
    "load_recogniser": "recognition",
    "reduce": "pipeline.reduce",
    "reduce_features": "spark.reduce.components",
    "report": "pipeline.report",
    "run": "pipeline.run",
    "train": "pipeline.train",
    "watch": "pipeline.watch",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pomona' has no attribute '{name}'")
    return getattr(import_module(f"pomona.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
