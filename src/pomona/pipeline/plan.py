"""What an extraction needs, looked up once before any work starts, and handed down."""

import logging
from dataclasses import dataclass, replace

import pyarrow as pa

from pomona import schema
from pomona.backbones import ResolvedBackbone, resolve_backbone
from pomona.backbones.engines import check_engine
from pomona.pictures.changes import NOTHING, Changes, find_changes
from pomona.pictures.inventory import Inventory, open_inventory
from pomona.pictures.listing import Listing, OnListed, hash_pictures, list_images
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
from pomona.storage.state import StoreState, check_properties, find_state, read_state
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
    inventory : Inventory or None
        What names the pictures where they are not listed; they are counted and compared when
        Spark runs (:func:`pomona.pipeline.compare.compared`).
    n_images, n_bytes : int
        Pictures found, without those that were forgotten, and their size together.
    n_forgotten : int
        Pictures left out because ``pomona forget`` was told to.
    bad_names : pyarrow.Table
        Rows of :data:`pomona.schema.QUARANTINE`: found, and not usable even by name.
    source_sha256 : str
        Changes when a picture is added, removed, resized or touched.
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
    inventory: Inventory | None
    n_images: int
    n_bytes: int
    n_forgotten: int
    bad_names: pa.Table
    source_sha256: str
    changes: Changes

    @property
    def retry(self) -> frozenset[str]:
        """Reason codes of quarantined pictures that are tried again."""
        return frozenset(schema.REASON_CODES) if self.update.retry else schema.RETRYABLE


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
    inventory = open_inventory(update.inventory, source) if update.inventory else None
    # Before the listing: what another run adds in the meantime must not look gone.
    state = None
    if not fresh and is_store(place):
        # Beside an inventory the rows stay where they are, with the workers.
        state = read_state(place) if inventory is None else find_state(place)
        check_properties(place, state, properties)
    plan = Plan(
        source=source,
        out=place,
        settings=settings,
        update=update,
        spark_settings=spark_settings,
        fresh=fresh,
        backbone=backbone,
        properties=properties,
        state=state,
        inventory=inventory,
        n_images=0,
        n_bytes=0,
        n_forgotten=0,
        bad_names=schema.QUARANTINE.empty_table(),
        source_sha256="",
        changes=NOTHING,
    )
    return plan if inventory else _list(plan, on_listed)


def _list(plan: Plan, on_listed: OnListed | None) -> Plan:
    """List the pictures, and compare them with what the store holds."""
    listed = list_images(plan.source, on_listed=on_listed)
    pictures = leave_forgotten(plan.out, listed.pictures)
    listing = Listing(pictures, listed.quarantined)
    logger.info("found %s pictures, %.1f MB", listing.n_images, listing.n_bytes / 1e6)
    changes = find_changes(
        listing.all_pictures,
        plan.state.keys if plan.state else schema.KEYS.empty_table(),
        fingerprint=plan.backbone.spec.fingerprint(),
        retry=plan.retry,
    )
    return replace(
        plan,
        n_images=listing.n_images,
        n_bytes=listing.n_bytes,
        n_forgotten=len(listed.pictures) - len(pictures),
        bad_names=listing.quarantined,
        source_sha256=f"{hash_pictures(listing.all_pictures):064x}",
        changes=changes,
    )
