"""What a listing asks of a store: which pictures are new, changed, moved or gone."""

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pomona import schema

__all__ = ["Changes", "find_changes"]

# Of one size there may be many; a picture that is not recognised only costs a network pass.
MOST_KNOWN: Final = 64
FETCHED: Final = schema.LISTING.append(pa.field(schema.KNOWN, pa.list_(pa.string())))


@dataclass(frozen=True)
class Changes:
    """What has to be done so that a store holds what a listing says.

    Parameters
    ----------
    fetch : pyarrow.Table
        Rows of the listing to read, with ``known``: hashes of contents that the store has features
        of and that may have moved here.
    before : pyarrow.Table
        For each of them what the store held at its path (:data:`pomona.schema.KEYS`); null where
        that was nothing.
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

    fetch: pa.Table
    before: pa.Table
    relabel: pa.Table
    relabelled: pa.Table
    gone: pa.Table
    counts: dict[str, int]

    @property
    def nothing(self) -> bool:
        """Whether the store is up to date."""
        return not (len(self.fetch) or len(self.relabel) or len(self.gone))


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
    known = _find_known(fetched, held, gone, fingerprint)
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
        fetched.append_column(FETCHED.field(schema.KNOWN), known),
        held,
        pictures.filter(relabel),
        before.filter(relabel),
        gone,
        counts,
    )


def _all_new(pictures: pa.Table) -> Changes:
    """Say the same of an empty store, without a copy of the listing."""
    nothing = schema.KEYS.empty_table()
    known = pa.nulls(len(pictures), FETCHED.field(schema.KNOWN).type)
    nulls = [pa.nulls(len(pictures), field.type) for field in schema.KEYS]
    n = len(pictures)
    counts = {"listed": n, "new": n, "changed": 0, "retried": 0, "relabelled": 0, "gone": 0}
    return Changes(
        pictures.append_column(FETCHED.field(schema.KNOWN), known),
        pa.table(nulls, schema=schema.KEYS),
        schema.LISTING.empty_table(),
        nothing,
        nothing,
        counts | {"unchanged": 0},
    )


def _is_same(pictures: pa.Table, before: pa.Table, fingerprint: str) -> pa.ChunkedArray:
    etags = pc.and_(pc.is_valid(pictures[schema.ETAG]), pc.is_valid(before[schema.ETAG]))
    version = pc.if_else(
        etags,
        _equal(pictures[schema.ETAG], before[schema.ETAG]),
        _equal(pictures[schema.MTIME], before[schema.MTIME]),
    )
    size = _equal(pictures[schema.SIZE], before[schema.SIZE])
    network = _equal(before[schema.FINGERPRINT], pa.scalar(fingerprint))
    return pc.and_(pc.and_(version, size), network)


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


def _find_known(fetched: pa.Table, held: pa.Table, gone: pa.Table, fingerprint: str) -> pa.Array:
    """Return for each picture the contents it may have: its own old one, those gone elsewhere."""
    of_size: dict[int, list[str]] = defaultdict(list)
    # Features of another network are not the same ones.
    gone = gone.filter(pc.fill_null(pc.equal(gone[schema.FINGERPRINT], fingerprint), False))
    for size, sha256 in zip(
        gone[schema.SIZE].to_pylist(), gone[schema.CONTENT_SHA256].to_pylist(), strict=True
    ):
        if sha256 is not None and size is not None and len(of_size[size]) < MOST_KNOWN:
            of_size[size].append(sha256)
    same = pc.equal(held[schema.FINGERPRINT], fingerprint)
    own = pc.if_else(same, held[schema.CONTENT_SHA256], None).to_pylist()
    sizes = fetched[schema.SIZE].to_pylist()
    return pa.array(
        [
            ([sha256] if sha256 else []) + of_size.get(size, [])
            for sha256, size in zip(own, sizes, strict=True)
        ],
        FETCHED.field(schema.KNOWN).type,
    )
