"""What a store holds."""

import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

import pyarrow as pa
import pyarrow.compute as pc

from pomona import schema
from pomona.errors import OutputError
from pomona.storage.claims import Claim, find_living
from pomona.storage.locations import Location
from pomona.storage.store import COMPARED, FEATURES, QUARANTINE, STAGED, STATE, settle
from pomona.storage.table import Snapshot, create_table, read_keys, read_snapshot

__all__ = [
    "StoreState",
    "check_properties",
    "count_values",
    "create_store",
    "find_state",
    "new_ids",
    "read_part",
    "read_state",
    "split_rows",
    "sweep",
]

# Of rows of a store those that matter.
Choose = Callable[[pa.Table], pa.Table]
T = TypeVar("T")

OWN_NAME: Final = re.compile(r"\.?part-\d{8}T\d{6}-[0-9a-f]{8}-")
# Files that another program wrote into a table and has not committed.
FOREIGN_S: Final = 24 * 3600.0


@dataclass(frozen=True)
class StoreState:
    """What a store holds at one moment.

    Parameters
    ----------
    features, quarantine : Snapshot
    keys : pyarrow.Table
        Rows of :data:`pomona.schema.KEYS`, those of features first.
    counted : mapping, optional
        Where ``keys`` are only those that a run touches: how many rows all of the store has of each
        label and reason.
    """

    features: Snapshot
    quarantine: Snapshot
    keys: pa.Table
    counted: Mapping[str, Mapping[str, int]] | None = None

    @property
    def n_rows(self) -> int:
        """Pictures it holds."""
        return self.features.n_rows + self.quarantine.n_rows

    def count(self, column: str) -> dict[str, int]:
        """Return how many rows there are of each value: of labels those with features only."""
        if self.counted is not None:
            return dict(sorted(self.counted[column].items()))
        rows = self.keys
        if column == schema.LABEL:
            rows = rows.filter(pc.is_null(rows[schema.REASON_CODE]))
        else:
            rows = rows.filter(pc.is_valid(rows[column]))
        return count_values(rows[column])


def count_values(column: pa.ChunkedArray) -> dict[str, int]:
    """Return how often each text stands in a column, sorted; null counts as the empty one."""
    counts = pc.value_counts(column.combine_chunks()).to_pylist()
    return dict(sorted((row["values"] or "", row["counts"]) for row in counts))


def create_store(out: Location, properties: Mapping[str, str]) -> None:
    """Let there be a store; one that is there already stays as it is."""
    _for_both(
        lambda part: create_table(out.at(part), _columns_of(part), name=part, properties=properties)
    )


def _for_both(work: Callable[[str], T]) -> list[T]:
    """Do something with both tables at the same time: a bucket answers late."""
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(work, (FEATURES, QUARANTINE)))


def _columns_of(part: str) -> pa.Schema:
    return schema.STORED_FEATURES if part == FEATURES else schema.STORED_QUARANTINE


def check_properties(out: Location, state: StoreState, properties: Mapping[str, str]) -> None:
    """Refuse settings that do not fit what the store holds.

    Raises
    ------
    OutputError
        It names the difference.
    """
    for name, wanted in properties.items():
        held = state.features.properties.get(name)
        if held != wanted:
            raise OutputError(
                f"'{out}' was made with {name} '{held}', and now it is '{wanted}'. Their rows do "
                "not fit together. Give the same settings, choose another place with --out, or "
                "add --fresh to start anew."
            )


def read_state(out: Location, choose: Choose | None = None) -> StoreState:
    """Return what a store holds now.

    Parameters
    ----------
    out : Location
    choose : callable, optional
        Takes rows of :data:`pomona.schema.KEYS` and returns those that matter: there may be more
        than this machine can hold.

    Raises
    ------
    OutputError
        If there is no store.
    """
    state = find_state(out)
    files = {FEATURES: state.features.files, QUARANTINE: state.quarantine.files}
    keys = pa.concat_tables(
        _for_both(lambda part: read_part(out.at(part), part, sorted(files[part]), choose))
    )
    return StoreState(state.features, state.quarantine, keys.combine_chunks())


def find_state(out: Location) -> StoreState:
    """Return what a store holds now, without its rows.

    Raises
    ------
    OutputError
        If there is no store.
    """
    features, quarantine = _for_both(lambda part: read_snapshot(out.at(part)))
    if features is None or quarantine is None:
        raise OutputError(
            f"'{out}' has no features. There is no table in '{out.at(FEATURES)}'. "
            "Run 'pomona extract SOURCE --out OUT' first."
        )
    return StoreState(features, quarantine, schema.KEYS.empty_table(), counted={})


def read_part(
    folder: Location, part: str, names: Sequence[str], choose: Choose | None = None
) -> pa.Table:
    """Return what files of a table say of pictures, as rows of :data:`pomona.schema.KEYS`.

    Parameters
    ----------
    folder : Location
    part : {"features", "quarantine"}
    names : sequence of str
        Of the files.
    choose : callable, optional
        As for :func:`read_state`.
    """
    columns = _columns_of(part)
    there = pa.schema([columns.field(name) for name in schema.KEYS.names if name in columns.names])

    def to_keys(rows: pa.Table) -> pa.Table:
        keys = schema.fit_columns(rows, schema.KEYS)
        return keys if choose is None else choose(keys)

    return read_keys(folder, names, there, to_keys)


def new_ids(n: int) -> pa.Array:
    """Return ``n`` random names for rows."""
    return pa.array([secrets.token_hex(16) for _ in range(n)], pa.string())


def sweep(out: Location, claim: Claim) -> int:
    """Delete the files of both tables that count no more and that nobody is about to commit.

    Returns
    -------
    int
        Number of files deleted.
    """

    def sweep_part(part: str) -> int:
        folder = out.at(part)
        # In this order: who wrote a file has a claim, or has ended and stands in the log.
        files = [file for file in folder.files() if "/" not in file.name]
        living = find_living(out, claim)
        snapshot = read_snapshot(folder)
        counting = snapshot.files if snapshot else {}
        newest = max((file.mtime for file in files), default=0.0)
        doomed = [
            file.name
            for file in files
            if file.name not in counting
            and not any(other in file.name for other in living)
            # Another program makes no claim.
            and (OWN_NAME.match(file.name) or newest - file.mtime > FOREIGN_S)
        ]
        folder.delete_files(doomed)
        return len(doomed)

    n_deleted = sum(_for_both(sweep_part))
    settle(out)
    if not find_living(out, claim):
        # Of runs that were killed.
        for name in (STAGED, COMPARED):
            out.delete(f"{STATE}/{name}")
        out.at(STATE).delete_unfinished()
    return n_deleted


def split_rows(rows: pa.Table, n: int) -> Sequence[pa.Table]:
    """Return a table in pieces of at most ``n`` rows."""
    return [rows.slice(start, n) for start in range(0, len(rows), n)]
