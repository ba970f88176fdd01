"""Settings of a run as a whole: how OUT is kept up to date, and where Spark runs."""

import os
import re
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from pomona.errors import SettingsError
from pomona.settings.option import Option, Record
from pomona.settings.stages import OUTPUT, REDUCTION

__all__ = [
    "CheckSettings",
    "ForgetSettings",
    "ResultSettings",
    "RunSettings",
    "SparkSettings",
    "UpdateSettings",
    "WatchSettings",
]

ExportKind = Literal["csv", "json", "labels"]
Refit = Literal["auto", "always", "never"]
SPARK: Final = "Spark"
UPDATE: Final = "Growing stores"
WATCH: Final = "Watching"
COMMIT_EVERY: Final = re.compile(r"[1-9]\d{0,8}|[1-9]\d{0,5}(\.\d+)?[smh]")
SECONDS: Final = {"s": 1.0, "m": 60.0, "h": 3600.0}


def parse_conf(text: str) -> tuple[str, str]:
    """Return ``"NAME=VALUE"`` as a pair.

    Raises
    ------
    SettingsError
        If it is not written so.
    """
    name, separator, value = text.partition("=")
    if not separator or not name:
        raise SettingsError(
            f"The Spark setting '{text}' has no value. It is written NAME=VALUE. "
            "Correct --conf, as in --conf spark.driver.memory=4g."
        )
    return name, value


@dataclass(frozen=True)
class UpdateSettings(Record):
    """How OUT is brought up to date."""

    commit_every: Annotated[
        str,
        Option(
            "Make sure of the work so far after this many pictures, or this long (10m, 1h); a "
            "killed run goes on from there.",
            UPDATE,
            unit="pictures|time",
        ),
    ] = "20000"
    retry: Annotated[
        bool,
        Option(
            "Try all quarantined pictures again; without, those that the storage failed on.",
            UPDATE,
        ),
    ] = False

    inventory: Annotated[
        str | None,
        Option(
            "Do not list SOURCE: its pictures are those that this inventory names. A manifest.json "
            "of S3, Azure or Google, or Parquet or CSV (path, size, etag, mtime); Spark compares "
            "it, however long it is. What it does not name is gone.",
            UPDATE,
            unit="file",
        ),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if not COMMIT_EVERY.fullmatch(self.commit_every):
            raise SettingsError(
                f"commit_every is '{self.commit_every}'. It is a number of pictures from 1, or a "
                "time in seconds, minutes or hours. Give 20000, or 10m."
            )

    @property
    def commit_pictures(self) -> int | None:
        """Pictures between two commits; None where a time is given."""
        return int(self.commit_every) if self.commit_every.isdigit() else None

    @property
    def commit_seconds(self) -> float | None:
        """Seconds between two commits; None where a number is given."""
        unit = SECONDS.get(self.commit_every[-1])
        return unit * float(self.commit_every[:-1]) if unit else None


@dataclass(frozen=True)
class RunSettings(Record):
    """What a run does beside extracting."""

    reduce: Annotated[bool, Option("Standardise and reduce the features.", REDUCTION)] = True
    refit: Annotated[
        Refit,
        Option(
            "Fit PCA and recogniser anew: auto where they no longer hold what was asked, a fifth "
            "of the pictures is new, or pictures went; always; never.",
            REDUCTION,
        ),
    ] = "auto"
    check: Annotated[
        bool,
        Option(
            "Read the reduced vectors back and compare their lengths with the PCA's.", REDUCTION
        ),
    ] = False
    export: Annotated[
        tuple[ExportKind, ...],
        Option(
            "Write the features once more to export/: csv or json (one file), or labels (one "
            "folder per label).",
            OUTPUT,
            unset="nothing",
        ),
    ] = ()


@dataclass(frozen=True)
class SparkSettings(Record):
    """Which Spark to use."""

    master: Annotated[
        str | None,
        Option(
            "Spark master: local[N], yarn, k8s://..., spark://...",
            SPARK,
            unit="address",
            unset="spark-submit's, else local[*]",
        ),
    ] = None
    conf: Annotated[
        tuple[tuple[str, str], ...],
        Option(
            "Further Spark setting; it wins over Pomona's own.",
            SPARK,
            unit="name=value",
            parse=parse_conf,
        ),
    ] = ()


@dataclass(frozen=True)
class ResultSettings(Record):
    """Where the results of a run go."""

    out: Annotated[
        str,
        Option("Folder or bucket of the results, brought up to date.", OUTPUT, short="-o"),
    ]
    fresh: Annotated[bool, Option("Delete what OUT holds first, and start anew.", OUTPUT)] = False
    dry_run: Annotated[
        bool, Option("Check everything and say what would be done; start nothing.", OUTPUT)
    ] = False
    as_json: Annotated[
        bool, Option("Print what was done as one JSON object.", OUTPUT, name="json")
    ] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        object.__setattr__(self, "out", os.fspath(self.out))


@dataclass(frozen=True)
class ForgetSettings(Record):
    """Which pictures to take out for good."""

    paths: Annotated[
        tuple[str, ...],
        Option("Picture: its full name, or its name below SOURCE.", name="path"),
    ] = ()
    label: Annotated[str | None, Option("All pictures of this label.")] = None
    code: Annotated[
        str | None,
        Option("The contribution of this code; its photograph is deleted, too."),
    ] = None
    file: Annotated[
        str | None, Option("File with the name of a picture on each line.", name="from")
    ] = None
    dry_run: Annotated[bool, Option("Count them; change nothing.")] = False
    as_json: Annotated[bool, Option("Print the receipt as JSON.", name="json")] = False


@dataclass(frozen=True)
class CheckSettings(Record):
    """What to do about what is found."""

    repair: Annotated[bool, Option("Mend what can be mended; without, only look.")] = False
    as_json: Annotated[bool, Option("Print the findings as JSON.", name="json")] = False


@dataclass(frozen=True)
class WatchSettings(Record):
    """When to look, and who may wake up earlier."""

    every: Annotated[
        float, Option("Seconds between two rounds.", WATCH, unit="seconds", at_least=1)
    ] = 60.0
    queue: Annotated[
        str | None,
        Option(
            "Address of an SQS queue that the bucket tells of new objects: between full listings, "
            "one a day, a round begins only when it has said something.",
            WATCH,
            unit="url",
            unset="none",
        ),
    ] = None
    metrics: Annotated[
        str | None,
        Option(
            "File for figures in Prometheus' text format, renewed after each round.",
            WATCH,
            unit="path",
            unset="none",
        ),
    ] = None
    rounds: Annotated[
        int | None, Option("End after this many rounds.", WATCH, unset="never", at_least=1)
    ] = None
