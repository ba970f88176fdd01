"""The sums of a store's vectors, and which files they are of: no vector is read twice."""

import hashlib
import json
from dataclasses import dataclass
from typing import Final

from pomona.reduction.moments import Moments
from pomona.storage.locations import Location

__all__ = ["Sums", "read_sums", "write_sums"]

FILE: Final = "sums"


@dataclass(frozen=True)
class Sums:
    """Moments of all vectors of some files.

    Parameters
    ----------
    files : frozenset of str
        Names in ``features/``.
    moments : Moments
    """

    files: frozenset[str]
    moments: Moments


def write_sums(state: Location, sums: Sums) -> None:
    """Keep sums; a reader gets the old or the new ones."""
    content = sums.moments.to_bytes()
    head = {"files": sorted(sums.files), "sha256": hashlib.sha256(content).hexdigest()}
    state.put(FILE, json.dumps(head).encode() + b"\n" + content)


def read_sums(state: Location, *, n_features: int) -> Sums:
    """Return the sums that are kept; those of no files where there are none, or damaged ones."""
    nothing = Sums(frozenset(), Moments.empty(n_features))
    try:
        head, _, content = state.get(FILE).partition(b"\n")
        told = json.loads(head)
    except (FileNotFoundError, ValueError):
        return nothing
    if hashlib.sha256(content).hexdigest() != told["sha256"]:
        return nothing
    moments = Moments.from_bytes(content)
    return Sums(frozenset(told["files"]), moments) if len(moments.mean) == n_features else nothing
