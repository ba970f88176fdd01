"""What an extraction needs, looked up once before any work starts, and handed down."""

import logging
from dataclasses import dataclass
from pathlib import Path

from pomona.backbones import ResolvedBackbone, resolve_backbone
from pomona.backbones.engines import check_engine
from pomona.pictures.listing import Listing, list_images
from pomona.settings import AUTO_ENGINE, ExtractSettings, SourceSettings, SparkSettings
from pomona.storage.locations import LocalLocation, open_location
from pomona.storage.store import check_output

__all__ = ["Plan", "plan_extract"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """An extraction that can start: everything that could be wrong was looked at.

    Parameters
    ----------
    source : SourceSettings
    out : LocalLocation
    settings : ExtractSettings
    spark_settings : SparkSettings
    backbone : ResolvedBackbone
        The network's record and its weights, hashed.
    listing : Listing
        The pictures.
    """

    source: SourceSettings
    out: LocalLocation
    settings: ExtractSettings
    spark_settings: SparkSettings
    backbone: ResolvedBackbone
    listing: Listing


def plan_extract(
    source: SourceSettings,
    out: Path,
    *,
    extract_settings: ExtractSettings | None = None,
    spark_settings: SparkSettings | None = None,
    overwrite: bool = False,
) -> Plan:
    """Check everything that can be wrong and list the pictures, without starting Spark.

    Parameters
    ----------
    source : SourceSettings
    out : Path
        Output folder.
    extract_settings : ExtractSettings, optional
    spark_settings : SparkSettings, optional
    overwrite : bool
        Whether an earlier result in ``out`` may be replaced.

    Returns
    -------
    Plan

    Raises
    ------
    SettingsError
        If source, output folder or a setting cannot be used.
    SetupError
        If weights are missing or damaged.
    """
    from pomona.spark.session import check_master

    settings = extract_settings or ExtractSettings()
    spark_settings = spark_settings or SparkSettings()
    place = open_location(out)
    backbone = resolve_backbone(settings)
    if settings.engine != AUTO_ENGINE:
        check_engine(settings.engine)
    if spark_settings.master:
        check_master(spark_settings.master)
    listing = list_images(source)
    check_output(place, source.source, overwrite=overwrite)
    logger.info("found %s pictures, %.1f MB", listing.n_images, listing.n_bytes / 1e6)
    return Plan(source, place, settings, spark_settings, backbone, listing)
