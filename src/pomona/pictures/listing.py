"""List the pictures below a folder or in a bucket, with label, size, ETag and time."""

import hashlib
import heapq
import os
import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc

from pomona import schema
from pomona.errors import SourceError
from pomona.pictures.labels import LabelRule, label_rule
from pomona.pictures.walk import EXTENSIONS, FoundPicture, find_pictures, matches
from pomona.settings import SourceSettings
from pomona.storage.addresses import is_address, parse_address, to_text

__all__ = [
    "Listing",
    "OnListed",
    "choose_pictures",
    "hash_pictures",
    "list_bad_names",
    "list_images",
    "to_rows",
]

# Called with the number of files seen so far.
OnListed = Callable[[int], None]

# A picture by its name, and nothing hidden on the way to it.
HIDDEN: Final = r"(^|/)\."
PICTURE: Final = rf"(?i)({'|'.join(re.escape(extension) for extension in EXTENSIONS)})$"


@dataclass(frozen=True)
class Listing:
    """The pictures found.

    Parameters
    ----------
    pictures : pyarrow.Table
        Rows of :data:`pomona.schema.LISTING`, in the order of their paths.
    quarantined : pyarrow.Table
        Rows of :data:`pomona.schema.QUARANTINE`: found, and not usable even by name.
    """

    pictures: pa.Table
    quarantined: pa.Table

    @property
    def n_images(self) -> int:
        """Number of pictures found."""
        return len(self.pictures) + len(self.quarantined)

    @property
    def all_pictures(self) -> pa.Table:
        """Both, as rows of :data:`pomona.schema.LISTING`."""
        bad = schema.fit_columns(self.quarantined, schema.LISTING)
        return pa.concat_tables([self.pictures, bad])

    @property
    def n_bytes(self) -> int:
        """Their size together in bytes."""
        return pc.sum(self.pictures[schema.SIZE]).as_py() or 0


def list_images(settings: SourceSettings, *, on_listed: OnListed | None = None) -> Listing:
    """List the pictures below ``settings.source``.

    Parameters
    ----------
    settings : SourceSettings
    on_listed : callable, optional
        Called with the number of files seen so far; of a bucket, at each page.

    Returns
    -------
    Listing
        Paths are absolute and exactly as on disk, or addresses with keys as in the bucket.

    Raises
    ------
    SourceError
        If the source is missing, not a folder, not readable or holds no picture.
    SettingsError
        If the label rule cannot be used.
    SetupError
        If the bucket refuses.
    """
    if is_address(settings.source):
        listing = _list_bucket(settings, on_listed)
    else:
        listing = _list_folder(settings)
    if not listing.n_images:
        pattern = f" that match '{settings.glob}'" if settings.glob else ""
        raise SourceError(
            f"No pictures{pattern} below '{settings.source}'. Looked for "
            f"{', '.join(sorted(EXTENSIONS))} in all its folders. Check the path and --glob."
        )
    return listing


def _list_folder(settings: SourceSettings) -> Listing:
    root = _check_source(to_text(settings.source))
    find_label = label_rule(settings, root)
    pictures = find_pictures(root, glob=settings.glob)
    if settings.sample:
        labels = [find_label(item.relative) for item in pictures]
        names = [item.relative for item in pictures]
        pictures = [pictures[i] for i in _sample(names, labels, settings.sample)]
    return _to_listing(pictures[: settings.limit], find_label)


def _check_source(source: str) -> str:
    if not os.path.exists(source):
        raise SourceError(
            f"The source '{source}' does not exist. Pictures are read from a folder. "
            "Check the path."
        )
    if not os.path.isdir(source):
        raise SourceError(
            f"The source '{source}' is a file. Pictures are read from a folder. "
            "Give the folder that holds it, and --glob for its name."
        )
    return os.path.abspath(source)


def _sample(names: Sequence[str], labels: Sequence[str | None], n: int) -> list[int]:
    """Return which of the pictures are taken, ``n`` of each label."""
    groups: dict[str | None, list[int]] = defaultdict(list)
    for i, label in enumerate(labels):
        groups[label].append(i)

    def order(i: int) -> bytes:
        # A hash of the path: the choice does not change when other pictures come or go.
        return hashlib.blake2b(os.fsencode(names[i]), digest_size=16).digest()

    return sorted(i for group in groups.values() for i in heapq.nsmallest(n, group, key=order))


def _to_listing(pictures: Sequence[FoundPicture], find_label: LabelRule) -> Listing:
    good = [item for item in pictures if _is_text(item.path)]
    bad = [item for item in pictures if not _is_text(item.path)]
    table = pa.table(
        [
            [item.path for item in good],
            [find_label(item.relative) for item in good],
            [item.size for item in good],
            pa.nulls(len(good), pa.string()),
            [item.mtime_ns // 1000 for item in good],
        ],
        schema=schema.LISTING,
    )
    names = [os.fsencode(item.path).decode("utf-8", "backslashreplace") for item in bad]
    return Listing(table, list_bad_names(names, [item.size for item in bad]))


def list_bad_names(names: list[str], sizes: list[int]) -> pa.Table:
    """Return pictures whose names cannot be used, as rows of :data:`pomona.schema.QUARANTINE`."""
    return pa.table(
        [
            names,
            sizes,
            ["bad_name"] * len(names),
            [schema.REASON_CODES["bad_name"]] * len(names),
        ],
        schema=schema.QUARANTINE,
    )


def _is_text(path: str) -> bool:
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


def _list_bucket(settings: SourceSettings, on_listed: OnListed | None) -> Listing:
    from pomona.storage.objects import list_objects

    address = parse_address(str(settings.source))
    find_label = label_rule(settings, str(address))
    start = len(address.key) + 1 if address.key else 0
    batches: list[pa.RecordBatch] = []
    bad: list[tuple[str, int]] = []
    n_seen = 0
    last, in_order = "", True
    for page in list_objects(address):
        # Made whole page by page: a million rows are held once.
        batch = to_rows(
            choose_pictures(page.objects, settings.glob, start), address.root, start, find_label
        )
        if batch.num_rows:
            in_order = in_order and last < batch[schema.PATH][0].as_py()
            last = batch[schema.PATH][-1].as_py()
            batches.append(batch)
        bad += [
            (f"{address.root}/{item.key}", item.size)
            for item in page.bad
            if re.search(PICTURE, item.key)
        ]
        n_seen += page.objects.num_rows + len(page.bad)
        if on_listed is not None:
            on_listed(n_seen)
    table = pa.Table.from_batches(batches, schema=schema.LISTING)
    if not in_order:
        table = table.sort_by(schema.PATH)
    if settings.sample:
        names = pc.utf8_slice_codeunits(table[schema.PATH], len(address.root) + 1 + start)
        chosen = _sample(names.to_pylist(), table[schema.LABEL].to_pylist(), settings.sample)
        table = table.take(pa.array(chosen, pa.int64()))
    if settings.limit is not None:
        table = table.slice(0, settings.limit)
    return Listing(table, list_bad_names([name for name, _ in bad], [size for _, size in bad]))


def choose_pictures(objects: pa.RecordBatch, glob: str | None, start: int) -> pa.RecordBatch:
    """Return the objects that are pictures by their names."""
    names = pc.utf8_slice_codeunits(objects["path"], start)
    hidden = pc.match_substring_regex(names, HIDDEN)
    chosen = pc.and_not(pc.match_substring_regex(names, PICTURE), hidden)
    if glob is not None:
        chosen = pc.and_(chosen, pa.array([matches(name, glob) for name in names.to_pylist()]))
    return objects.filter(chosen)


def to_rows(
    objects: pa.RecordBatch, root: str, start: int, find_label: LabelRule
) -> pa.RecordBatch:
    """Return objects as rows of :data:`pomona.schema.LISTING`.

    Parameters
    ----------
    objects : pyarrow.RecordBatch
        path (below ``root``), size, etag, mtime.
    root : str
        Of the bucket or folder.
    start : int
        Characters of a path before the name that labels and patterns are looked up by.
    find_label : callable
    """
    names = pc.utf8_slice_codeunits(objects["path"], start).to_pylist()
    arrays = [
        pc.binary_join_element_wise(root, objects["path"], "/"),
        pa.array([find_label(name) for name in names], pa.string()),
        objects["size"],
        objects["etag"],
        objects["mtime"],
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=schema.LISTING)


def hash_pictures(pictures: pa.Table) -> int:
    """Return a hash that changes when a picture is added, removed, resized or touched.

    It is a sum, so that parts of a listing can be hashed in any order: modulo 2**256.
    """
    total = 0
    for batch in pictures.to_batches():
        # As numbers: texts of times take longer than all the rest.
        times = batch[schema.MTIME].cast(pa.int64())
        # Some lists write ETags with quotes, some without.
        etags = pc.utf8_trim(batch[schema.ETAG], '"')
        columns = (batch[schema.PATH], batch[schema.LABEL], batch[schema.SIZE], etags, times)
        texts = [column.cast(pa.string()) for column in columns]
        rows = pc.binary_join_element_wise(*(pc.fill_null(text, "") for text in texts), "\0")
        for row in rows.cast(pa.binary()).to_pylist():
            total += int.from_bytes(hashlib.sha256(row).digest(), "big")
    return total % 2**256
