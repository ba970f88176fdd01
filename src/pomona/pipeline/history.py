"""``history``: the commits of a store."""

from pomona.storage.history import list_commits
from pomona.storage.locations import open_location
from pomona.storage.state import read_state
from pomona.storage.store_records import CommitRecord

__all__ = ["history"]


def history(out: str) -> list[CommitRecord]:
    """Return the commits of ``out``, oldest first.

    Raises
    ------
    OutputError
        If there is no store.
    """
    place = open_location(out)
    read_state(place)
    return list_commits(place)
