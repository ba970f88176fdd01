"""What a bucket keeps of deleted objects: counted where it can be, and said where it cannot."""

from typing import Any

from pomona.storage.bucket_location import BucketLocation
from pomona.storage.identity import open_aws
from pomona.storage.locations import Location

__all__ = ["count_versions"]


def count_versions(out: Location) -> dict[str, Any]:
    """Return ``versions_left`` and ``versions_note`` of a receipt."""
    if not isinstance(out, BucketLocation):
        note = "Files of a disk are deleted; copies in backups and snapshots are not looked at."
        return {"versions_left": 0, "versions_note": note}
    if out.address.kind != "s3":
        note = (
            "It was not looked whether this account keeps deleted objects (soft delete, versions). "
            "Look at its data protection settings."
        )
        return {"versions_left": None, "versions_note": note}
    try:
        n = _count_s3(out)
    except Exception as error:
        # Of a missing package as of a missing right: the deletion itself is done.
        note = (
            f"Older versions could not be listed ({type(error).__name__}). Install pomona[aws] "
            "and allow s3:ListBucketVersions, or look at the bucket's versions yourself."
        )
        return {"versions_left": None, "versions_note": note}
    note = "The bucket keeps no older versions."
    if n:
        note = (
            f"The bucket still keeps {n} older versions below '{out}'. They hold what was "
            "forgotten until a lifecycle rule or their owner deletes them."
        )
    return {"versions_left": n, "versions_note": note}


def _count_s3(out: BucketLocation) -> int:
    prefix = f"{out.address.key}/" if out.address.key else ""
    pages = (
        open_aws("s3")
        .get_paginator("list_object_versions")
        .paginate(Bucket=out.address.bucket, Prefix=prefix)
    )
    return sum(not version["IsLatest"] for page in pages for version in page.get("Versions", ()))
