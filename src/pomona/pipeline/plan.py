"""What an extraction needs, looked up once before any work starts, and handed down."""

import logging
from dataclasses import dataclass

from pomona import schema
from pomona.backbones import ResolvedBackbone, resolve_backbone
from pomona.backbones.engines import check_engine
from pomona.pictures.changes import Changes, find_changes
from pomona.pictures.listing import Listing, OnListed, list_images
from pomona.settings import (
    AUTO_ENGINE,
    ExtractSettings,
    SourceSettings,
    SparkSettings,
    UpdateSettings,
)
from pomona.storage.addresses import full_place
from pomona.storage.forgotten import leave_forgotten
from pomona.storage.locations import Location, open_location
from pomona.storage.state import StoreState, check_properties, read_state
from pomona.storage.store import check_output, is_store

__all__ = ["Plan", "plan_extract"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """An extraction that can start: everything that could be wrong was looked at.

    Parameters
    ----------
    source : SourceSettings
    out : Location
    settings : ExtractSettings
    update : UpdateSettings
    spark_settings : SparkSettings
    fresh : bool
        What ``out`` holds is deleted first.
    backbone : ResolvedBackbone
        The network's record and its weights, hashed.
    properties : dict of str to str
        What a store for these settings is made with.
    state : StoreState or None
        What the store held before the pictures were listed; None where there is none yet.
    listing : Listing
        The pictures, without those that were forgotten.
    n_forgotten : int
        Pictures left out because ``pomona forget`` was told to.
    changes : Changes
        What there is to do.
    """

    source: SourceSettings
    out: Location
    settings: ExtractSettings
    update: UpdateSettings
    spark_settings: SparkSettings
    fresh: bool
    backbone: ResolvedBackbone
    properties: dict[str, str]
    state: StoreState | None
    listing: Listing
    n_forgotten: int
    changes: Changes


def plan_extract(
    source: SourceSettings,
    out: Location | str,
    *,
    extract_settings: ExtractSettings | None = None,
    update_settings: UpdateSettings | None = None,
    spark_settings: SparkSettings | None = None,
    fresh: bool = False,
    on_listed: OnListed | None = None,
) -> Plan:
    """Check everything that can be wrong and list the pictures, without starting Spark.

    Parameters
    ----------
    source : SourceSettings
    out : Location or str
        Folder or bucket of the results.
    extract_settings : ExtractSettings, optional
    update_settings : UpdateSettings, optional
    spark_settings : SparkSettings, optional
    fresh : bool
        Whether to start anew.
    on_listed : callable, optional
        Called with the number of files seen so far.

    Returns
    -------
    Plan

    Raises
    ------
    SettingsError
        If source, output or a setting cannot be used, or the store was made with others.
    SetupError
        If weights are missing or damaged, or a bucket refuses.
    """
    from pomona.spark.session import check_master

    settings = extract_settings or ExtractSettings()
    update = update_settings or UpdateSettings()
    spark_settings = spark_settings or SparkSettings()
    place = open_location(out)
    backbone = resolve_backbone(settings)
    if settings.engine != AUTO_ENGINE:
        check_engine(settings.engine)
    if spark_settings.master:
        check_master(spark_settings.master)
    check_output(place, source.source, fresh=fresh)
    fingerprint = backbone.spec.fingerprint()
    properties = {
        "source": full_place(source.source),
        "label": source.label,
        "backbone": backbone.spec.name,
        "fingerprint": fingerprint,
        "max_pixels": str(settings.limits.max_pixels),
        "lenient": str(settings.limits.lenient).lower(),
    }
    # Before the listing: what another run adds in the meantime must not look gone.
    state = None if fresh or not is_store(place) else read_state(place)
    if state is not None:
        check_properties(place, state, properties)
    listed = list_images(source, on_listed=on_listed)
    pictures = leave_forgotten(place, listed.pictures)
    listing = Listing(pictures, listed.quarantined)
    logger.info("found %s pictures, %.1f MB", listing.n_images, listing.n_bytes / 1e6)
    keys = state.keys if state else schema.KEYS.empty_table()
    changes = find_changes(
        listing.all_pictures,
        keys,
        fingerprint=fingerprint,
        retry=schema.REASON_CODES if update.retry else schema.RETRYABLE,
    )
    return Plan(
        source=source,
        out=place,
        settings=settings,
        update=update,
        spark_settings=spark_settings,
        fresh=fresh,
        backbone=backbone,
        properties=properties,
        state=state,
        listing=listing,
        n_forgotten=len(listed.pictures) - len(pictures),
        changes=changes,
    )
