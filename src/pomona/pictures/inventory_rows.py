"""The pictures that an inventory names, read piece by piece: no process ever holds all of it."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import unquote_to_bytes

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pomona import schema
from pomona.pictures.inventory import Inventory, Piece, unpack
from pomona.pictures.labels import label_rule
from pomona.pictures.listing import choose_pictures, to_rows
from pomona.settings import SourceSettings
from pomona.storage.addresses import full_place, is_address, parse_address
from pomona.storage.objects import BAD_KEY, PAGE

__all__ = ["BAD", "LISTED", "read_inventory"]

BATCH_ROWS: Final = 64 * 1024
BLOCK_BYTES: Final = 8 << 20
# Rows of the listing, and which of them cannot be read because of their names.
BAD: Final = "bad_name"
LISTED: Final = schema.LISTING.append(pa.field(BAD, pa.bool_()))
ELSEWHERE: Final = r"^([A-Za-z][A-Za-z0-9+.-]*:/)?/"


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
            unpack(file, name),
            pacsv.ReadOptions(block_size=BLOCK_BYTES, column_names=inventory.header),
            convert_options=pacsv.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=[""],
            ),
        )


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
    paths = pa.array([f"{root}/{name}" for name in names], pa.string())
    bad = pa.RecordBatch.from_arrays([paths, objects["size"]], [schema.PATH, schema.SIZE])
    return schema.fit_columns(bad, schema.LISTING)


def _mark(rows: pa.RecordBatch, *, bad: bool) -> pa.RecordBatch:
    marks = pa.array([bad] * rows.num_rows, pa.bool_())
    return pa.RecordBatch.from_arrays([*rows.columns, marks], schema=LISTED)
