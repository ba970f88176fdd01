"""Which pictures of the source are not to be read again: salted hashes of their names, no names."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable
from typing import Final

import pyarrow as pa

from pomona import schema
from pomona.storage.locations import Location
from pomona.storage.store import STATE

__all__ = ["add_forgotten", "leave_forgotten"]

FILE: Final = "forgotten.json"


def add_forgotten(out: Location, paths: Iterable[str]) -> None:
    """Remember that these pictures were forgotten."""
    salt, hashes = _read(out)
    hashes |= {_hash(salt, path) for path in paths}
    content = {"salt": salt, "hashes": sorted(hashes)}
    out.at(STATE).put(FILE, json.dumps(content, indent=1).encode())


def leave_forgotten(out: Location, pictures: pa.Table) -> pa.Table:
    """Return the rows of a listing without those that were forgotten."""
    salt, hashes = _read(out)
    if not hashes:
        return pictures
    mask = [_hash(salt, path) not in hashes for path in pictures[schema.PATH].to_pylist()]
    return pictures.filter(pa.array(mask, pa.bool_()))


def _read(out: Location) -> tuple[str, set[str]]:
    try:
        content = json.loads(out.at(STATE).get(FILE))
    except FileNotFoundError:
        return secrets.token_hex(16), set()
    return content["salt"], set(content["hashes"])


def _hash(salt: str, path: str) -> str:
    return hmac.new(salt.encode(), path.encode(), hashlib.sha256).hexdigest()[:32]
