"""An inventory instead of a listing: compared by Spark, worked on piece by piece."""

import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pomona import schema
from pomona.errors import SourceError
from pomona.pictures.changes import Changes
from pomona.pictures.listing import list_bad_names
from pomona.pipeline.plan import Plan
from pomona.pipeline.session import Session
from pomona.storage.claims import Claim
from pomona.storage.commits import Batch, commit_batch
from pomona.storage.locations import Location
from pomona.storage.state import StoreState
from pomona.storage.store import COMPARED, STATE

__all__ = ["compared", "count_again", "count_changes"]

NAMES: Final = ("listed", "new", "changed", "retried", "relabelled", "gone", "unchanged")

logger = logging.getLogger(__name__)


@contextmanager
def compared(plan: Plan, mine: Claim, session: Session) -> Iterator[Plan]:
    """Give the plan with all that is to do; where pictures were listed, it says so already.

    Raises
    ------
    SourceError
        If the inventory names no picture of the source.
    """
    if plan.inventory is None:
        yield plan
        return
    with _staged(plan, mine) as folder:
        yield _compare(plan, session, folder)


def count_changes(plan: Plan, session: Session) -> Plan:
    """Return the plan with what there is to do in numbers only; nothing is written."""
    return plan if plan.inventory is None else _compare(plan, session, None)


@contextmanager
def _staged(plan: Plan, mine: Claim) -> Iterator[Location]:
    folder = plan.out.at(f"{STATE}/{COMPARED}/{mine.name}")
    folder.make()
    try:
        yield folder
    finally:
        folder.delete_all()
        plan.out.at(f"{STATE}/{COMPARED}").remove_if_empty()


def _compare(plan: Plan, session: Session, folder: Location | None) -> Plan:
    from pomona.spark.differences import Question, look_up

    question = Question(
        out=plan.out,
        features=plan.state.features if plan.state else None,
        quarantine=plan.state.quarantine if plan.state else None,
        fingerprint=plan.backbone.spec.fingerprint(),
        retry=plan.retry,
        inventory=plan.inventory,
        source=plan.source,
    )
    found = look_up(session.get(), question, folder)
    if not found.counts["listed"]:
        raise SourceError(
            f"The inventory '{plan.update.inventory}' names no picture below "
            f"'{plan.source.source}'. Nothing was changed. Check SOURCE, --inventory and --glob."
        )
    logger.info(
        "the inventory names %s pictures, %.1f MB",
        found.counts["listed"],
        found.counts["n_bytes"] / 1e6,
    )
    files = found.files

    def read(kind: str, columns: pa.Schema) -> pa.Table:
        return _read(folder, [name for name, _ in files.get(kind, ())], columns)

    held, gone = read("held", schema.KEYS), read("gone", schema.KEYS)
    relabelled = read("relabelled", schema.KEYS)
    bad = read("bad", schema.LISTING)
    changes = Changes(
        n_fetch=found.counts["n_fetch"],
        n_fetch_bytes=found.counts["n_fetch_bytes"],
        fetch_labels=found.fetch_labels,
        cut=_Pieces(folder, files.get("fetch", []), held).cut,
        relabel=read("relabel", schema.LISTING),
        relabelled=relabelled,
        gone=gone,
        counts={name: found.counts[name] for name in NAMES},
    )
    state = plan.state
    if state is not None:
        state = replace(
            state,
            # Only rows that this run replaces or takes out: k changes cost k.
            keys=pa.concat_tables([held, relabelled, gone]).combine_chunks(),
            counted=_to_counted(found.labels, found.reasons),
        )
    return replace(
        plan,
        state=state,
        n_images=found.counts["listed"],
        n_bytes=found.counts["n_bytes"],
        n_forgotten=found.counts["forgotten"],
        bad_names=list_bad_names(bad[schema.PATH].to_pylist(), bad[schema.SIZE].to_pylist()),
        source_sha256=f"{found.digest:064x}",
        changes=changes,
    )


def _to_counted(labels: "Counter[str]", reasons: "Counter[str]") -> dict[str, dict[str, int]]:
    return {schema.LABEL: dict(labels), schema.REASON_CODE: dict(reasons)}


def _read(folder: Location | None, names: list[str], columns: pa.Schema) -> pa.Table:
    if folder is None or not names:
        return columns.empty_table()
    tables = []
    # In one order, so that rows written in two files by one task keep step.
    for name in names:
        with folder.open(name) as file:
            tables.append(pq.read_table(file).select(columns.names).cast(columns))
    return pa.concat_tables(tables).combine_chunks()


class _Pieces:
    """Pictures to read, in files; one file at a time is held."""

    def __init__(
        self, folder: Location | None, files: list[tuple[str, int]], held: pa.Table
    ) -> None:
        self._folder, self._files, self._held = folder, files, held
        self._open: tuple[str, pa.Table] | None = None

    def cut(self, start: int, stop: int) -> tuple[pa.Table, pa.Table]:
        """Return some pictures and what the store held of them."""
        parts, first = [], 0
        for name, n in self._files:
            low, high = max(start - first, 0), min(stop - first, n)
            if low < high:
                parts.append(self._read(name).slice(low, high - low))
            first += n
        pictures = pa.concat_tables(parts).combine_chunks()
        place = pc.index_in(pictures[schema.PATH], value_set=self._held[schema.PATH])
        before = self._held.take(place)
        return pictures, before

    def _read(self, name: str) -> pa.Table:
        if self._open is None or self._open[0] != name:
            self._open = name, _read(self._folder, [name], schema.LISTING)
        return self._open[1]


def count_again(plan: Plan, mine: Claim, state: StoreState, session: Session) -> StoreState:
    """Count what the store holds, and take out what stands twice."""
    from pomona.spark.differences import Question, look_up

    fingerprint = plan.backbone.spec.fingerprint()
    question = Question(
        out=plan.out,
        features=state.features,
        quarantine=state.quarantine,
        fingerprint=fingerprint,
        retry=frozenset(),
        inventory=None,
        source=plan.source,
    )
    with _staged(plan, mine) as folder:
        found = look_up(session.get(), question, folder)
        gone = _read(folder, [name for name, _ in found.files["gone"]], schema.KEYS)
    labels, reasons = found.labels, found.reasons
    state = replace(state, keys=gone)
    if len(gone):
        batch = Batch(gone=frozenset(gone[schema.PICTURE_ID].to_pylist()))
        state = commit_batch(
            plan.out, state, batch, fingerprint=fingerprint, claim=mine, note={"doubled": 1}
        )
        bad = pc.is_valid(gone[schema.REASON_CODE])
        reasons.subtract(gone.filter(bad)[schema.REASON_CODE].to_pylist())
        labels.subtract(
            label or "" for label in gone.filter(pc.invert(bad))[schema.LABEL].to_pylist()
        )
    return replace(state, counted=_to_counted(+labels, +reasons))
