"""A Delta table of results: Parquet files, and a log that says which of them count.

Workers put files; the driver commits them. Each commit of Pomona carries a number that the one
before it has counted up to, so that of two writers who saw the same state one is refused and looks
again. Files have names that nobody uses twice.

References
----------
Delta Transaction Log Protocol: actions ``add``, ``remove`` and ``txn``.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from pomona import schema
from pomona.errors import OutputError, SetupError
from pomona.storage.bucket_location import BucketLocation
from pomona.storage.buckets import RETRY, delta_options, explain
from pomona.storage.hdfs import HdfsLocation
from pomona.storage.locations import Location

if TYPE_CHECKING:
    from deltalake import DeltaTable

__all__ = [
    "ConflictError",
    "NewFile",
    "Snapshot",
    "commit",
    "create_table",
    "drop_rows",
    "open_writer",
    "read_history",
    "read_keys",
    "read_rows",
    "read_snapshot",
    "shorten_log",
    "write_rows",
]

APP: Final = "pomona"
READERS: Final = 16
# What a reader of another make could not follow; Pomona writes none of it.
REFUSED: Final = ("deletionVectors", "columnMapping")


class ConflictError(Exception):
    """Another writer was first: read the table again, and decide again."""


@dataclass(frozen=True)
class NewFile:
    """A Parquet file that lies in the table's folder and does not count yet.

    Parameters
    ----------
    name : str
    size : int
        Bytes.
    n_rows : int
    """

    name: str
    size: int
    n_rows: int


@dataclass(frozen=True)
class Snapshot:
    """A table at one moment.

    Parameters
    ----------
    version : int
        Of the Delta log.
    number : int
        Of Pomona's last commit, 0 before the first.
    files : dict of str to NewFile
        Those that count, by name.
    properties : dict of str to str
        What was said at its creation.
    """

    version: int
    number: int
    files: Mapping[str, NewFile]
    properties: Mapping[str, str]

    @property
    def n_rows(self) -> int:
        """Rows of all files."""
        return sum(file.n_rows for file in self.files.values())


def create_table(
    folder: Location, columns: pa.Schema, *, name: str, properties: Mapping[str, str]
) -> None:
    """Let there be an empty table; one that is there already stays as it is."""
    from deltalake import DeltaTable

    folder.make()
    uri, options = _uri(folder)
    RETRY(
        DeltaTable.create,
        uri,
        columns,
        mode="ignore",
        name=name,
        configuration={
            # No path of a picture may stand in the log: it would outlive the picture.
            "delta.dataSkippingStatsColumns": schema.PICTURE_ID,
            "delta.logRetentionDuration": "interval 3650 days",
            **{f"{APP}.{key}": value for key, value in properties.items()},
        },
        storage_options=options,
        raise_if_key_not_exists=False,
    )


def read_snapshot(folder: Location) -> Snapshot | None:
    """Return what counts now; None where there is no table.

    Raises
    ------
    OutputError
        If the table has features that Pomona cannot follow.
    """
    table = _open(folder)
    return None if table is None else _to_snapshot(table, folder)


def _open(folder: Location) -> "DeltaTable | None":
    from deltalake import DeltaTable
    from deltalake.exceptions import TableNotFoundError

    uri, options = _uri(folder)

    def load() -> DeltaTable:
        try:
            return DeltaTable(uri, storage_options=options)
        except OSError as error:
            if isinstance(folder, BucketLocation) and (said := explain(folder.address, error)):
                raise SetupError(said) from error
            raise

    try:
        # Unlike obstore it gives up where the body of an answer ends too early.
        return RETRY(load)
    except (TableNotFoundError, FileNotFoundError):
        return None


def _to_snapshot(table: "DeltaTable", folder: Location) -> Snapshot:
    features = table.protocol().reader_features or []
    if refused := [name for name in features if name in REFUSED]:
        raise OutputError(
            f"The table '{folder}' uses {', '.join(refused)}. Another program switched that on, "
            "and Pomona would miss rows that it marks as deleted. Switch it off there, or choose "
            "another folder with --out."
        )
    actions = pa.table(table.get_add_actions(flatten=True)).select(
        ["path", "size_bytes", "num_records"]
    )
    files = {
        unquote(row["path"]): NewFile(unquote(row["path"]), row["size_bytes"], row["num_records"])
        for row in actions.to_pylist()
    }
    properties = {
        key.removeprefix(f"{APP}."): value
        for key, value in table.metadata().configuration.items()
        if key.startswith(f"{APP}.")
    }
    return Snapshot(table.version(), table.transaction_version(APP) or 0, files, properties)


def commit(
    folder: Location,
    seen: Snapshot,
    columns: pa.Schema,
    *,
    add: Sequence[NewFile] = (),
    remove: Iterable[str] = (),
    note: Mapping[str, Any] | None = None,
) -> Snapshot:
    """Let files count and others not, all at once, if nobody was first; return what counts then.

    Parameters
    ----------
    folder : Location
    seen : Snapshot
        What the decision was made from.
    columns : pyarrow.Schema
    add : sequence of NewFile
    remove : iterable of str
        Names; the files stay until :func:`pomona.storage.store.sweep`.
    note : mapping, optional
        Kept in the log; no paths.

    Raises
    ------
    ConflictError
        If another writer committed since ``seen``.
    OSError
        If the store fails.
    """
    from deltalake import CommitProperties, Transaction
    from deltalake.exceptions import DeltaError
    from deltalake.transaction import AddAction, RemoveAction

    now = int(time.time() * 1000)
    removed = list(remove)
    actions: list[Any] = [
        # Wrong bounds would make others skip the file: only the number of rows is said.
        AddAction(file.name, file.size, {}, now, True, json.dumps({"numRecords": file.n_rows}))
        for file in add
    ]
    actions += [RemoveAction(name, True, now, seen.files[name].size, {}) for name in removed]
    number = seen.number + 1
    table = _open(folder)
    if table is None:
        raise OSError(f"The table '{folder}' is gone.")
    if table.version() != seen.version:
        raise ConflictError
    properties = CommitProperties(
        app_transactions=[Transaction(APP, number)],
        custom_metadata={APP: json.dumps(dict(note))} if note else None,
    )

    def write() -> Snapshot | None:
        try:
            table.create_write_transaction(actions, "append", columns, commit_properties=properties)
        except (DeltaError, OSError) as error:
            # The answer may have been lost on its way: then one's own commit is in the way.
            after = read_snapshot(folder)
            if after is None or after.version == seen.version:
                raise OSError(f"The table '{folder}' takes no commit: {error}") from error
            added = all(file.name in after.files for file in add)
            if not added or any(name in after.files for name in removed):
                raise ConflictError from error
            return after
        return None

    after = RETRY(write)
    if after is not None:
        return after
    # What came is read, and not all of the log once more.
    RETRY(table.update_incremental)
    return _to_snapshot(table, folder)


def read_history(folder: Location) -> list[dict[str, Any]]:
    """Return the notes of Pomona's commits, oldest first, with their times (ms since 1970)."""
    table = _open(folder)
    entries = [] if table is None else RETRY(table.history)
    noted = [entry for entry in reversed(entries) if APP in entry]
    return [{"timestamp": entry["timestamp"], **json.loads(entry[APP])} for entry in noted]


def shorten_log(folder: Location) -> None:
    """Leave only a checkpoint of what counts now: earlier versions can not be read any more."""
    table = _open(folder)
    if table is None:
        return
    RETRY(table.alter.set_table_properties, {"delta.logRetentionDuration": "interval 0 seconds"})
    table = _open(folder)
    assert table is not None
    RETRY(table.create_checkpoint)
    RETRY(table.cleanup_metadata)
    RETRY(table.alter.set_table_properties, {"delta.logRetentionDuration": "interval 3650 days"})


def read_rows(folder: Location, names: Iterable[str], columns: list[str] | None = None) -> pa.Table:
    """Return rows of files, in the order of the names; only the columns asked for are read."""

    def read(name: str) -> pa.Table:
        with folder.open(name) as file:
            return pq.read_table(file, columns=columns)

    ordered = sorted(names)
    if isinstance(folder, BucketLocation):
        # A file costs a few round trips, which can be had together.
        with ThreadPoolExecutor(READERS) as pool:
            return _concat(list(pool.map(read, ordered)))
    return _concat([read(name) for name in ordered])


def read_keys(
    folder: Location,
    names: Sequence[str],
    columns: pa.Schema,
    convert: Callable[[pa.Table], pa.Table],
) -> pa.Table:
    """Return columns of files, and of each row the name of its ``file``, in the order of the names.

    ``convert`` makes of one file's rows at a time what is returned.
    """
    wanted = columns.append(pa.field(schema.FILE, pa.string()))
    if not names:
        return convert(wanted.empty_table())

    def read(name: str) -> pa.Table:
        with folder.open(name) as file:
            rows = pq.read_table(file, columns=columns.names).select(columns.names).cast(columns)
        return convert(rows.append_column(schema.FILE, pa.array([name] * len(rows), pa.string())))

    with ThreadPoolExecutor(READERS) as pool:
        return pa.concat_tables(pool.map(read, names))


def _concat(tables: list[pa.Table]) -> pa.Table:
    return pa.concat_tables(tables) if tables else pa.table({})


def open_writer(file: Any, columns: pa.Schema) -> pq.ParquetWriter:
    """Return a writer of Parquet, with what all tables of Pomona have in common."""
    vectors = {field.name for field in columns if pa.types.is_list(field.type)}
    return pq.ParquetWriter(
        file,
        columns,
        compression="snappy",
        use_dictionary=[
            name for name in (schema.LABEL, schema.FINGERPRINT) if name in columns.names
        ],
        # `pomona check` tells a flipped bit by them.
        write_page_checksum=True,
        # Nobody searches by a feature's smallest value.
        write_statistics=[name for name in columns.names if name not in vectors],
    )


def write_rows(folder: Location, name: str, rows: pa.Table) -> NewFile:
    """Write a file of a table; it does not count before a commit."""
    with folder.writer(name) as file:
        with open_writer(file, rows.schema) as writer:
            writer.write_table(rows)
        return NewFile(name, file.tell(), len(rows))


def drop_rows(
    folder: Location,
    snapshot: Snapshot,
    doomed: Mapping[str, set[str]],
    find_name: Callable[[], str],
) -> dict[str, NewFile | None]:
    """Write files anew without some of their rows.

    Parameters
    ----------
    folder : Location
    snapshot : Snapshot
    doomed : mapping of str to set of str
        File name to the ``picture_id`` of its rows that go.
    find_name : callable
        Gives a name for a new file.

    Returns
    -------
    dict of str to NewFile or None
        What takes the place of each file; None where no row is left.
    """
    written: dict[str, NewFile | None] = {}
    for name, ids in sorted(doomed.items()):
        if len(ids) >= snapshot.files[name].n_rows:
            written[name] = None
            continue
        with folder.open(name) as file:
            rows = pq.read_table(file)
        going = pc.is_in(rows[schema.PICTURE_ID], value_set=pa.array(sorted(ids), pa.string()))
        written[name] = write_rows(folder, find_name(), rows.filter(pc.invert(going)))
    return written


def _uri(folder: Location) -> tuple[str, dict[str, str] | None]:
    if isinstance(folder, BucketLocation):
        address = folder.address
        return (
            f"{address.kind}://{address.bucket}/{quote(address.key)}",
            delta_options(address),
        )
    if isinstance(folder, HdfsLocation):
        return str(folder), None
    return str(folder.local_file("").resolve()), None
