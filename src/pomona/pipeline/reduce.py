"""``reduce``: feature vectors become few numbers, by a PCA that keeps a share of the variance."""

import logging
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from pomona.backbones import read_spec
from pomona.errors import ModelError
from pomona.pipeline.clock import seconds_since
from pomona.pipeline.session import Session
from pomona.reduction.fitted import Reduction, load_reduction, save_reduction
from pomona.reduction.moments import Moments
from pomona.reduction.solving import check_width, explained_share, solve_reduction
from pomona.reduction.sums import Sums, read_sums, write_sums
from pomona.settings import ReduceSettings, SparkSettings
from pomona.storage.claims import claim
from pomona.storage.locations import Location, open_location
from pomona.storage.records import RunRecord, replace
from pomona.storage.state import read_state, sweep
from pomona.storage.store import (
    FEATURES,
    MODEL,
    REDUCED,
    REPORT,
    STATE,
    publish,
    read_run,
    staging,
)
from pomona.storage.store_records import DriftRecord
from pomona.storage.table import Snapshot

if TYPE_CHECKING:
    from pomona.spark.session import SparkSession

__all__ = ["Reduced", "reduce", "reduce_stage"]

# So few vectors this process adds up and projects faster than it could ask others to.
FEW_ROWS: Final = 20_000
# `auto` fits anew when more of the pictures than this came after the last fit.
NEW_SHARE: Final = 0.2
# Where a number of components was asked for: how much less than at the fit they may hold.
LOST_SHARE: Final = 0.01

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reduced:
    """What a reduction did.

    Parameters
    ----------
    record : RunRecord
        What ``run.json`` gets.
    reduction : Reduction
    refitted : bool
        Whether it is another one than before; ``reduced/`` is then staged as a whole.
    dropped : tuple of str
        Files of ``reduced/`` that stand for no features any more, where it is not.
    """

    record: RunRecord
    reduction: Reduction
    refitted: bool
    dropped: tuple[str, ...] = ()


def reduce(
    out: str,
    *,
    reduce_settings: ReduceSettings | None = None,
    spark_settings: SparkSettings | None = None,
) -> RunRecord:
    """Standardise and reduce ``out/features``; writes ``out/reduced`` and ``out/model``.

    An earlier reduction, recogniser and report in ``out`` are replaced.

    Parameters
    ----------
    out : str
        Folder or bucket of a finished extraction.
    reduce_settings : ReduceSettings, optional
    spark_settings : SparkSettings, optional

    Returns
    -------
    RunRecord
        What ``run.json`` holds now.

    Raises
    ------
    OutputError
        If ``out`` holds no finished extraction.
    ReductionError
        If the features do not allow what is asked.
    """
    place = open_location(out)
    record = read_run(place)
    state = read_state(place)
    session = Session(spark_settings)
    with claim(place) as mine, staging(place) as staged:
        done = reduce_stage(
            session,
            place,
            staged,
            record,
            reduce_settings or ReduceSettings(),
            features=state.features,
            refit="always",
        )
        # What was trained on the old vectors goes with them.
        record = replace(done.record, training=None, seconds_train=None, seconds_report=None)
        publish(staged, place, parts=(REDUCED, MODEL, REPORT), run=record)
        sweep(place, mine)
    return record


def reduce_stage(
    session: Session,
    out: Location,
    staged: Location,
    record: RunRecord,
    settings: ReduceSettings,
    *,
    features: Snapshot,
    refit: str,
    new_files: Collection[str] = (),
) -> Reduced:
    """Bring ``reduced/`` up to date in a staged folder; fit anew where ``refit`` says so.

    Parameters
    ----------
    session : Session
    out, staged : Location
    record : RunRecord
        Its ``drift`` is the last run's.
    settings : ReduceSettings
    features : Snapshot
        Which files hold features now.
    refit : {"auto", "always", "never"}
    new_files : collection of str
        Those of pictures that this run extracted.
    """
    started = time.perf_counter()
    # As it was then: the network itself need not be here any more.
    spec = read_spec(record.backbone_spec, name=record.backbone, origin="run.json")
    check_width(spec.n_features)
    moments, before, new = _bring_sums(session, out, features, new_files, spec.n_features)
    old = None if refit == "always" else _find_old(out, record, settings)
    drift = _find_drift(record, old, moments, before, new)
    fit = old is None or _must_fit(refit, old, drift, moments, settings)
    if fit:
        drift = replace(drift, fitted_on=moments.count, gone_since_fit=0)
        reduction = solve_reduction(_copy(moments), settings)
        drift = replace(
            drift,
            explained_variance=float(reduction.explained_variance_ratio.sum()),
            explained_at_fit=float(reduction.explained_variance_ratio.sum()),
        )
        save_reduction(
            staged.at(MODEL), reduction, backbone=spec.to_dict(), fitted_on=moments.count
        )
        _project(session, out, staged, list(features.files), features, reduction, settings)
        dropped: tuple[str, ...] = ()
    else:
        assert old is not None
        reduction = old
        dropped = _project_new(session, out, staged, features, reduction, settings)
    logger.info("%s to %s components", "reduced" if fit else "projected", len(reduction.components))
    record = replace(
        record,
        seconds_reduce=seconds_since(started),
        n_components=len(reduction.components),
        explained_variance=drift.explained_variance,
        settings=replace(record.settings, reduce=settings),
        drift=drift,
    )
    return Reduced(record, reduction, fit, dropped)


def _bring_sums(
    session: Session,
    out: Location,
    features: Snapshot,
    new_files: Collection[str],
    n_features: int,
) -> tuple[Moments, Moments, Moments]:
    """Return the moments of all vectors, of those before, and of this run's new ones."""
    from pomona.spark.reduce.files import sum_files

    folder = out.at(FEATURES)
    kept = read_sums(out.at(STATE), n_features=n_features)
    live = frozenset(features.files)
    gone = kept.files - live
    if gone and not gone <= {file.name for file in folder.files()}:
        # They were swept away after a kill: what they held cannot be taken off any more.
        kept, gone = Sums(frozenset(), Moments.empty(n_features)), frozenset()
    fresh = (live - kept.files) & frozenset(new_files)
    rest = live - kept.files - fresh

    def add_up(names: Collection[str]) -> Moments:
        spark = _find_spark(session, names, features)
        return sum_files(spark, folder, list(names), n_features=n_features)

    before = kept.moments
    moments = _copy(before)
    if gone:
        moments = moments.without(add_up(gone))
    if rest:
        moments = moments.merge(add_up(rest))
    new = add_up(fresh)
    moments = moments.merge(_copy(new))
    if kept.files != live:
        write_sums(out.at(STATE), Sums(live, moments))
    return moments, before, new


def _find_spark(
    session: Session, names: Collection[str], features: Snapshot
) -> "SparkSession | None":
    rows = sum(features.files[name].n_rows for name in names if name in features.files)
    return session.get() if rows > FEW_ROWS else None


def _copy(moments: Moments) -> Moments:
    return Moments(moments.count, moments.mean.copy(), moments.scatter.copy())


def _find_old(out: Location, record: RunRecord, settings: ReduceSettings) -> Reduction | None:
    if record.settings.reduce != settings:
        return None
    try:
        return load_reduction(out.at(MODEL))
    except ModelError:
        return None


def _find_drift(
    record: RunRecord, old: Reduction | None, moments: Moments, before: Moments, new: Moments
) -> DriftRecord:
    drift = record.drift or DriftRecord()
    changes = record.changes
    n_read = changes.extracted + changes.quarantined
    return replace(
        drift,
        explained_variance=explained_share(old, moments) if old else None,
        gone_since_fit=drift.gone_since_fit + changes.gone + changes.changed,
        quarantine_rate=changes.quarantined / n_read if n_read else None,
        quarantine_rate_before=record.images_quarantined / record.images_found
        if record.images_found
        else None,
        strangeness=_measure_strangeness(before, new),
    )


def _measure_strangeness(before: Moments, new: Moments) -> float | None:
    if before.count < 2 or not new.count:
        return None
    variance = np.diag(before.scatter) / before.count
    alive = variance > 0
    spread = np.diag(new.scatter) / new.count + (new.mean - before.mean) ** 2
    return float((spread[alive] / variance[alive]).mean()) if alive.any() else None


def _must_fit(
    refit: str, old: Reduction, drift: DriftRecord, moments: Moments, settings: ReduceSettings
) -> bool:
    if refit == "never":
        return False
    share = drift.explained_variance or 0.0
    wanted = (
        settings.components
        if isinstance(settings.components, float)
        else (drift.explained_at_fit or 0.0) - LOST_SHARE
    )
    n_new = moments.count - (drift.fitted_on or 0) + drift.gone_since_fit
    return share < wanted or drift.gone_since_fit > 0 or n_new > NEW_SHARE * moments.count


def _project(
    session: Session,
    out: Location,
    staged: Location,
    names: Sequence[str],
    features: Snapshot,
    reduction: Reduction,
    settings: ReduceSettings,
) -> None:
    from pomona.spark.reduce.files import project_files

    project_files(
        _find_spark(session, names, features),
        out.at(FEATURES),
        staged.at(REDUCED),
        names,
        reduction=reduction,
        format=settings.format,
    )


def _project_new(
    session: Session,
    out: Location,
    staged: Location,
    features: Snapshot,
    reduction: Reduction,
    settings: ReduceSettings,
) -> tuple[str, ...]:
    """Write what is missing; return the names of what is there and should not be."""
    from pomona.spark.reduce.files import reduced_name

    there = {file.name for file in out.at(REDUCED).files() if not file.name.startswith(".")}
    wanted = {reduced_name(name, settings.format): name for name in features.files}
    missing = [name for reduced, name in wanted.items() if reduced not in there]
    _project(session, out, staged, missing, features, reduction, settings)
    return tuple(sorted(there - set(wanted)))
