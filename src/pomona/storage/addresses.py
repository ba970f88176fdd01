"""Addresses of object stores: what a scheme, a bucket and an account are called."""

import os
import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

from pomona.errors import SettingsError

__all__ = ["KNOWN", "Address", "Addressed", "full_place", "is_address", "parse_address", "to_text"]

S3: Final = "s3"
AZURE: Final = "az"
GOOGLE: Final = "gs"
HDFS: Final = "hdfs"
# What users write, and the one word that the rest of Pomona uses.
SCHEMES: Final = {
    "s3": S3,
    "s3a": S3,
    "s3n": S3,
    "az": AZURE,
    "azure": AZURE,
    "abfs": AZURE,
    "abfss": AZURE,
    "wasb": AZURE,
    "wasbs": AZURE,
    "gs": GOOGLE,
    "gcs": GOOGLE,
    "hdfs": HDFS,
}
KNOWN: Final = "s3://, az://, abfss://, wasbs://, gs:// and hdfs://"
ADDRESS: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):/(?=/)")


@dataclass(frozen=True)
class Address:
    """A place in an object store.

    Parameters
    ----------
    kind : {"s3", "az", "gs", "hdfs"}
    bucket : str
        Bucket or container; of HDFS the NameNode, with its port.
    key : str
        What stands before the names below it; no ``/`` at either end.
    account : str, optional
        Of Azure, where the address names it.
    root : str
        The bucket as the user wrote it, such as ``s3://photos``.
    """

    kind: str
    bucket: str
    key: str
    account: str | None
    root: str

    def __str__(self) -> str:
        return f"{self.root}/{self.key}" if self.key else self.root


@dataclass(frozen=True)
class Addressed:
    """What lies below an address.

    Parameters
    ----------
    address : Address
    """

    address: Address

    def __str__(self) -> str:
        return str(self.address)

    def _key(self, name: str) -> str:
        return "/".join(part for part in (self.address.key, name) if part)

    def at(self, name: str) -> Self:
        """Return the folder ``name`` below this one."""
        return type(self)(replace(self.address, key=self._key(name)))


def is_address(place: str | os.PathLike[str]) -> bool:
    """Return whether a text is an address and not a path of this machine."""
    text = os.fspath(place)
    return bool(ADDRESS.match(text)) and not text.startswith("file://")


def to_text(place: str | os.PathLike[str]) -> str:
    """Return a path or an address as text; ``file://`` and ``dbfs:`` become the paths they are."""
    text = os.fspath(place)
    if text.startswith("file://"):
        return urlsplit(text).path
    return f"/dbfs/{text.removeprefix('dbfs:').lstrip('/')}" if text.startswith("dbfs:/") else text


def parse_address(text: str) -> Address:
    """Return the parts of an address.

    Raises
    ------
    SettingsError
        If its scheme is not known, or it names no bucket.
    """
    match = ADDRESS.match(text)
    scheme = match[1].lower() if match else ""
    kind = SCHEMES.get(scheme)
    if kind is None:
        raise SettingsError(
            f"'{text}' is an address of '{scheme}'. Pomona reads and writes folders, and buckets "
            f"at {KNOWN}. Correct the address, or name a folder."
        )
    place, _, key = text[len(scheme) + 3 :].partition("/")
    container, at, host = place.partition("@")
    bucket = container if at else place
    refused = "?#" if kind == "hdfs" else "?#:"
    if not bucket or any(char in bucket for char in refused):
        raise SettingsError(
            f"'{text}' names no bucket. An address is written {scheme}://BUCKET/FOLDER. "
            "Keys and passwords do not belong in it: they come from the environment."
        )
    root = text[: len(scheme) + 3] + place
    return Address(kind, bucket, key.strip("/"), host.partition(".")[0] or None, root)


def full_place(place: str | os.PathLike[str]) -> str:
    """Return a place as it is called from everywhere: an address, or an absolute path."""
    text = to_text(place)
    return str(parse_address(text)) if is_address(text) else str(Path(text).resolve())
