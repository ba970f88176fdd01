"""``run``: bring a store up to date; extract, reduce, train and report in one go."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from pomona.errors import SettingsError
from pomona.pictures.listing import OnListed
from pomona.pipeline.clock import seconds_since
from pomona.pipeline.compare import compared
from pomona.pipeline.extract import Updated, start_store, update_store
from pomona.pipeline.plan import Plan, plan_extract
from pomona.pipeline.reduce import NEW_SHARE, reduce_stage
from pomona.pipeline.report import write_report
from pomona.pipeline.session import Session
from pomona.pipeline.train import check_training, train_stage
from pomona.reduction.fitted import Reduction, save_reduction
from pomona.schema import OnProgress
from pomona.settings import (
    ExtractSettings,
    ReduceSettings,
    RunSettings,
    SourceSettings,
    SparkSettings,
    TrainSettings,
    UpdateSettings,
)
from pomona.storage.claims import Claim, claim
from pomona.storage.exports import check_vectors, export_features
from pomona.storage.locations import Location
from pomona.storage.records import RunRecord, replace
from pomona.storage.state import sweep
from pomona.storage.store import (
    EXPORT,
    FEATURES,
    MODEL,
    REDUCED,
    REPORT,
    find_run,
    publish,
    staging,
)
from pomona.storage.store_records import DriftRecord

__all__ = ["Wishes", "open_session", "run", "run_once"]

logger = logging.getLogger(__name__)


def run(
    source: SourceSettings,
    out: str,
    *,
    extract_settings: ExtractSettings | None = None,
    update_settings: UpdateSettings | None = None,
    reduce_settings: ReduceSettings | None = None,
    run_settings: RunSettings | None = None,
    train_settings: TrainSettings | None = None,
    spark_settings: SparkSettings | None = None,
    fresh: bool = False,
    on_listed: OnListed | None = None,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Bring ``out`` up to date with the pictures of a folder or bucket.

    Parameters
    ----------
    source : SourceSettings
    out : str
        Folder or bucket.
    extract_settings : ExtractSettings, optional
    update_settings : UpdateSettings, optional
    reduce_settings : ReduceSettings, optional
    run_settings : RunSettings, optional
    train_settings : TrainSettings, optional
        Without, a recogniser that was trained before is kept up to date, and none is made.
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
    PomonaError
        As :func:`pomona.extract`, :func:`pomona.reduce` and :func:`pomona.train`.
    """
    wishes = Wishes(
        source=source,
        out=out,
        extracting=extract_settings or ExtractSettings(),
        updating=update_settings or UpdateSettings(),
        reducing=reduce_settings or ReduceSettings(),
        running=run_settings or RunSettings(),
        training=train_settings,
        spark=spark_settings or SparkSettings(),
    )
    return run_once(
        wishes, open_session(wishes), fresh=fresh, on_listed=on_listed, on_progress=on_progress
    )


@dataclass(frozen=True)
class Wishes:
    """All that a user says of a run."""

    source: SourceSettings
    out: str
    extracting: ExtractSettings
    updating: UpdateSettings
    reducing: ReduceSettings
    running: RunSettings
    training: TrainSettings | None
    spark: SparkSettings


def open_session(wishes: Wishes) -> Session:
    """Return a session for such runs, not started yet."""
    computing = wishes.training is not None or wishes.updating.inventory is not None
    return Session(wishes.spark, for_computing=computing)


def run_once(
    wishes: Wishes,
    session: Session,
    *,
    fresh: bool = False,
    on_listed: OnListed | None = None,
    on_progress: OnProgress | None = None,
    stop: Callable[[], bool] | None = None,
) -> RunRecord:
    """Bring a store up to date, with a session that may be used again.

    Parameters
    ----------
    wishes : Wishes
    session : Session
    fresh : bool
    on_listed, on_progress : callable, optional
    stop : callable, optional
        Asked after each commit whether to end there.

    Raises
    ------
    StoppedError
        If ``stop`` said so; what was committed is kept.
    """
    started = time.perf_counter()
    _check_together(wishes.running, wishes.training)
    if wishes.training is not None:
        check_training()
    plan = plan_extract(
        wishes.source,
        wishes.out,
        extract_settings=wishes.extracting,
        update_settings=wishes.updating,
        spark_settings=wishes.spark,
        fresh=fresh,
        on_listed=on_listed,
    )
    if plan.changes.n_fetch or plan.inventory:
        # While Java starts, this process only waits.
        threading.Thread(target=_import_ahead, daemon=True).start()
    with claim(plan.out) as mine:
        with compared(plan, mine, session) as plan:
            start_store(plan, session)
            updated = update_store(plan, mine, session, on_progress, stop)
        wanted = _Wanted(plan, wishes.running, wishes.reducing, wishes.training)
        record = wanted.bring(updated, mine, session, started)
        sweep(plan.out, mine)
    return record


def _check_together(running: RunSettings, training: TrainSettings | None) -> None:
    if training and training.on == "reduced" and not running.reduce:
        raise SettingsError(
            "The classifier takes reduced vectors, and this run makes none. "
            "Reduction is switched off. Add --on features, or leave --no-reduce out."
        )


@dataclass(frozen=True)
class _Wanted:
    """What a run makes of the features."""

    plan: Plan
    running: RunSettings
    reducing: ReduceSettings
    training: TrainSettings | None
    before: RunRecord | None = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "before", find_run(self.plan.out))

    def bring(self, updated: Updated, mine: Claim, session: Session, started: float) -> RunRecord:
        """Bring everything but the features up to date; return what run.json holds."""
        out = self.plan.out
        record = replace(
            updated.record, settings=replace(updated.record.settings, run=self.running)
        )
        if self._is_done(updated):
            record = self._as_before(record, started)
            with staging(out) as staged:
                publish(staged, out, parts=(), run=record)
            return record
        with staging(out) as staged:
            parts, merged = [REPORT], {}
            reduction = None
            refitted = False
            if self.running.reduce:
                reduced = reduce_stage(
                    session,
                    out,
                    staged,
                    record,
                    self.reducing,
                    features=updated.state.features,
                    refit=self.running.refit,
                    new_files=[name for name in updated.state.features.files if mine.name in name],
                )
                record, reduction, refitted = reduced.record, reduced.reduction, reduced.refitted
                if refitted:
                    parts += [REDUCED, MODEL]
                else:
                    merged[REDUCED] = reduced.dropped
            else:
                parts += [REDUCED, MODEL]
                record = replace(
                    record,
                    n_components=None,
                    explained_variance=None,
                    settings=replace(record.settings, reduce=None),
                )
            if self.running.export or out.has(EXPORT):
                parts.append(EXPORT)
            if self.running.export:
                export_features(
                    out.at(FEATURES),
                    staged.at(EXPORT),
                    names=list(updated.state.features.files),
                    views=self.running.export,
                )
            record, trained = self._train(updated, session, staged, record, reduction, refitted)
            if trained and MODEL not in parts:
                parts.append(MODEL)
            record = replace(record, seconds_total=seconds_since(started), seconds_report=None)
            publish(staged, out, parts=parts, run=record, merged=merged)
        if self.running.reduce and self.running.check:
            record = _check_stage(out.at(REDUCED), record, self.reducing.format)
        return write_report(out, record, started)

    def _is_done(self, updated: Updated) -> bool:
        """Return whether all there is was made by the last run, with the same settings."""
        before = self.before
        if before is None or updated.changed or not self.plan.changes.nothing:
            return False
        if before.seconds_report is None or self.running.refit == "always" or self.running.check:
            return False
        wanted = self.reducing if self.running.reduce else None
        trained = before.training.settings if before.training else None
        return (
            before.settings.run is not None
            and before.settings.run.export == self.running.export
            and before.settings.run.refit == self.running.refit
            and before.settings.reduce == wanted
            and (self.training is None or self.training == trained)
            and before.images_extracted == updated.record.images_extracted
        )

    def _as_before(self, record: RunRecord, started: float) -> RunRecord:
        before = self.before
        assert before is not None
        return replace(
            record,
            seconds_total=seconds_since(started),
            seconds_report=before.seconds_report,
            vectors_checked=before.vectors_checked,
        )

    def _train(
        self,
        updated: Updated,
        session: Session,
        staged: Location,
        record: RunRecord,
        reduction: Reduction | None,
        refitted: bool,
    ) -> tuple[RunRecord, bool]:
        """Train if asked to, or if the recogniser that is there no longer fits."""
        before = self.before.training if self.before and not self.plan.fresh else None
        settings = self.training or (before.settings if before else None)
        if settings is None or (settings.on == "reduced" and reduction is None):
            return replace(record, training=None, seconds_train=None), False
        drift = record.drift or DriftRecord()
        if (
            before is not None
            and settings == before.settings
            and not self._is_stale(drift, updated, refitted)
        ):
            return record, False
        check_training()
        if reduction is not None and not staged.has(MODEL):
            save_reduction(
                staged.at(MODEL),
                reduction,
                backbone=self.plan.backbone.spec.to_dict(),
                fitted_on=drift.fitted_on,
            )
        record = train_stage(
            session.get(),
            self.plan.out,
            updated.state.features,
            staged,
            record,
            settings,
            self.plan.backbone,
            reduction,
        )
        return record, True

    def _is_stale(self, drift: DriftRecord, updated: Updated, refitted: bool) -> bool:
        if self.running.refit != "auto":
            return self.running.refit == "always"
        n_rows = updated.state.features.n_rows
        changes = updated.record.changes
        n_new = n_rows - (drift.trained_on or 0)
        gone = changes.gone + changes.changed + changes.moved + changes.relabelled
        return refitted or gone > 0 or n_new > NEW_SHARE * n_rows


def _check_stage(reduced: Location, record: RunRecord, format: str) -> RunRecord:
    """Compare the stored vectors with the record; return the record that run.json gets."""
    n_components = record.n_components or 0
    check_vectors(reduced, format=format, n_components=n_components, n_rows=record.images_extracted)
    logger.info("checked: %s stored vectors of %s numbers", record.images_extracted, n_components)
    return replace(record, vectors_checked=record.images_extracted)


def _import_ahead() -> None:
    """Import what the stages after the extraction need: a second on a laptop."""
    import pomona.reduction.estimators
    import pomona.reporting  # noqa: F401
