"""From the options of a command to the settings records of the library."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pomona.errors import SettingsError

if TYPE_CHECKING:
    from pomona.settings import ExtractSettings, ReduceSettings, SourceSettings, SparkSettings

__all__ = ["to_extract_settings", "to_reduce_settings", "to_source_settings", "to_spark_settings"]


def to_source_settings(
    source: Path, label: str, glob: str | None, limit: int | None, sample: int | None
) -> "SourceSettings":
    """Return which pictures the options ask for."""
    from pomona.settings import SourceSettings

    return SourceSettings(source, label=label, glob=glob, limit=limit, sample=sample)


def to_extract_settings(max_pixels: int, lenient: bool, **more: Any) -> "ExtractSettings":
    """Return how the options want features made."""
    from pomona.settings import DecodeLimits, ExtractSettings

    return ExtractSettings(limits=DecodeLimits(max_pixels=max_pixels, lenient=lenient), **more)


def to_reduce_settings(
    components: str, standardise: bool, whiten: bool, format: str
) -> "ReduceSettings":
    """Return how the options want features reduced."""
    from pomona.settings import ReduceSettings, parse_components

    return ReduceSettings(
        components=parse_components(components),
        standardise=standardise,
        whiten=whiten,
        format=format,  # type: ignore[arg-type]  # checked by the record itself
    )


def to_spark_settings(master: str | None, conf: list[str] | None) -> "SparkSettings":
    """Return which Spark the options ask for."""
    from pomona.settings import SparkSettings

    pairs = []
    for item in conf or []:
        name, separator, value = item.partition("=")
        if not separator or not name:
            raise SettingsError(
                f"The Spark setting '{item}' has no value. It is written NAME=VALUE. "
                "Correct --conf, as in --conf spark.driver.memory=4g."
            )
        pairs.append((name, value))
    return SparkSettings(master=master, conf=tuple(pairs))
