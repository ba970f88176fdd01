"""An inventory and a store, compared where the rows are: keys of pictures never pass the driver."""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from uuid import uuid4

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from pomona import schema
from pomona.pictures.changes import find_changes
from pomona.pictures.inventory import Inventory
from pomona.pictures.inventory_rows import BAD, read_inventory
from pomona.pictures.listing import hash_pictures
from pomona.settings import SourceSettings
from pomona.spark.session import count_cores
from pomona.spark.tables import range_of
from pomona.spark.vectors import to_spark_schema
from pomona.storage.forgotten import leave_forgotten
from pomona.storage.locations import Location
from pomona.storage.state import count_values, read_part
from pomona.storage.store import FEATURES, QUARANTINE
from pomona.storage.table import Snapshot

__all__ = ["Found", "Question", "look_up"]

# A worker holds one share of both sides at a time: some 100 MB.
SHARE_ROWS: Final = 250_000
# One column of both sides says from which a row is.
LIST: Final = "listed"
ROWS: Final = schema.KEYS.append(pa.field(BAD, pa.bool_())).append(pa.field(LIST, pa.bool_()))
SAID: Final = pa.schema([pa.field("said", pa.string())])
BATCH: Final = "spark.sql.execution.arrow.maxRecordsPerBatch"
BATCH_ROWS: Final = 16_384
KINDS: Final = ("fetch", "bad", "relabel", "relabelled", "held", "gone")


@dataclass(frozen=True)
class Question:
    """What is compared, and how.

    Parameters
    ----------
    out : Location
        Of the store.
    features, quarantine : Snapshot or None
        What it holds; None where it is new.
    fingerprint : str
        Of the network.
    retry : frozenset of str
        Reason codes that are tried again.
    inventory : Inventory or None
        None where the store is compared with itself: what stands twice is gone.
    source : SourceSettings
    """

    out: Location
    features: Snapshot | None
    quarantine: Snapshot | None
    fingerprint: str
    retry: frozenset[str]
    inventory: Inventory | None
    source: SourceSettings


@dataclass(frozen=True)
class Found:
    """What a comparison came to.

    Parameters
    ----------
    counts : Counter
        As of :class:`pomona.pictures.changes.Changes`, and n_bytes, n_fetch, n_fetch_bytes,
        forgotten.
    fetch_labels, labels, reasons : Counter
        Of pictures to read, and of what the store holds.
    digest : int
        Of the listed pictures.
    files : dict of str to list of (str, int)
        Names and numbers of rows of the files that were written, by kind.
    """

    counts: "Counter[str]"
    fetch_labels: "Counter[str]"
    labels: "Counter[str]"
    reasons: "Counter[str]"
    digest: int
    files: dict[str, list[tuple[str, int]]]


def look_up(spark: SparkSession, question: Question, folder: Location | None) -> Found:
    """Compare an inventory with a store; differences are written to files of a folder.

    Parameters
    ----------
    spark : SparkSession
    question : Question
    folder : Location or None
        One that every worker can write to; without, differences are only counted.

    Returns
    -------
    Found
    """
    sides: list[tuple[int, Callable[[int], Iterator[pa.RecordBatch]]]] = []
    n_rows = 0
    if question.inventory is not None:
        sides.append((len(question.inventory.pieces), partial(_read_listed, question)))
        n_rows += question.inventory.n_rows
    for part, snapshot in ((FEATURES, question.features), (QUARANTINE, question.quarantine)):
        if snapshot is not None and snapshot.files:
            names = sorted(snapshot.files)
            sides.append((len(names), partial(_read_held, question.out.at(part), part, names)))
            n_rows += snapshot.n_rows
    if not sides:
        return Found(Counter(), Counter(), Counter(), Counter(), 0, {kind: [] for kind in KINDS})
    frames = [
        range_of(spark, n).mapInArrow(partial(_read_side, read=read), to_spark_schema(ROWS))
        for n, read in sides
    ]
    frame = frames[0]
    for other in frames[1:]:
        frame = frame.unionAll(other)
    n_shares = max(-(-n_rows // SHARE_ROWS), count_cores(spark))
    shares = frame.repartition(n_shares, schema.PATH)
    compare = partial(_compare, question=question, folder=folder)
    usual = spark.conf.get(BATCH) or ""
    # Rows without vectors are small.
    spark.conf.set(BATCH, BATCH_ROWS)
    try:
        said = shares.mapInArrow(compare, to_spark_schema(SAID)).toArrow()
    finally:
        spark.conf.set(BATCH, usual)
    return _add_up(json.loads(row) for row in said["said"].to_pylist())


def _read_side(
    batches: Iterable[pa.RecordBatch], *, read: Callable[[int], Iterator[pa.RecordBatch]]
) -> Iterator[pa.RecordBatch]:
    for number in (row for batch in batches for row in batch["id"].to_pylist()):
        for rows in read(number):
            yield schema.fit_columns(rows, ROWS)


def _read_listed(question: Question, number: int) -> Iterator[pa.RecordBatch]:
    assert question.inventory is not None
    for rows in read_inventory(question.inventory, number, question.source):
        yield rows.append_column(LIST, pa.array([True] * rows.num_rows, pa.bool_()))


def _read_held(
    folder: Location, part: str, names: list[str], number: int
) -> Iterator[pa.RecordBatch]:
    yield from read_part(folder, part, [names[number]]).to_batches()


def _compare(
    batches: Iterable[pa.RecordBatch], *, question: Question, folder: Location | None
) -> Iterator[pa.RecordBatch]:
    """Compare one share of the paths; say in JSON what was found."""
    rows = pa.Table.from_batches(list(batches), ROWS)
    if not len(rows):
        return
    is_listed = pc.fill_null(rows[LIST], False)
    # Where a path stands twice in the store, the row with features stays.
    keys = rows.filter(pc.invert(is_listed)).select(schema.KEYS.names)
    is_good = pc.is_null(keys[schema.REASON_CODE])
    good = keys.filter(is_good)
    keys = pa.concat_tables([good, keys.filter(pc.invert(is_good))]).combine_chunks()
    if question.inventory is None:
        listed, n_listed = keys.select(schema.LISTING.names).cast(schema.LISTING), 0
        bad = listed.slice(0, 0)
    else:
        listed, bad, n_listed = _find_listed(rows.filter(is_listed), question.out)
    changes = find_changes(
        listed, keys, fingerprint=question.fingerprint, retry=sorted(question.retry)
    )
    fetch, before = changes.cut(0, changes.n_fetch)
    tables = {
        "fetch": fetch,
        "bad": bad,
        "relabel": changes.relabel,
        "relabelled": changes.relabelled,
        "held": before.filter(pc.is_valid(before[schema.PICTURE_ID])),
        "gone": changes.gone,
    }
    said: dict[str, Any] = {
        "counts": changes.counts
        | {
            "n_bytes": pc.sum(listed[schema.SIZE]).as_py() or 0,
            "n_fetch": changes.n_fetch,
            "n_fetch_bytes": changes.n_fetch_bytes,
            "forgotten": n_listed - len(listed) if n_listed else 0,
        },
        "fetch_labels": changes.fetch_labels,
        "labels": count_values(good[schema.LABEL]),
        "reasons": count_values(keys[schema.REASON_CODE].drop_null()),
        "digest": hex(hash_pictures(listed)) if n_listed else "0x0",
        "files": _write(folder, tables) if folder is not None else {},
    }
    yield pa.RecordBatch.from_arrays([pa.array([json.dumps(said)])], schema=SAID)


def _find_listed(rows: pa.Table, out: Location) -> tuple[pa.Table, pa.Table, int]:
    """Return what is listed, once each, those of it with bad names, and how many there were."""
    if len(rows[schema.PATH].unique()) < len(rows):
        rows = rows.sort_by([(schema.PATH, "ascending"), (schema.MTIME, "descending")])
        paths = rows[schema.PATH].combine_chunks()
        first = pc.fill_null(pc.not_equal(paths.slice(1), paths.slice(0, len(paths) - 1)), True)
        rows = rows.filter(pa.concat_arrays([pa.array([True]), first.cast(pa.bool_())]))
    else:
        rows = rows.sort_by(schema.PATH)
    listed = rows.select(schema.LISTING.names).cast(schema.LISTING)
    bad = listed.filter(pc.fill_null(rows[BAD], False))
    return leave_forgotten(out, listed), bad, len(listed)


def _write(folder: Location, tables: dict[str, pa.Table]) -> dict[str, tuple[str, int]]:
    files = {}
    for kind, table in tables.items():
        if len(table):
            # A task may be tried twice at once.
            name = f"{kind}-{uuid4().hex}.parquet"
            with folder.writer(name) as file:
                pq.write_table(table, file, row_group_size=10_000)
            files[kind] = (name, len(table))
    return files


def _add_up(said: Iterable[dict[str, Any]]) -> Found:
    counters: dict[str, Counter[str]] = {
        name: Counter() for name in ("counts", "fetch_labels", "labels", "reasons")
    }
    digest = 0
    files: dict[str, list[tuple[str, int]]] = {kind: [] for kind in KINDS}
    for one in said:
        for name, counter in counters.items():
            counter.update(one[name])
        digest += int(one["digest"], 16)
        for kind, (name, n) in one["files"].items():
            files[kind].append((name, n))
    return Found(**counters, digest=digest % 2**256, files=files)
