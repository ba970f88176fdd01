"""A store is brought up to date with its source, commit by commit."""

import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import pyarrow as pa
import pyarrow.compute as pc

from pomona import schema
from pomona.errors import StoppedError
from pomona.pictures.changes import KnownContents, find_changes
from pomona.pipeline.plan import Plan
from pomona.pipeline.session import Session
from pomona.schema import OnProgress
from pomona.storage.claims import Claim
from pomona.storage.commits import BAD, Batch, commit_batch
from pomona.storage.state import StoreState, read_state, split_rows
from pomona.storage.store import FEATURES, QUARANTINE
from pomona.storage.store_records import ChangesRecord
from pomona.storage.table import read_rows

if TYPE_CHECKING:
    from pomona.spark.extract.networks import SharedBackbone
    from pomona.spark.extract.stage import Extraction

__all__ = ["Work", "heal"]

# Rows whose keys alone change are read and written by this process.
REWRITE_ROWS: Final = 5000
# Where a time is given between commits, the first ones find out how many pictures that is.
FIRST_PICTURES: Final = 2000

logger = logging.getLogger(__name__)


class Work:
    """The batches of one run, and what they came to."""

    def __init__(
        self,
        plan: Plan,
        mine: Claim,
        session: Session,
        on_progress: OnProgress | None,
        stop: Callable[[], bool] | None = None,
    ) -> None:
        self._plan, self._mine, self._session = plan, mine, session
        self._on_progress, self._stop = on_progress, stop
        self._fingerprint = plan.backbone.spec.fingerprint()
        self._shared: SharedBackbone | None = None
        self._moved: set[str] = set()
        self._n = dict.fromkeys(
            ("moved", "touched", "extracted", "quarantined", "commits", "new", "changed"), 0
        )

    def count(self) -> ChangesRecord:
        """Return what was found and done."""
        counts = dict(self._plan.changes.counts)
        moved, touched = self._n["moved"], self._n["touched"]
        counts["new"] -= self._n["new"]
        counts["changed"] -= self._n["changed"]
        counts["gone"] -= len(self._moved)
        counts["moved"], counts["touched"] = moved, touched
        done = {name: self._n[name] for name in ("extracted", "quarantined", "commits")}
        return ChangesRecord(**counts, **done, forgotten=self._plan.n_forgotten)

    def _commit(self, state: StoreState, batch: Batch, **note: int) -> StoreState:
        state = commit_batch(
            self._plan.out,
            state,
            batch,
            fingerprint=self._fingerprint,
            claim=self._mine,
            note=note,
        )
        self._n["commits"] += 1
        self._n["extracted"] += batch.n_extracted
        self._n["quarantined"] += len(batch.bad)
        if self._stop is not None and self._stop():
            raise StoppedError("Stopped after a commit. The next run goes on from there.")
        return state

    def fetch(self, state: StoreState) -> StoreState:
        """Read, extract and commit what is new or changed."""
        changes, bad_names = self._plan.changes, self._plan.bad_names[schema.PATH]
        sources = self._find_sources()
        known = KnownContents(changes.gone, self._fingerprint)
        for number, (start, stop) in enumerate(self._cut(changes.n_fetch)):
            some, old = changes.cut(start, stop)
            unreadable = pc.is_in(some[schema.PATH], value_set=bad_names)
            if pc.any(unreadable).as_py():
                named = _bad_names(self._plan, some)
                batch = _to_batch(some.filter(unreadable), old.filter(unreadable), bad=named)
                state = self._commit(state, batch)
                some, old = some.filter(pc.invert(unreadable)), old.filter(pc.invert(unreadable))
            if not len(some):
                continue
            told = self._progress(start, changes.n_fetch)
            done = self._extract(known.add_to(some, old), number, told)
            kept = self._keep(some, old, done.known, sources)
            batch = _to_batch(some, old, bad=done.bad, files=done.files, kept=kept)
            state = self._commit(state, batch)
            if self._n["quarantined"] > self._plan.settings.max_bad * self._plan.n_images:
                # The end is certain, and the caller says so.
                break
        return state

    def _extract(
        self, pictures: pa.Table, number: int, on_progress: OnProgress | None
    ) -> "Extraction":
        from pomona.spark.extract.networks import choose_engine, share_backbone
        from pomona.spark.extract.stage import extract_pictures

        spark = self._session.get()
        if self._shared is None:
            engine = choose_engine(spark, self._plan.settings.engine)
            self._session.engine = engine
            self._shared = share_backbone(spark, self._plan.backbone, engine=engine)
        return extract_pictures(
            spark,
            pictures,
            self._plan.out.at(FEATURES),
            prefix=f"part-{self._mine.name}-{number:05d}",
            settings=self._plan.settings,
            shared=self._shared,
            on_progress=on_progress,
        )

    def _find_sources(self) -> dict[str, str]:
        """Return where features of gone pictures are: ``picture_id`` by hash of the content."""
        gone = self._plan.changes.gone
        pairs = zip(
            gone[schema.CONTENT_SHA256].to_pylist(),
            gone[schema.PICTURE_ID].to_pylist(),
            strict=True,
        )
        return {sha256: picture_id for sha256, picture_id in pairs if sha256}

    def _keep(
        self, some: pa.Table, old: pa.Table, known: dict[str, str], sources: dict[str, str]
    ) -> dict[str, str]:
        """Return which rows' features the pictures have whose content was known."""
        if not known:
            return {}
        kept = {}
        columns = (
            some[schema.PATH].to_pylist(),
            old[schema.PICTURE_ID].to_pylist(),
            old[schema.CONTENT_SHA256].to_pylist(),
        )
        for path, own_id, own_sha256 in zip(*columns, strict=True):
            sha256 = known.get(path)
            if sha256 is None:
                continue
            if sha256 == own_sha256:
                kept[path] = own_id
                self._n["touched"] += 1
                self._n["changed"] += 1
            else:
                kept[path] = sources[sha256]
                self._moved.add(sources[sha256])
                self._n["moved"] += 1
                self._n["changed" if own_id else "new"] += 1
        return kept

    def _cut(self, n: int) -> Iterator[tuple[int, int]]:
        """Yield the pieces of the work between two commits."""
        pictures, seconds = self._plan.update.commit_pictures, self._plan.update.commit_seconds
        start, size = 0, pictures or FIRST_PICTURES
        while start < n:
            began = time.perf_counter()
            stop = min(start + size, n)
            yield start, stop
            if seconds:
                rate = (stop - start) / max(time.perf_counter() - began, 0.001)
                size = max(int(rate * seconds), 1)
            start = stop

    def _progress(self, start: int, n_all: int) -> OnProgress | None:
        told = self._on_progress
        if told is None:
            return None
        return lambda done, _: told(start + done, n_all)

    def relabel(self, state: StoreState) -> StoreState:
        """Write rows anew whose label alone is another."""
        changes = self._plan.changes
        for some, old in zip(
            split_rows(changes.relabel, REWRITE_ROWS),
            split_rows(changes.relabelled, REWRITE_ROWS),
            strict=True,
        ):
            good = pc.is_null(old[schema.REASON_CODE])
            kept = dict(
                zip(
                    some.filter(good)[schema.PATH].to_pylist(),
                    old.filter(good)[schema.PICTURE_ID].to_pylist(),
                    strict=True,
                )
            )
            bad = old.filter(pc.invert(good))
            batch = _to_batch(some, old, bad=self._read_reasons(bad), kept=kept)
            # Nothing was tried again.
            attempts = {path: n - 1 for path, n in batch.attempts.items()}
            state = self._commit(state, replace(batch, attempts=attempts))
            self._n["quarantined"] -= len(batch.bad)
        return state

    def _read_reasons(self, bad: pa.Table) -> pa.Table:
        if not len(bad):
            return BAD.empty_table()
        rows = read_rows(
            self._plan.out.at(QUARANTINE), bad[schema.FILE].unique().to_pylist(), BAD.names
        )
        return rows.filter(pc.is_in(rows[schema.PATH], value_set=bad[schema.PATH])).cast(BAD)

    def drop_gone(self, state: StoreState) -> StoreState:
        """Take the rows out that no picture stands for any more."""
        gone = frozenset(self._plan.changes.gone[schema.PICTURE_ID].to_pylist())
        if not gone:
            return state
        return self._commit(state, Batch(gone=gone), moved=len(self._moved))


def _bad_names(plan: Plan, pictures: pa.Table) -> pa.Table:
    rows = plan.bad_names
    rows = rows.filter(pc.is_in(rows[schema.PATH], value_set=pictures[schema.PATH]))
    return pa.table([rows[name] for name in BAD.names], schema=BAD)


def _to_batch(pictures: pa.Table, before: pa.Table, **more: object) -> Batch:
    listing = pictures.select(schema.LISTING.names)
    tried = before.filter(pc.is_valid(before[schema.ATTEMPTS]))
    attempts = dict(
        zip(tried[schema.PATH].to_pylist(), tried[schema.ATTEMPTS].to_pylist(), strict=True)
    )
    ids = frozenset(before[schema.PICTURE_ID].drop_null().to_pylist())
    return Batch(listing, ids, attempts=attempts, **more)  # type: ignore[arg-type]


def heal(plan: Plan, mine: Claim, state: StoreState) -> StoreState:
    """Take out rows of pictures that stand twice: two runs met, or one was killed between commits.

    The row with features stays.
    """
    paths = state.keys[schema.PATH]
    if len(paths.unique()) == len(paths):
        return state
    listed = state.keys.select(schema.LISTING.names)
    fingerprint = plan.backbone.spec.fingerprint()
    doubled = find_changes(listed, state.keys, fingerprint=fingerprint, retry=()).gone
    gone = frozenset(doubled[schema.PICTURE_ID].to_pylist())
    commit_batch(
        plan.out, state, Batch(gone=gone), fingerprint=fingerprint, claim=mine, note={"doubled": 1}
    )
    return read_state(plan.out)
