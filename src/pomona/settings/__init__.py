"""Frozen settings, each field declared once: type, default, limits, unit and help.

Commands, presets and the reference of the command line are derived from these records; Python
functions take them as they are. Nothing but the standard library is imported.
"""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from pomona.settings.asking import (
    CacheSettings,
    ConsoleSettings,
    ContributedSettings,
    DoctorSettings,
    EvaluateSettings,
    FactsSettings,
    FormatSettings,
    NetworkSettings,
    PredictSettings,
    PresetSettings,
    PullSettings,
    PurgeSettings,
)
from pomona.settings.option import Option, When
from pomona.settings.serving import Contributing, Limits, ServeSettings
from pomona.settings.stages import (
    AUTO_ENGINE,
    CLASSIFIERS,
    DEFAULT_MAX_PIXELS,
    ClassifierName,
    DecodeLimits,
    ExtractSettings,
    ReduceSettings,
    ResultSettings,
    RunSettings,
    SourceSettings,
    SparkSettings,
    StoredResult,
    TableFormat,
    TrainSettings,
    parse_components,
)

__all__ = [
    "AUTO_ENGINE",
    "CLASSIFIERS",
    "DEFAULT_MAX_PIXELS",
    "CacheSettings",
    "ClassifierName",
    "ConsoleSettings",
    "ContributedSettings",
    "Contributing",
    "DecodeLimits",
    "DoctorSettings",
    "EvaluateSettings",
    "ExtractSettings",
    "FactsSettings",
    "FormatSettings",
    "Limits",
    "NetworkSettings",
    "Option",
    "PredictSettings",
    "PresetSettings",
    "PullSettings",
    "PurgeSettings",
    "ReduceSettings",
    "ResultSettings",
    "RunSettings",
    "ServeSettings",
    "SourceSettings",
    "SparkSettings",
    "StoredResult",
    "TableFormat",
    "TrainSettings",
    "When",
    "parse_components",
    "settings_to_dict",
]


def settings_to_dict(settings: Any) -> dict[str, Any]:
    """Return a settings record as plain JSON values."""
    return {name: _to_json(value) for name, value in asdict(settings).items()}


def _to_json(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value
