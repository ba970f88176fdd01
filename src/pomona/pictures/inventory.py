"""An inventory of a bucket: a listing that somebody else has made, in files; looked at here.

References
----------
Amazon S3 Inventory, Azure Blob inventory and Google Cloud Storage inventory reports: columns and
manifests.
"""

import json
import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from pomona.errors import SettingsError, SourceError
from pomona.settings import SourceSettings
from pomona.storage.addresses import is_address, parse_address
from pomona.storage.locations import Location, open_location

__all__ = ["Inventory", "Piece", "open_inventory", "unpack"]

PIECE_ROWS: Final = 500_000
READERS: Final = 8
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


def unpack(file: Any, name: str) -> Any:
    """Return a file as the text that it holds."""
    return pa.CompressedInputStream(file, "gzip") if name.lower().endswith(".gz") else file


def _read_header(where: Location, name: str) -> list[str]:
    with where.open(name) as file:
        found: list[str] = pacsv.open_csv(unpack(file, name)).schema.names
        return found
