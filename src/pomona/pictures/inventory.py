"""Pictures named by an inventory of a bucket: a listing that somebody else has made, in files.

Read piece by piece, by workers: no process ever holds all of it.

References
----------
Amazon S3 Inventory, Azure Blob inventory and Google Cloud Storage inventory reports: columns and
manifests.
"""

import base64
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pomona import schema
from pomona.errors import SettingsError, SourceError
from pomona.pictures.labels import label_rule
from pomona.pictures.listing import choose_pictures, to_rows
from pomona.settings import SourceSettings
from pomona.storage.addresses import full_place, is_address, parse_address
from pomona.storage.locations import Location, open_location
from pomona.storage.objects import BAD_KEY, PAGE

__all__ = ["BAD", "LISTED", "Inventory", "open_inventory", "read_inventory"]

PIECE_ROWS: Final = 500_000
BATCH_ROWS: Final = 64 * 1024
BLOCK_BYTES: Final = 8 << 20
READERS: Final = 8
# Rows of the listing, and which of them cannot be read because of their names.
BAD: Final = "bad_name"
LISTED: Final = schema.LISTING.append(pa.field(BAD, pa.bool_()))
# What a column is called, without case, '-' and '_', by what it says.
COLUMNS: Final[Mapping[str, tuple[str, ...]]] = {
    "path": ("path",),
    "key": ("key", "name"),
    "size": ("size", "contentlength"),
    "etag": ("etag",),
    "md5": ("md5hash",),
    "mtime": ("mtime", "lastmodifieddate", "lastmodified", "updated"),
    "bucket": ("bucket",),
    "current": ("islatest", "iscurrentversion"),
    "deleted": ("isdeletemarker", "deleted"),
    "gone": ("timedeleted", "snapshot"),
}
# Bytes that a row of CSV takes, packed or not: only to choose how many tasks there are.
CSV_ROW: Final = {".csv": 120, ".csv.gz": 25}
ELSEWHERE: Final = r"^([A-Za-z][A-Za-z0-9+.-]*:/)?/"


@dataclass(frozen=True)
class Piece:
    """A part of an inventory that one task reads.

    Parameters
    ----------
    name : str
        Of the file.
    groups : tuple of int
        Row groups of Parquet; of CSV none.
    """

    name: str
    groups: tuple[int, ...] = ()


@dataclass(frozen=True)
class Inventory:
    """An inventory that was looked at and can be read.

    Parameters
    ----------
    place : Location
        Where its files lie.
    pieces : tuple of Piece
    n_rows : int
        About how many rows there are.
    columns : dict of str to str
        What is said by which column.
    header : tuple of str or None
        Names of the columns of CSV that does not say them itself.
    encoded : bool
        Keys are written as in a URL.
    """

    place: Location
    pieces: tuple[Piece, ...]
    n_rows: int
    columns: Mapping[str, str]
    header: tuple[str, ...] | None
    encoded: bool


def open_inventory(place: str, source: SourceSettings) -> Inventory:
    """Look at an inventory: its manifest, its files and their columns.

    Parameters
    ----------
    place : str
        A manifest of S3, Azure or Google; a file of Parquet or CSV, or a folder of them.
    source : SourceSettings

    Raises
    ------
    SourceError
        If it cannot be read, or does not say what is needed.
    SettingsError
        If it is of another bucket, or the settings choose among pictures that nobody has counted.
    """
    if source.limit is not None or source.sample is not None:
        raise SettingsError(
            "An inventory is compared piece by piece, and --limit and --sample need all of it. "
            "They cannot be used together. Leave them out, or choose by --glob."
        )
    folder, _, name = place.rstrip("/").rpartition("/")
    try:
        manifest: dict[str, Any] = {}
        if name.endswith(".json"):
            manifest = json.loads(open_location(folder or ".").get(name))
            where, names, header = _read_manifest(manifest, folder or ".", source)
        else:
            where, names, header = open_location(folder or "."), [name], None
            if _format(name) is None:
                where, names = open_location(place), _list_files(place)
        formats = {_format(one) for one in names}
        if len(formats) != 1 or None in formats:
            raise SourceError(
                f"The inventory '{place}' has files of {sorted(map(str, formats)) or 'nothing'}. "
                "One of Parquet or CSV is needed. Let the bucket write one of these."
            )
        (kind,) = formats
        if kind == ".parquet":
            pieces, n_rows, found = _look_at_parquet(where, names)
        else:
            sizes = {file.name: file.size for file in where.files()}
            n_rows = sum(sizes.get(one, 0) for one in names) // CSV_ROW[str(kind)]
            pieces = tuple(Piece(one) for one in names)
            found = header or _read_header(where, names[0])
    except (OSError, ValueError, KeyError, pa.ArrowException) as error:
        raise SourceError(
            f"The inventory '{place}' cannot be read ({type(error).__name__}: {error}). It is a "
            "manifest.json, or Parquet or CSV with path, size, etag and mtime. Correct --inventory."
        ) from error
    encoded = "sourceBucket" in manifest and kind != ".parquet"
    return Inventory(where, pieces, n_rows, _find_columns(place, found), header, encoded)


def _read_manifest(
    manifest: dict[str, Any], folder: str, source: SourceSettings
) -> tuple[Location, list[str], tuple[str, ...] | None]:
    """Return where the files are, their names, and columns that only the manifest says."""
    if "sourceBucket" in manifest:
        _check_bucket(manifest["sourceBucket"], source)
        names = [file["key"] for file in manifest["files"]]
        header = tuple(word.strip() for word in manifest["fileSchema"].split(","))
        bucket = manifest["destinationBucket"].rpartition(":")[2]
        # A copy may lie elsewhere, with its manifest.
        where = f"s3://{bucket}" if is_address(folder) else folder
        return open_location(where), names, header if manifest["fileFormat"] == "CSV" else None
    if "ruleDefinition" in manifest:
        names = [file["blob"] for file in manifest["files"]]
        address = parse_address(folder) if is_address(folder) else None
        return open_location(address.root if address else folder), names, None
    return open_location(folder), list(manifest["report_shards_file_names"]), None


def _check_bucket(bucket: str, source: SourceSettings) -> None:
    if is_address(source.source) and parse_address(source.source).bucket != bucket:
        raise SettingsError(
            f"The inventory is of the bucket '{bucket}', and the source is '{source.source}'. "
            "Its pictures are not the source's. Name that bucket, or its own inventory."
        )


def _list_files(place: str) -> list[str]:
    return sorted(
        file.name
        for file in open_location(place).files()
        if _format(file.name) and not file.name.rpartition("/")[2].startswith((".", "_"))
    )


def _format(name: str) -> str | None:
    lower = name.lower()
    return next((end for end in (".parquet", ".csv", ".csv.gz") if lower.endswith(end)), None)


def _look_at_parquet(
    where: Location, names: Sequence[str]
) -> tuple[tuple[Piece, ...], int, Sequence[str]]:
    def look(name: str) -> tuple[list[int], list[str]]:
        with where.open(name) as file:
            found = pq.ParquetFile(file)
            groups = range(found.num_row_groups)
            rows = [found.metadata.row_group(group).num_rows for group in groups]
            return rows, found.schema_arrow.names

    pieces: list[Piece] = []
    with ThreadPoolExecutor(READERS) as pool:
        looked = list(pool.map(look, names))
    for name, (rows, _) in zip(names, looked, strict=True):
        groups: list[int] = []
        for group, n in enumerate(rows):
            groups.append(group)
            if sum(rows[one] for one in groups) + n > PIECE_ROWS or group == len(rows) - 1:
                pieces.append(Piece(name, tuple(groups)))
                groups = []
    return tuple(pieces), sum(sum(rows) for rows, _ in looked), looked[0][1]


def _find_columns(place: str, found: Sequence[str]) -> dict[str, str]:
    plain = {re.sub("[-_ ]", "", name).lower(): name for name in found}
    columns = {
        said: plain[name] for said, names in COLUMNS.items() for name in names if name in plain
    }
    named = "path" in columns or "key" in columns
    if not named or "size" not in columns or not {"etag", "md5", "mtime"} & set(columns):
        raise SourceError(
            f"The inventory '{place}' has the columns {', '.join(found)}. Needed are path (or key, "
            "name), size, and etag or mtime. Let it name them."
        )
    return columns


@contextmanager
def _open_csv(inventory: Inventory, name: str) -> Iterator[pacsv.CSVStreamingReader]:
    types: dict[str, pa.DataType] = dict.fromkeys(inventory.columns.values(), pa.string())
    for said in ("path", "key"):
        if said in inventory.columns:
            # Names need not be UTF-8.
            types[inventory.columns[said]] = pa.binary()
    types[inventory.columns["size"]] = pa.int64()
    with inventory.place.open(name) as file:
        yield pacsv.open_csv(
            _unpack(file, name),
            pacsv.ReadOptions(block_size=BLOCK_BYTES, column_names=inventory.header),
            convert_options=pacsv.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )


def _unpack(file: Any, name: str) -> Any:
    return pa.CompressedInputStream(file, "gzip") if name.lower().endswith(".gz") else file


def _read_header(where: Location, name: str) -> list[str]:
    with where.open(name) as file:
        found: list[str] = pacsv.open_csv(_unpack(file, name)).schema.names
        return found


def read_inventory(
    inventory: Inventory, number: int, source: SourceSettings
) -> Iterator[pa.RecordBatch]:
    """Yield the pictures of one piece, as rows of :data:`LISTED`.

    Parameters
    ----------
    inventory : Inventory
    number : int
        Of the piece.
    source : SourceSettings
    """
    address = parse_address(source.source) if is_address(source.source) else None
    root = address.root if address else full_place(source.source)
    prefix = f"{address.key}/" if address and address.key else ""
    find_label = label_rule(source, full_place(source.source))
    for rows in _read_rows(inventory, inventory.pieces[number]):
        keys, readable = _find_keys(inventory, rows, full_place(source.source), prefix)
        size = rows[inventory.columns["size"]].cast(pa.int64())
        etag, mtime = _find_etags(inventory, rows), _find_times(inventory, rows)
        objects = pa.RecordBatch.from_arrays(
            [keys, size, etag, mtime, readable], [*PAGE.names, "readable"]
        )
        keep = pc.and_(_find_current(inventory, rows), pc.starts_with(keys, prefix))
        if address and "bucket" in inventory.columns:
            here = pc.equal(rows[inventory.columns["bucket"]].cast(pa.string()), address.bucket)
            keep = pc.and_(keep, pc.fill_null(here, False))
        odd = pc.or_(pc.invert(readable), pc.match_substring_regex(keys, BAD_KEY.pattern))
        good = objects.filter(pc.fill_null(pc.and_not(keep, odd), False))
        found = to_rows(
            choose_pictures(good, source.glob, len(prefix)), root, len(prefix), find_label
        )
        yield _mark(found, bad=False)
        strange = objects.filter(pc.fill_null(pc.and_(keep, odd), False))
        if strange.num_rows:
            yield _mark(_to_bad(choose_pictures(strange, source.glob, len(prefix)), root), bad=True)


def _read_rows(inventory: Inventory, piece: Piece) -> Iterator[pa.RecordBatch]:
    names = list(inventory.columns.values())
    if piece.groups:
        with inventory.place.open(piece.name) as file:
            yield from pq.ParquetFile(file).iter_batches(BATCH_ROWS, piece.groups, columns=names)
    else:
        with _open_csv(inventory, piece.name) as batches:
            yield from batches


def _find_keys(
    inventory: Inventory, rows: pa.RecordBatch, place: str, prefix: str
) -> tuple[pa.Array, pa.Array]:
    """Return keys in the bucket (or below the folder), and which of them are text."""
    said = "path" if "path" in inventory.columns else "key"
    column = rows[inventory.columns[said]]
    keys, readable = _decode(column, encoded=inventory.encoded)
    if said == "key":
        address = parse_address(place) if is_address(place) else None
        if address and address.kind == "az":
            # A blob's name begins with its container's.
            own = pc.starts_with(keys, f"{address.bucket}/")
            keys = pc.if_else(own, pc.utf8_slice_codeunits(keys, len(address.bucket) + 1), keys)
        return keys, readable
    below = pc.utf8_slice_codeunits(keys, len(place) + 1)
    elsewhere = pc.match_substring_regex(keys, ELSEWHERE)
    inside = pc.starts_with(keys, f"{place}/")
    relative = pc.if_else(inside, below, pc.if_else(elsewhere, None, keys))
    return pc.binary_join_element_wise(prefix, relative, ""), readable


def _decode(column: pa.Array, *, encoded: bool) -> tuple[pa.Array, pa.Array]:
    if encoded:
        odd = pc.match_substring_regex(column, "[%+]")
        if pc.any(odd).as_py():
            words = column.cast(pa.binary()).to_pylist()
            column = pa.array(
                [word and unquote_to_bytes(word.replace(b"+", b" ")) for word in words], pa.binary()
            )
    try:
        keys = column.cast(pa.string())
    except pa.ArrowInvalid:
        words = column.to_pylist()
        texts = [word and word.decode("utf-8", "backslashreplace") for word in words]
        readable = [
            word is not None and text.encode() == word
            for word, text in zip(words, texts, strict=True)
        ]
        return pa.array(texts, pa.string()), pa.array(readable, pa.bool_())
    return keys, pc.is_valid(keys)


def _find_current(inventory: Inventory, rows: pa.RecordBatch) -> pa.Array:
    """Return which rows are neither old versions nor deleted."""
    current = pa.array([True] * rows.num_rows)
    for said, wanted in (("current", "true"), ("deleted", "false")):
        if said in inventory.columns:
            word = pc.utf8_lower(rows[inventory.columns[said]].cast(pa.string()))
            current = pc.and_(current, pc.fill_null(pc.equal(word, wanted), True))
    if "gone" in inventory.columns:
        word = rows[inventory.columns["gone"]].cast(pa.string())
        current = pc.and_(current, pc.fill_null(pc.equal(word, ""), True))
    return current


def _find_etags(inventory: Inventory, rows: pa.RecordBatch) -> pa.Array:
    if "md5" in inventory.columns:
        # Google's ETag in an inventory is another than that of a download; this is the latter.
        words = rows[inventory.columns["md5"]].cast(pa.string()).to_pylist()
        return pa.array(
            [f'"{base64.b64decode(word).hex()}"' if word else None for word in words], pa.string()
        )
    if "etag" not in inventory.columns:
        return pa.nulls(rows.num_rows, pa.string())
    return rows[inventory.columns["etag"]].cast(pa.string())


def _find_times(inventory: Inventory, rows: pa.RecordBatch) -> pa.Array:
    kind = PAGE.field("mtime").type
    if "mtime" not in inventory.columns:
        return pa.nulls(rows.num_rows, kind)
    column = rows[inventory.columns["mtime"]]
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        try:
            return column.cast(kind)
        except pa.ArrowInvalid:
            return pc.assume_timezone(column.cast(pa.timestamp("us")), "UTC")
    if pa.types.is_timestamp(column.type):
        if column.type.tz is None:
            column = pc.assume_timezone(column, "UTC")
        return column.cast(kind, safe=False)
    if pa.types.is_floating(column.type):
        return pc.round(pc.multiply(column, 1e6)).cast(pa.int64()).cast(kind)
    # Seconds, milliseconds, microseconds or nanoseconds since 1970: years apart.
    largest = pc.max(column).as_py() or 0
    unit = next((u for u, n in (("s", 1e11), ("ms", 1e14), ("us", 1e17)) if largest < n), "ns")
    return column.cast(pa.int64()).cast(pa.timestamp(unit, tz="UTC")).cast(kind, safe=False)


def _to_bad(objects: pa.RecordBatch, root: str) -> pa.RecordBatch:
    names = [
        key.encode("unicode_escape").decode() if readable else key
        for key, readable in zip(
            objects["path"].to_pylist(), objects["readable"].to_pylist(), strict=True
        )
    ]
    columns: dict[str, pa.Array] = {
        schema.PATH: pa.array([f"{root}/{name}" for name in names], pa.string()),
        schema.SIZE: objects["size"],
    }
    arrays = [
        columns.get(field.name, pa.nulls(objects.num_rows, field.type)) for field in schema.LISTING
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.LISTING)


def _mark(rows: pa.RecordBatch, *, bad: bool) -> pa.RecordBatch:
    marks = pa.array([bad] * rows.num_rows, pa.bool_())
    return pa.RecordBatch.from_arrays([*rows.columns, marks], schema=LISTED)
