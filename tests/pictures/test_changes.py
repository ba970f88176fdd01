"""What a listing asks of a store, on tables made by hand."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest

from pomona import schema
from pomona.pictures.changes import KnownContents, find_changes

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def listed(path, *, label="a", size=10, etag="1", mtime=NOON):
    return {"path": path, "label": label, "size": size, "etag": etag, "mtime": mtime}


def held(path, *, name=None, fingerprint="f", code=None, attempts=None, **more):
    sha256 = None if code else f"sha of {name or path}"
    return listed(path, **more) | {
        "picture_id": f"id of {name or path}",
        "content_sha256": sha256,
        "fingerprint": fingerprint,
        "reason_code": code,
        "attempts": attempts,
        "file": "part.parquet",
    }


def compare(pictures, keys, **more):
    return find_changes(
        pa.Table.from_pylist(pictures, schema.LISTING),
        pa.Table.from_pylist(keys, schema.KEYS),
        fingerprint="f",
        **more,
    )


def cut(changes):
    fetched, before = changes.cut(0, changes.n_fetch)
    return KnownContents(changes.gone, "f").add_to(fetched, before), before


@pytest.mark.parametrize(
    ("now", "kind"),
    [
        (listed("x"), "unchanged"),
        (listed("x", mtime=NOON.replace(hour=13)), "unchanged"),
        (listed("x", etag="2"), "changed"),
        (listed("x", size=11), "changed"),
        (listed("x", label="b"), "relabelled"),
        (listed("x", etag=None), "unchanged"),
        (listed("x", etag=None, mtime=NOON.replace(hour=13)), "changed"),
        (listed("y"), "new"),
    ],
)
def test_one_picture(now, kind):
    counts = compare([now], [held("x")]).counts
    assert counts[kind] == counts["listed"] == 1
    assert (
        sum(counts[name] for name in ("new", "changed", "retried", "relabelled", "unchanged")) == 1
    )


def test_another_network_changes_every_picture():
    changes = compare([listed("x")], [held("x", fingerprint="old")])
    assert changes.counts["changed"] == 1
    # Its own old content is known, and features of another network must not be taken for it.
    assert cut(changes)[0]["known"].to_pylist() == [[]]


def test_an_empty_store_and_an_empty_source():
    everything = compare([listed("x"), listed("y")], [])
    fetched, before = cut(everything)
    assert everything.counts["new"] == len(fetched) == len(before) == 2
    nothing = compare([], [held("x")])
    assert nothing.counts["gone"] == len(nothing.gone) == 1
    assert compare([listed("x")], [held("x")]).nothing


def test_contents_that_went_elsewhere_are_known_by_their_size():
    changes = compare(
        [listed("new", size=7), listed("other", size=8), listed("x", etag="2", size=7)],
        [held("x", size=6), held("old", size=7), held("bad", size=7, code="corrupt", attempts=1)],
    )
    fetched, _ = cut(changes)
    known = dict(zip(fetched["path"].to_pylist(), fetched["known"].to_pylist(), strict=True))
    assert known == {
        "new": ["sha of old"],
        "other": [],
        "x": ["sha of x", "sha of old"],
    }


def test_quarantined_pictures_are_tried_again_by_their_code():
    keys = [held("a", code="missing", attempts=2), held("b", code="corrupt", attempts=1)]
    pictures = [listed("a"), listed("b")]
    changes = compare(pictures, keys)
    fetched, before = cut(changes)
    assert (changes.counts["retried"], fetched["path"].to_pylist()) == (1, ["a"])
    assert before["attempts"].to_pylist() == [2]
    assert compare(pictures, keys, retry=schema.REASON_CODES).counts["retried"] == 2


def test_a_picture_that_stands_twice_keeps_its_first_row():
    keys = [held("x"), held("x", name="second", code="missing", attempts=1)]
    changes = compare([listed("x")], keys)
    assert changes.counts["unchanged"] == 1
    assert changes.gone["picture_id"].to_pylist() == ["id of second"]
