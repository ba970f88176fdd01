"""Fruit photographs to features, a PCA and a recogniser, on Apache Spark."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pomona.backbones import load_backbone
    from pomona.config import (
        ExtractSettings,
        ReduceSettings,
        RunSettings,
        SourceSettings,
        SparkSettings,
        TrainSettings,
    )
    from pomona.errors import PomonaError
    from pomona.facts import find_facts
    from pomona.features import extract_features
    from pomona.pipeline import extract, reduce, report, run
    from pomona.recognising import evaluate, train
    from pomona.recognition import load_recogniser
    from pomona.reduction import PCA, Standardizer
    from pomona.samples import write_samples
    from pomona.spark.fitting import fit_reduction
    from pomona.spark.transforms import extract_images, reduce_features

__all__ = [
    "PCA",
    "ExtractSettings",
    "PomonaError",
    "ReduceSettings",
    "RunSettings",
    "SourceSettings",
    "SparkSettings",
    "Standardizer",
    "TrainSettings",
    "evaluate",
    "extract",
    "extract_features",
    "extract_images",
    "find_facts",
    "fit_reduction",
    "load_backbone",
    "load_recogniser",
    "reduce",
    "reduce_features",
    "report",
    "run",
    "train",
    "write_samples",
]

# Imported on first use, so that `import pomona` and `pomona --help` are quick.
_HOMES = {
    "PCA": "reduction",
    "ExtractSettings": "config",
    "PomonaError": "errors",
    "ReduceSettings": "config",
    "RunSettings": "config",
    "SourceSettings": "config",
    "SparkSettings": "config",
    "Standardizer": "reduction",
    "TrainSettings": "config",
    "evaluate": "recognising",
    "extract": "pipeline",
    "extract_features": "features",
    "extract_images": "spark.transforms",
    "find_facts": "facts",
    "fit_reduction": "spark.fitting",
    "load_backbone": "backbones",
    "load_recogniser": "recognition",
    "reduce": "pipeline",
    "reduce_features": "spark.transforms",
    "report": "pipeline",
    "run": "pipeline",
    "train": "recognising",
    "write_samples": "samples",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'pomona' has no attribute '{name}'")
    return getattr(import_module(f"pomona.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return __all__
