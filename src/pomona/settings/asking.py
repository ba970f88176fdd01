"""Settings of the commands that look something up: recognisers, networks, facts, contributions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pomona.settings.option import Option, Record
from pomona.settings.serving import RETENTION, ModelFolder
from pomona.settings.stages import OUTPUT, Cache, Pooling

__all__ = [
    "CacheSettings",
    "ConsoleSettings",
    "ContributedSettings",
    "DoctorSettings",
    "EvaluateSettings",
    "FactsSettings",
    "FormatSettings",
    "NetworkSettings",
    "PredictSettings",
    "PresetSettings",
    "PullSettings",
    "PurgeSettings",
]

Json = Annotated[bool, Option("One JSON object on a line.")]
CORES: Final = "cores"


@dataclass(frozen=True)
class ConsoleSettings(Record):
    """What every command takes."""

    quiet: Annotated[bool, Option("Show warnings and errors only.", OUTPUT, short="-q")] = False
    log_json: Annotated[bool, Option("Log JSON, one object a line, to stderr.", OUTPUT)] = False
    config: Annotated[
        Path | None,
        Option(
            "TOML file of settings; options and variables such as POMONA_RUN_LIMIT win over it."
        ),
    ] = None


@dataclass(frozen=True)
class PresetSettings(Record):
    """Settings to start from."""

    preset: Annotated[
        str | None,
        Option(
            "Settings of a reference pipeline ('pomona presets list'), or a TOML file of your own; "
            "everything else wins over it.",
            unit="name|file",
        ),
    ] = None


@dataclass(frozen=True)
class FormatSettings(Record):
    """How an answer is printed."""

    json: Json = False


@dataclass(frozen=True)
class PredictSettings(Record):
    """How a recogniser is asked about photographs."""

    model: ModelFolder = None
    top: Annotated[int, Option("How many candidates to name.", unit="candidates", at_least=1)] = 5
    together: Annotated[bool, Option("All photographs show the same fruit: give one answer.")] = (
        False
    )
    threads: Annotated[int, Option("Processor cores to use.", unit=CORES, at_least=1)] = 1
    json: Json = False


@dataclass(frozen=True)
class EvaluateSettings(Record):
    """How a recogniser is scored."""

    out: Annotated[
        str | None,
        Option("Folder or bucket for the report and its numbers.", short="-o", unset="none"),
    ] = None
    strangers: Annotated[bool, Option("The pictures show no fruit: count refusals only.")] = False
    threads: Annotated[
        int | None, Option("Processor cores to use.", unit=CORES, unset="all", at_least=1)
    ] = None
    json: Json = False


@dataclass(frozen=True)
class FactsSettings(Record):
    """How facts are shown."""

    lang: Annotated[str, Option("Language: en or fr.", short="-l", unit="language")] = "en"
    json: Json = False


@dataclass(frozen=True)
class DoctorSettings(Record):
    """What is done about what is missing, and how it is shown."""

    fix: Annotated[bool, Option("Fetch Java into the user's cache if none fits.")] = False
    json: Annotated[bool, Option("The same as one JSON object.")] = False


@dataclass(frozen=True)
class CacheSettings(Record):
    """Where networks are kept."""

    cache: Cache = None


@dataclass(frozen=True)
class NetworkSettings(CacheSettings):
    """Which output of a network."""

    pooling: Pooling = None


@dataclass(frozen=True)
class PullSettings(NetworkSettings):
    """How a network is made."""

    weights: Annotated[
        Path | None,
        Option("Keras weights (.weights.h5, .h5, .keras).", unset="downloaded"),
    ] = None
    to: Annotated[
        Path | None,
        Option("Also write one file, for 'add' on another machine.", unset="none"),
    ] = None


@dataclass(frozen=True)
class ContributedSettings(Record):
    """Where contributions are."""

    folder: Annotated[
        str, Option("Folder or bucket of contributions, as given to 'pomona serve'.", short="-f")
    ]


@dataclass(frozen=True)
class PurgeSettings(ContributedSettings):
    """What is too old."""

    retention_days: Annotated[int, RETENTION]
