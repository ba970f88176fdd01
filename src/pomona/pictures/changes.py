"""What a listing asks of a store: which pictures are new, changed, moved or gone."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from pomona import schema
from pomona.storage.state import count_values

__all__ = ["NOTHING", "Changes", "KnownContents", "find_changes"]

# Of one size there may be many; a picture that is not recognised only costs a network pass.
MOST_KNOWN: Final = 64
KNOWN: Final = pa.field(schema.KNOWN, pa.list_(pa.string()))


@dataclass(frozen=True)
class Changes:
    """What has to be done so that a store holds what a listing says.

    Parameters
    ----------
    n_fetch, n_fetch_bytes : int
        Pictures to read.
    fetch_labels : dict of str to int
        How many of each label; no label is the empty text.
    cut : callable
        ``cut(start, stop)`` gives two tables for some of them: their rows of the listing; and what
        the store held at their paths (:data:`pomona.schema.KEYS`), null where that was nothing.
    relabel : pyarrow.Table
        Rows of the listing whose label alone is another.
    relabelled : pyarrow.Table
        What the store holds of them.
    gone : pyarrow.Table
        Rows of the store (``KEYS``) that no listed picture stands for any more.
    counts : dict of str to int
        listed, new, changed, retried, relabelled, gone, unchanged; what is new or gone may turn
        out to have moved.
    """

    n_fetch: int
    n_fetch_bytes: int
    fetch_labels: Mapping[str, int]
    cut: Callable[[int, int], tuple[pa.Table, pa.Table]]
    relabel: pa.Table
    relabelled: pa.Table
    gone: pa.Table
    counts: dict[str, int]

    @property
    def nothing(self) -> bool:
        """Whether the store is up to date."""
        return not (self.n_fetch or len(self.relabel) or len(self.gone))


def find_changes(
    pictures: pa.Table,
    keys: pa.Table,
    *,
    fingerprint: str,
    retry: Collection[str] = schema.RETRYABLE,
) -> Changes:
    """Compare a listing with the keys of a store.

    A picture is the same while its path, its size, and its ETag (or time, where a store has no
    ETags) are, and its features come from the same network.

    Parameters
    ----------
    pictures : pyarrow.Table
        Rows of :data:`pomona.schema.LISTING`.
    keys : pyarrow.Table
        Rows of :data:`pomona.schema.KEYS`, those of features first: where one path stands twice,
        the later ones are gone.
    fingerprint : str
        Of the network.
    retry : collection of str
        Reason codes of quarantined pictures that are tried again.

    Returns
    -------
    Changes
    """
    if not len(keys):
        return _all_new(pictures)
    place = pc.index_in(pictures[schema.PATH], value_set=keys[schema.PATH])
    place = place.combine_chunks() if isinstance(place, pa.ChunkedArray) else place
    before = keys.take(place)
    found = pc.is_valid(place)
    same = pc.and_(found, _is_same(pictures, before, fingerprint))
    again = pc.and_(same, pc.is_in(before[schema.REASON_CODE], pa.array(list(retry), pa.string())))
    label = _equal(pictures[schema.LABEL], before[schema.LABEL])
    relabel = pc.and_(pc.and_not(same, again), pc.invert(label))
    fetch = pc.or_(pc.invert(same), again)
    gone = keys.filter(pc.invert(_referenced(place, len(keys))))
    fetched, held = pictures.filter(fetch), before.filter(fetch)
    counts = {
        "listed": len(pictures),
        "new": _count(pc.invert(found)),
        "changed": _count(pc.and_(found, pc.invert(same))),
        "retried": _count(again),
        "relabelled": _count(relabel),
        "gone": len(gone),
    }
    rest = ("new", "changed", "retried", "relabelled")
    counts["unchanged"] = counts["listed"] - sum(counts[name] for name in rest)
    return Changes(
        **_describe(fetched),
        cut=_cut_of(fetched, held),
        relabel=pictures.filter(relabel),
        relabelled=before.filter(relabel),
        gone=gone,
        counts=counts,
    )


def _all_new(pictures: pa.Table) -> Changes:
    """Say the same of an empty store, without a copy of the listing."""
    nothing = schema.KEYS.empty_table()
    nulls = [pa.nulls(len(pictures), field.type) for field in schema.KEYS]
    n = len(pictures)
    counts = {"listed": n, "new": n, "changed": 0, "retried": 0, "relabelled": 0, "gone": 0}
    return Changes(
        **_describe(pictures),
        cut=_cut_of(pictures, pa.table(nulls, schema=schema.KEYS)),
        relabel=schema.LISTING.empty_table(),
        relabelled=nothing,
        gone=nothing,
        counts=counts | {"unchanged": 0},
    )


def _describe(fetched: pa.Table) -> dict[str, Any]:
    """Return what :class:`Changes` says of the pictures to read."""
    return {
        "n_fetch": len(fetched),
        "n_fetch_bytes": pc.sum(fetched[schema.SIZE]).as_py() or 0,
        "fetch_labels": count_values(fetched[schema.LABEL]),
    }


def _cut_of(fetched: pa.Table, held: pa.Table) -> Callable[[int, int], tuple[pa.Table, pa.Table]]:
    return lambda start, stop: (
        fetched.slice(start, stop - start),
        held.slice(start, stop - start),
    )


def _is_same(pictures: pa.Table, before: pa.Table, fingerprint: str) -> pa.ChunkedArray:
    etags = pc.and_(pc.is_valid(pictures[schema.ETAG]), pc.is_valid(before[schema.ETAG]))
    version = pc.if_else(
        etags,
        # Some lists write them with quotes, some without.
        _equal(_trim(pictures[schema.ETAG]), _trim(before[schema.ETAG])),
        _equal(pictures[schema.MTIME], before[schema.MTIME]),
    )
    size = _equal(pictures[schema.SIZE], before[schema.SIZE])
    network = _equal(before[schema.FINGERPRINT], pa.scalar(fingerprint))
    return pc.and_(pc.and_(version, size), network)


def _trim(etags: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_trim(etags, '"')


def _equal(left: pa.ChunkedArray, right: pa.ChunkedArray | pa.Scalar) -> pa.ChunkedArray:
    """Return where two columns say the same; two nulls do."""
    neither = pc.and_(pc.is_null(left), pc.is_null(right))
    return pc.or_(pc.fill_null(pc.equal(left, right), False), neither)


def _count(mask: pa.ChunkedArray) -> int:
    return pc.sum(mask).as_py() or 0


def _referenced(place: pa.Array, n: int) -> pa.Array:
    import numpy as np

    mask = np.zeros(n, bool)
    mask[place.drop_null().to_numpy(zero_copy_only=False)] = True
    return pa.array(mask)


class KnownContents:
    """Contents that a store has features of and that may have moved.

    Parameters
    ----------
    gone : pyarrow.Table
        Rows of :data:`pomona.schema.KEYS` that leave.
    fingerprint : str
        Of the network: features of another are not the same ones.
    """

    def __init__(self, gone: pa.Table, fingerprint: str) -> None:
        self._fingerprint = fingerprint
        self._of_size: dict[int, list[str]] = {}
        own = pc.fill_null(pc.equal(gone[schema.FINGERPRINT], fingerprint), False)
        columns = gone.filter(own).select([schema.SIZE, schema.CONTENT_SHA256]).drop_null()
        for size, sha256 in zip(*(column.to_pylist() for column in columns), strict=True):
            some = self._of_size.setdefault(size, [])
            if len(some) < MOST_KNOWN:
                some.append(sha256)

    def add_to(self, fetched: pa.Table, held: pa.Table) -> pa.Table:
        """Add ``known``: hashes that a picture's content may have, its own old one and gone ones.

        Parameters
        ----------
        fetched, held : pyarrow.Table
            As ``cut`` of :class:`Changes` gives them.
        """
        same = pc.equal(held[schema.FINGERPRINT], self._fingerprint)
        own = pc.if_else(same, held[schema.CONTENT_SHA256], None).to_pylist()
        sizes = fetched[schema.SIZE].to_pylist()
        known = [
            ([sha256] if sha256 else []) + self._of_size.get(size, [])
            for sha256, size in zip(own, sizes, strict=True)
        ]
        return fetched.append_column(KNOWN, pa.array(known, KNOWN.type))


NOTHING: Final = _all_new(schema.LISTING.empty_table())
