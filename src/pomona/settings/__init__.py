"""Frozen settings, each field declared once: type, default, limits, unit and help.

Commands, presets and the reference of the command line are derived from these records; Python
functions take them as they are. Nothing but the standard library is imported.
"""

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
from pomona.settings.running import (
    CheckSettings,
    ForgetSettings,
    ResultSettings,
    RunSettings,
    SparkSettings,
    UpdateSettings,
    WatchSettings,
)
from pomona.settings.serving import Contributing, Limits, ServeSettings
from pomona.settings.stages import (
    AUTO_ENGINE,
    CLASSIFIERS,
    DEFAULT_MAX_PIXELS,
    ClassifierName,
    DecodeLimits,
    ExtractSettings,
    ReduceSettings,
    SourceSettings,
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
    "CheckSettings",
    "ClassifierName",
    "ConsoleSettings",
    "ContributedSettings",
    "Contributing",
    "DecodeLimits",
    "DoctorSettings",
    "EvaluateSettings",
    "ExtractSettings",
    "FactsSettings",
    "ForgetSettings",
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
    "UpdateSettings",
    "WatchSettings",
    "When",
    "parse_components",
]
