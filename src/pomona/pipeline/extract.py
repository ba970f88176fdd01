"""``extract``: a store is brought up to date with its source; pictures become feature vectors."""

import platform
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from pomona import schema
from pomona.errors import OutputError, PomonaError, QuarantineError
from pomona.pictures.listing import OnListed
from pomona.pipeline.clock import seconds_since
from pomona.pipeline.compare import compared, count_again
from pomona.pipeline.plan import Plan, plan_extract
from pomona.pipeline.session import Session
from pomona.pipeline.update import Work, heal
from pomona.schema import OnProgress
from pomona.settings import (
    ExtractSettings,
    SourceSettings,
    SparkSettings,
    UpdateSettings,
)
from pomona.storage.addresses import full_place
from pomona.storage.claims import Claim, claim
from pomona.storage.records import RUN_FORMAT, RunRecord, SettingsRecord, SparkRecord
from pomona.storage.records import replace as replace_fields
from pomona.storage.state import (
    StoreState,
    create_store,
    find_state,
    read_state,
    sweep,
)
from pomona.storage.store import clear, find_run, publish, staging
from pomona.storage.store_records import ChangesRecord
from pomona.storage.versions import find_versions

__all__ = ["Updated", "extract", "start_store", "update_store"]

VERSIONED: Final = (
    "pomona",
    "pyspark",
    "openvino",
    "onnxruntime",
    "numpy",
    "scipy",
    "pillow",
    "pyarrow",
    "deltalake",
    "obstore",
)


@dataclass(frozen=True)
class Updated:
    """A store after it was brought up to date.

    Parameters
    ----------
    state : StoreState
    record : RunRecord
        What ``run.json`` says so far.
    changed : bool
        Whether any row of features is another than before.
    """

    state: StoreState
    record: RunRecord
    changed: bool


def extract(
    source: SourceSettings,
    out: str,
    *,
    extract_settings: ExtractSettings | None = None,
    update_settings: UpdateSettings | None = None,
    spark_settings: SparkSettings | None = None,
    fresh: bool = False,
    on_listed: OnListed | None = None,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Bring ``out/features`` up to date with the pictures of a folder or bucket.

    Parameters
    ----------
    source : SourceSettings
    out : str
        Folder or bucket.
    extract_settings : ExtractSettings, optional
    update_settings : UpdateSettings, optional
    spark_settings : SparkSettings, optional
    fresh : bool
        Whether to delete first what ``out`` holds.
    on_listed : callable, optional
        Called with the number of files listed so far.
    on_progress : callable, optional
        Called with the number of pictures done, and of all that are read.

    Returns
    -------
    RunRecord
        What ``run.json`` holds.

    Raises
    ------
    SettingsError
        If source, output or a setting cannot be used.
    SetupError
        If Java, Spark, weights or an engine is missing, or a bucket refuses.
    QuarantineError
        If more pictures than ``max_bad`` cannot be used; ``out/quarantine`` says which and why.
    """
    started = time.perf_counter()
    plan = plan_extract(
        source,
        out,
        extract_settings=extract_settings,
        update_settings=update_settings,
        spark_settings=spark_settings,
        fresh=fresh,
        on_listed=on_listed,
    )
    session = Session(plan.spark_settings, for_computing=plan.inventory is not None)
    with claim(plan.out) as mine:
        with compared(plan, mine, session) as plan:
            start_store(plan, session)
            updated = update_store(plan, mine, session, on_progress)
        with staging(plan.out) as staged:
            record = replace_fields(updated.record, seconds_total=seconds_since(started))
            publish(staged, plan.out, parts=(), run=record)
        sweep(plan.out, mine)
    return record


def start_store(plan: Plan, session: Session) -> None:
    """Let there be a store to write to; meanwhile Spark starts, where it is sure to be needed."""
    with ThreadPoolExecutor(1) as pool:
        made = pool.submit(_make_store, plan)
        if plan.changes.n_fetch > len(plan.bad_names):
            session.get()
        made.result()


def _make_store(plan: Plan) -> None:
    if plan.fresh:
        clear(plan.out)
    if plan.state is None:
        create_store(plan.out, plan.properties)


def update_store(
    plan: Plan,
    mine: Claim,
    session: Session,
    on_progress: OnProgress | None,
    stop: Callable[[], bool] | None = None,
) -> Updated:
    """Do what the plan says, commit by commit, and say what the store holds then.

    Raises
    ------
    QuarantineError
        If more pictures than ``max_bad`` cannot be used.
    StoppedError
        If ``stop`` said so after a commit.
    """
    started, before = time.perf_counter(), session.seconds_start
    work = Work(plan, mine, session, on_progress, stop)
    state = plan.state or _find_new(plan)
    if not plan.changes.nothing:
        state = work.fetch(state)
        state = work.relabel(state)
        work.drop_gone(state)
        if plan.inventory is None:
            state = heal(plan, mine, read_state(plan.out))
        else:
            state = count_again(plan, mine, find_state(plan.out), session)
    seconds = time.perf_counter() - started - (session.seconds_start - before)
    changes = work.count()
    _check(plan, state)
    return Updated(
        state=state,
        record=_to_record(plan, state, changes, session, seconds),
        changed=plan.state is None or state.features.files != plan.state.features.files,
    )


def _find_new(plan: Plan) -> StoreState:
    """Return what a store holds that was not there when the plan was made."""
    if plan.inventory is None:
        # Another run may have been faster: its rows count.
        return read_state(plan.out)
    state = find_state(plan.out)
    if state.n_rows:
        raise OutputError(
            f"'{plan.out}' got its first rows from another run while this one compared the "
            "inventory. They would stand twice. Start the same command again."
        )
    return state


def _check(plan: Plan, state: StoreState) -> None:
    n_bad, n_found = state.quarantine.n_rows, plan.n_images
    share = n_bad / n_found
    if share > plan.settings.max_bad:
        counts = state.count(schema.REASON_CODE)
        reasons = ", ".join(f"{n} {code}" for code, n in counts.items())
        raise QuarantineError(
            f"{n_bad} of {n_found} pictures ({share:.1%}) cannot be used: {reasons}. "
            f"The limit is --max-bad {plan.settings.max_bad:g}. Look at the quarantine table, "
            "then mend the pictures or allow more; what is done is kept."
        )


def _to_record(
    plan: Plan, state: StoreState, changes: ChangesRecord, session: Session, seconds: float
) -> RunRecord:
    n_extracted, n_quarantined = state.features.n_rows, state.quarantine.n_rows
    labels, reasons = state.count(schema.LABEL), state.count(schema.REASON_CODE)
    n_counted = sum(labels.values()) + sum(reasons.values())
    if n_counted != n_extracted + n_quarantined:
        raise PomonaError(
            f"The store has '{n_counted}' pictures, and its tables say {n_extracted} and "
            f"{n_quarantined}. None may be lost. Please report this as a bug."
        )
    before = find_run(plan.out)
    spec = plan.backbone.spec
    n_read = changes.extracted + changes.quarantined
    earlier = before.settings if before else None
    return RunRecord(
        format_version=RUN_FORMAT,
        images_found=n_extracted + n_quarantined,
        images_extracted=n_extracted,
        images_quarantined=n_quarantined,
        seconds_total=0.0,
        seconds_spark_start=session.seconds_start,
        seconds_extract=round(seconds, 3),
        extract_images_per_second=round(n_read / seconds, 2) if n_read else 0.0,
        backbone=spec.name,
        backbone_sha256=spec.sha256,
        backbone_fingerprint=spec.fingerprint(),
        backbone_spec=spec.to_dict(),
        engine=session.engine or (before.engine if before else plan.settings.engine),
        n_features=spec.n_features,
        n_components=before.n_components if before else None,
        explained_variance=before.explained_variance if before else None,
        label_counts=labels,
        quarantine_counts=reasons,
        source=full_place(plan.source.source),
        source_sha256=plan.source_sha256,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        settings=SettingsRecord(
            source=plan.source,
            extract=plan.settings,
            spark=SparkRecord(master=session.master) if session.master else None,
            update=plan.update,
            run=earlier.run if earlier else None,
            reduce=earlier.reduce if earlier else None,
        ),
        versions={
            "python": platform.python_version(),
            "platform": platform.platform(),
            **find_versions(VERSIONED),
        },
        training=before.training if before else None,
        drift=before.drift if before else None,
        changes=changes,
    )
