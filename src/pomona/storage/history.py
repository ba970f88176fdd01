"""The commits of a store, from its log; what a shortened log no longer tells is kept beside it."""

import json
from datetime import UTC, datetime
from typing import Any, Final

from pomona.storage.locations import Location
from pomona.storage.records import to_plain
from pomona.storage.store import FEATURES, QUARANTINE, STATE
from pomona.storage.store_records import CommitRecord
from pomona.storage.table import read_history, shorten_log

__all__ = ["list_commits", "shorten"]

FILE: Final = "history.json"
COUNTS: Final = ("extracted", "kept", "quarantined", "gone")


def list_commits(out: Location) -> list[CommitRecord]:
    """Return all commits, oldest first."""
    found: dict[tuple[str, int], dict[str, Any]] = {}
    for row in _read_kept(out):
        found[row["run"], row["batch"]] = row
    for part in (FEATURES, QUARANTINE):
        for note in read_history(out.at(part)):
            key = (note["run"], note.get("batch", 0))
            at = datetime.fromtimestamp(note["timestamp"] / 1000, UTC).isoformat(timespec="seconds")
            row = found.setdefault(key, {"at": at, "run": key[0], "batch": key[1], "pictures": 0})
            row |= {name: note[name] for name in (*COUNTS, "pictures") if name in note}
    rows = sorted(found.values(), key=lambda row: (row["at"], row["run"], row["batch"]))
    pictures = 0
    for row in rows:
        # A commit that touched the quarantine only left the features as they were.
        pictures = row["pictures"] = row["pictures"] or pictures
    return [CommitRecord(**row) for row in rows]


def shorten(out: Location) -> None:
    """Keep the counts of all commits, and let the logs forget all but what counts now."""
    rows = [to_plain(commit) for commit in list_commits(out)]
    out.at(STATE).put(FILE, json.dumps(rows, indent=1).encode())
    for part in (FEATURES, QUARANTINE):
        shorten_log(out.at(part))


def _read_kept(out: Location) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = json.loads(out.at(STATE).get(FILE))
    except FileNotFoundError:
        return []
    return rows
