"""The work of a run becomes part of a store, commit by commit."""

import logging
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pomona import schema
from pomona.errors import PomonaError
from pomona.storage.claims import Claim
from pomona.storage.locations import Location
from pomona.storage.state import StoreState, new_ids, read_state
from pomona.storage.store import FEATURES, QUARANTINE
from pomona.storage.table import (
    ConflictError,
    NewFile,
    Snapshot,
    commit,
    drop_rows,
    read_rows,
    write_rows,
)

__all__ = ["BAD", "Batch", "commit_batch"]

# Of others that commit to the same store at the same time.
TRIES: Final = 50
BAD: Final = pa.schema(
    [
        pa.field(schema.PATH, pa.string()),
        pa.field(schema.SIZE, pa.int64()),
        pa.field(schema.REASON_CODE, pa.string()),
        pa.field(schema.REASON, pa.string()),
    ]
)

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """What became of some pictures.

    Parameters
    ----------
    pictures : pyarrow.Table
        Rows of :data:`pomona.schema.LISTING`.
    before : set of str
        ``picture_id`` of what the store held of them when they were looked up.
    files : tuple of NewFile
        Rows with features, written by workers.
    kept : dict of str to str
        Path to the ``picture_id`` of the row whose features it has.
    bad : pyarrow.Table
        path, size, reason_code, reason.
    attempts : dict of str to int
        Path to how often it was tried before, of those in ``bad``.
    gone : frozenset of str
        ``picture_id`` of rows that leave.
    number : int
        Which one of its process it is; :func:`commit_batch` says so.
    """

    pictures: pa.Table = field(default_factory=schema.LISTING.empty_table)
    before: frozenset[str] = frozenset()
    files: tuple[NewFile, ...] = ()
    kept: Mapping[str, str] = field(default_factory=dict)
    bad: pa.Table = field(default_factory=BAD.empty_table)
    attempts: Mapping[str, int] = field(default_factory=dict)
    gone: frozenset[str] = frozenset()
    number: int = 0

    @property
    def n_extracted(self) -> int:
        """Pictures that went through the network."""
        return sum(file.n_rows for file in self.files)


def commit_batch(
    out: Location,
    state: StoreState,
    batch: Batch,
    *,
    fingerprint: str,
    claim: Claim,
    note: Mapping[str, Any],
) -> StoreState:
    """Make a batch part of the store; return what it holds then, without the batch's own new rows.

    Of each picture the old row goes and the new one comes in one commit of its table. Where another
    run was first, this one looks again, and what the other has done stays.

    Raises
    ------
    OSError
        If the store fails.
    PomonaError
        If others commit all the time, or this process was stopped for too long.
    """
    batch = replace(batch, number=claim.count_batch())
    for _ in range(TRIES):
        claim.check()
        try:
            state = _commit_features(out, state, batch, fingerprint, claim, note)
            return _commit_quarantine(out, state, batch, fingerprint, claim)
        except ConflictError:
            logger.info("another run was first; looking again")
            state = _read_again(out, state, batch)
            batch = _without_others(out, state, batch, claim)
    raise PomonaError(
        f"'{out}' is written to by others all the time. {TRIES} commits were refused. "
        "Start the command again when they have ended; what was done is kept."
    )


def _read_again(out: Location, state: StoreState, batch: Batch) -> StoreState:
    """Return what the store holds by now; where not all rows are held, those that matter."""
    if state.counted is None:
        return read_state(out)
    rows = [state.keys.select([schema.PATH]), batch.pictures.select([schema.PATH])]
    paths = pa.concat_tables(rows, promote_options="permissive")[schema.PATH]
    found = read_state(out, lambda keys: keys.filter(pc.is_in(keys[schema.PATH], value_set=paths)))
    return replace(found, counted=state.counted)


def _commit_features(
    out: Location,
    state: StoreState,
    batch: Batch,
    fingerprint: str,
    claim: Claim,
    note: Mapping[str, Any],
) -> StoreState:
    folder = out.at(FEATURES)
    add = [*batch.files]
    if batch.kept:
        add += _write_kept(folder, state, batch, fingerprint, claim)
    doomed = _find_doomed(state.keys, batch, state.features)
    replaced = drop_rows(folder, state.features, doomed, claim.find_name)
    add += [file for file in replaced.values() if file is not None]
    if not add and not replaced:
        return state
    counts = {
        "extracted": batch.n_extracted,
        "kept": len(batch.kept),
        "gone": len(batch.gone),
        "pictures": state.features.n_rows
        + sum(file.n_rows for file in add)
        - sum(state.features.files[name].n_rows for name in replaced),
    }
    features = commit(
        folder,
        state.features,
        schema.STORED_FEATURES,
        add=add,
        remove=replaced,
        note={"run": claim.name, "batch": batch.number, **counts, **note},
    )
    return replace(state, features=features, keys=_follow(state.keys, replaced, doomed))


def _commit_quarantine(
    out: Location, state: StoreState, batch: Batch, fingerprint: str, claim: Claim
) -> StoreState:
    folder = out.at(QUARANTINE)
    doomed = _find_doomed(state.keys, batch, state.quarantine)
    replaced = drop_rows(folder, state.quarantine, doomed, claim.find_name)
    add = [file for file in replaced.values() if file is not None]
    if len(batch.bad):
        rows = _to_quarantine(batch, fingerprint)
        add.append(write_rows(folder, claim.find_name(), rows))
    if not add and not replaced:
        return state
    quarantine = commit(
        folder,
        state.quarantine,
        schema.STORED_QUARANTINE,
        add=add,
        remove=replaced,
        note={"run": claim.name, "batch": batch.number, "quarantined": len(batch.bad)},
    )
    return replace(state, quarantine=quarantine, keys=_follow(state.keys, replaced, doomed))


def _find_doomed(keys: pa.Table, batch: Batch, snapshot: Snapshot) -> dict[str, set[str]]:
    """Return the rows of a table's files that the batch replaces or removes."""
    here = pc.is_in(keys[schema.FILE], value_set=pa.array(list(snapshot.files), pa.string()))
    listed = pc.is_in(keys[schema.PATH], value_set=batch.pictures[schema.PATH])
    leaving = pc.is_in(keys[schema.PICTURE_ID], value_set=pa.array(list(batch.gone), pa.string()))
    rows = keys.select([schema.FILE, schema.PICTURE_ID]).filter(
        pc.and_(here, pc.or_(listed, leaving))
    )
    doomed: dict[str, set[str]] = defaultdict(set)
    for row in rows.to_pylist():
        doomed[row[schema.FILE]].add(row[schema.PICTURE_ID])
    return dict(doomed)


def _follow(
    keys: pa.Table, replaced: Mapping[str, NewFile | None], doomed: Mapping[str, set[str]]
) -> pa.Table:
    """Return the keys as they are after files were written anew."""
    if not replaced:
        return keys
    gone = pa.array([one for ids in doomed.values() for one in ids], pa.string())
    touched = pc.is_in(keys[schema.FILE], value_set=pa.array(list(replaced), pa.string()))
    dead = pc.and_(touched, pc.is_in(keys[schema.PICTURE_ID], value_set=gone))
    keys = keys.filter(pc.invert(dead))
    names = {old: new.name for old, new in replaced.items() if new is not None}
    files = [names.get(name, name) for name in keys[schema.FILE].to_pylist()]
    place = keys.schema.get_field_index(schema.FILE)
    return keys.set_column(place, schema.KEYS.field(schema.FILE), pa.array(files, pa.string()))


def _write_kept(
    folder: Location, state: StoreState, batch: Batch, fingerprint: str, claim: Claim
) -> list[NewFile]:
    """Write rows with new keys and the features they have already."""
    source = pa.array(sorted(set(batch.kept.values())), pa.string())
    where = state.keys.filter(pc.is_in(state.keys[schema.PICTURE_ID], value_set=source))
    rows = read_rows(folder, where[schema.FILE].unique().to_pylist())
    place = pc.index_in(
        pa.array(list(batch.kept.values()), pa.string()), value_set=rows[schema.PICTURE_ID]
    )
    listed = pc.index_in(
        pa.array(list(batch.kept), pa.string()), value_set=batch.pictures[schema.PATH]
    )
    # In a store that another run changes, a row may have gone: the next run will see.
    there = pc.and_(pc.is_valid(place), pc.is_valid(listed))
    rows, pictures = rows.take(place.filter(there)), batch.pictures.take(listed.filter(there))
    if not len(rows):
        return []
    columns = {name: rows[name] for name in rows.column_names}
    columns |= {name: pictures[name] for name in schema.LISTING.names}
    columns[schema.PICTURE_ID] = new_ids(len(rows))
    columns[schema.FINGERPRINT] = pa.array([fingerprint] * len(rows), pa.string())
    table = pa.table([columns[name] for name in rows.column_names], schema=rows.schema)
    return [write_rows(folder, claim.find_name(), table)]


def _to_quarantine(batch: Batch, fingerprint: str) -> pa.Table:
    bad = batch.bad
    place = pc.index_in(bad[schema.PATH], value_set=batch.pictures[schema.PATH])
    listed = batch.pictures.take(place)
    attempts = [batch.attempts.get(path, 0) + 1 for path in bad[schema.PATH].to_pylist()]
    columns = {name: bad[name] for name in BAD.names}
    columns |= {name: listed[name] for name in (schema.LABEL, schema.ETAG, schema.MTIME)}
    # What was read may be longer than what was listed; the listed size is what the next run sees.
    columns[schema.SIZE] = pc.coalesce(listed[schema.SIZE], bad[schema.SIZE])
    columns[schema.PICTURE_ID] = new_ids(len(bad))
    columns[schema.FINGERPRINT] = pa.array([fingerprint] * len(bad), pa.string())
    columns[schema.ATTEMPTS] = pa.array(attempts, pa.int32())
    arrays = [columns[name] for name in schema.STORED_QUARANTINE.names]
    return pa.table(arrays, schema=schema.STORED_QUARANTINE)


def _without_others(out: Location, state: StoreState, batch: Batch, claim: Claim) -> Batch:
    """Leave out what another run has written since: its rows stay."""
    listed = pc.is_in(state.keys[schema.PATH], value_set=batch.pictures[schema.PATH])
    fresh = pc.invert(
        pc.is_in(state.keys[schema.PICTURE_ID], value_set=pa.array(list(batch.before), pa.string()))
    )
    theirs = set(state.keys.filter(pc.and_(listed, fresh))[schema.PATH].to_pylist())
    if not theirs:
        return batch

    def mine(rows: pa.Table) -> pa.Table:
        found = pc.is_in(rows[schema.PATH], value_set=pa.array(sorted(theirs), pa.string()))
        return rows.filter(pc.invert(found))

    files = []
    for file in batch.files:
        rows = mine(read_rows(out.at(FEATURES), [file.name]))
        if len(rows) == file.n_rows:
            files.append(file)
        elif len(rows):
            files.append(write_rows(out.at(FEATURES), claim.find_name(), rows))
    return replace(
        batch,
        pictures=mine(batch.pictures),
        files=tuple(files),
        kept={path: source for path, source in batch.kept.items() if path not in theirs},
        bad=mine(batch.bad),
    )
