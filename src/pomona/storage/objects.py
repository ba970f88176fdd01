"""The objects of a bucket: listed page by page, read one at a time."""

import re
import time
from base64 import b64decode
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pomona.errors import SetupError
from pomona.storage.addresses import Address, parse_address
from pomona.storage.buckets import open_bucket, stored_errors
from pomona.storage.identity import open_aws

__all__ = ["BadKey", "ChangedError", "Page", "list_objects", "read_object"]

PAGE_KEYS: Final = 1000
TRIES: Final = 8
# As a file such a key would lie elsewhere, or nowhere.
BAD_KEY: Final = re.compile(r"(^|/)(\.{0,2})(/|$)|[\x00-\x1f\x7f]")

PAGE: Final = pa.schema(
    [
        pa.field("path", pa.string(), nullable=False),
        pa.field("size", pa.int64()),
        pa.field("etag", pa.string()),
        pa.field("mtime", pa.timestamp("us", tz="UTC")),
    ]
)


@dataclass(frozen=True)
class BadKey:
    """A key that cannot be a path.

    Parameters
    ----------
    key : str
        Control characters escaped.
    size : int
    etag : str or None
    """

    key: str
    size: int
    etag: str | None


@dataclass(frozen=True)
class Page:
    """Some of the objects below a prefix.

    Parameters
    ----------
    objects : pyarrow.RecordBatch
        path (the whole key), size, etag, mtime.
    bad : tuple of BadKey
    """

    objects: pa.RecordBatch
    bad: tuple[BadKey, ...] = ()


class ChangedError(Exception):
    """An object is not the one that was listed."""


def list_objects(address: Address) -> Iterator[Page]:
    """Yield the objects below an address, page by page, in the order of their keys.

    Raises
    ------
    SetupError
        If the bucket is not there or may not be listed, or has keys that only the cloud's own
        package can list, and that is not installed.
    """
    if address.kind == "hdfs":
        from pomona.storage.hdfs import list_hdfs

        yield from _to_pages(list_hdfs(address))
        return
    from obstore.exceptions import InvalidPathError

    last = ""
    tries = 0
    while True:
        try:
            for page in _list(address, last):
                last, tries = page.objects["path"][-1].as_py(), 0
                yield page
            return
        except InvalidPathError as error:
            # One odd key makes obstore refuse the whole page it is on.
            yield from _list_by_sdk(address, last, error)
            return
        except OSError:
            # A page whose body ends too early is not asked for again by obstore.
            tries += 1
            if tries == TRIES:
                raise
            time.sleep(0.1 * 2**tries)


def _list(address: Address, last: str) -> Iterator[Page]:
    import obstore
    from obstore.exceptions import InvalidPathError

    with stored_errors(address, passing=InvalidPathError):
        pages: Any = obstore.list(
            open_bucket(address),
            address.key or None,
            offset=last or None,
            return_arrow=True,
            chunk_size=PAGE_KEYS,
        )
        for found in pages:
            batch = pa.record_batch(found)
            # Some stores take no offset, or one that is included.
            if last and batch.num_rows:
                batch = batch.filter(pc.greater(batch["path"], last))
            if batch.num_rows:
                yield Page(_to_page(batch))


def _to_page(batch: pa.RecordBatch) -> pa.RecordBatch:
    columns = [
        batch["path"],
        batch["size"].cast(pa.int64()),
        batch["e_tag"],
        batch["last_modified"].cast(PAGE.field("mtime").type),
    ]
    return pa.RecordBatch.from_arrays(columns, schema=PAGE)


def _list_by_sdk(address: Address, last: str, error: Exception) -> Iterator[Page]:
    listers = {"s3": _list_s3, "az": _list_azure, "gs": _list_google}
    try:
        items = listers[address.kind](address, last)
    except ImportError as missing:
        extra = {"s3": "aws", "az": "azure", "gs": "google"}[address.kind]
        raise SetupError(
            f"'{address}' has a key that is no path: {error}. Only the cloud's own package can "
            f"list it, and it is not here. Run 'pip install pomona[{extra}]', or rename the object."
        ) from missing
    yield from _to_pages(items)


def _to_pages(items: Iterable[tuple[str, int, str | None, Any]]) -> Iterator[Page]:
    rows: list[tuple[str, int, str | None, Any]] = []
    bad: list[BadKey] = []
    for key, size, etag, mtime in items:
        if BAD_KEY.search(key):
            # A folder's marker is no picture, and neither is nothing.
            if not key.endswith("/"):
                escaped = key.encode("unicode_escape").decode()
                bad.append(BadKey(escaped, size, etag))
        else:
            rows.append((key, size, etag, mtime))
        if len(rows) + len(bad) >= PAGE_KEYS:
            yield _page_of(rows, bad)
            rows, bad = [], []
    yield _page_of(rows, bad)


def _page_of(rows: list[tuple[str, int, str | None, Any]], bad: list[BadKey]) -> Page:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, PAGE, strict=True)]
    return Page(pa.RecordBatch.from_arrays(arrays, schema=PAGE), tuple(bad))


def _list_s3(address: Address, last: str) -> Iterator[tuple[str, int, str | None, Any]]:
    pages = (
        open_aws("s3")
        .get_paginator("list_objects_v2")
        .paginate(Bucket=address.bucket, Prefix=_prefix(address), StartAfter=last)
    )
    return (
        (item["Key"], item["Size"], item.get("ETag"), item["LastModified"])
        for page in pages
        for item in page.get("Contents", ())
    )


def _list_azure(address: Address, last: str) -> Iterator[tuple[str, int, str | None, Any]]:
    import os

    from azure.storage.blob import ContainerClient

    account = address.account or os.environ["AZURE_STORAGE_ACCOUNT_NAME"]
    key = os.environ.get("AZURE_STORAGE_ACCOUNT_KEY")
    endpoint = os.environ.get("AZURE_STORAGE_ENDPOINT", f"https://{account}.blob.core.windows.net")
    credential: Any = key
    if key is None:
        from azure.identity import DefaultAzureCredential

        credential = DefaultAzureCredential()
    client = ContainerClient(endpoint, address.bucket, credential=credential)
    return (
        (item.name, item.size, f'"{item.etag}"', item.last_modified)
        for item in client.list_blobs(name_starts_with=_prefix(address))
        if item.name > last
    )


def _list_google(address: Address, last: str) -> Iterator[tuple[str, int, str | None, Any]]:
    from google.cloud import storage

    found = storage.Client().list_blobs(
        address.bucket, prefix=_prefix(address), start_offset=last or None
    )
    return (
        # The ETag of a download, which the list of this interface does not say.
        (item.name, item.size, item.md5_hash and b64decode(item.md5_hash).hex(), item.updated)
        for item in found
        if item.name > last
    )


def _prefix(address: Address) -> str:
    return f"{address.key}/" if address.key else ""


def read_object(path: str, *, etag: str | None, most: int) -> bytes | None:
    """Return an object's bytes; None where they are more than ``most``.

    Parameters
    ----------
    path : str
        Its whole address.
    etag : str, optional
        What was listed; bytes of another version are not taken.
    most : int
        Bytes.

    Raises
    ------
    ChangedError
        If it is not the one that was listed.
    FileNotFoundError, PermissionError, OSError
        If it is gone, refused, or the store failed more often than is worth trying.
    SetupError
        If the bucket is gone or the credentials have expired.
    """
    import obstore
    from obstore.exceptions import PermissionDeniedError, PreconditionError, UnauthenticatedError

    address = parse_address(path)
    passing = (PreconditionError, PermissionDeniedError, UnauthenticatedError)
    try:
        if BAD_KEY.search(address.key):
            raise FileNotFoundError(f"No file can be called '{address.key}'.")
        if address.kind == "hdfs":
            return _read_hdfs(address, etag, most)
        with stored_errors(address, passing=passing):
            options: Any = {"if_match": _quote(etag)} if etag else {}
            result = obstore.get(open_bucket(address), address.key, options=options)
            return None if result.meta["size"] > most else bytes(result.bytes())
    except PreconditionError as error:
        raise ChangedError from error
    except (PermissionDeniedError, UnauthenticatedError) as error:
        if "Expired" in str(error):
            with stored_errors(address):
                raise
        raise PermissionError(f"The store refuses '{address.root}'.") from error


def _read_hdfs(address: Address, version: str | None, most: int) -> bytes | None:
    from pomona.storage.hdfs import read_hdfs

    content, is_another = read_hdfs(address, version=version, most=most)
    if is_another:
        raise ChangedError
    return content


def _quote(etag: str) -> str:
    """Return an ETag as a request has it; lists differ."""
    return etag if etag.endswith('"') else f'"{etag}"'
