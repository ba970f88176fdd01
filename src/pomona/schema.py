"""Column names, table schemas and reason codes: the words of the output contract."""

from collections.abc import Callable
from typing import Final, TypeVar

import pyarrow as pa

__all__ = [
    "ATTEMPTS",
    "CONTENT",
    "CONTENT_SHA256",
    "ETAG",
    "EXTRACTED",
    "FEATURES",
    "FILE",
    "FINGERPRINT",
    "HEIGHT",
    "KEYS",
    "KNOWN",
    "LABEL",
    "LISTING",
    "MTIME",
    "PATH",
    "PCA",
    "PICTURE_ID",
    "QUARANTINE",
    "REASON",
    "REASON_CODE",
    "REASON_CODES",
    "REDUCED",
    "RETRYABLE",
    "SIZE",
    "STORED_FEATURES",
    "STORED_QUARANTINE",
    "WIDTH",
    "OnProgress",
    "fit_columns",
]

# Called with the number of pictures done, and of all.
OnProgress = Callable[[int, int], None]

Rows = TypeVar("Rows", pa.Table, pa.RecordBatch)

PATH: Final = "path"
LABEL: Final = "label"
SIZE: Final = "size"
MTIME: Final = "mtime"
ETAG: Final = "etag"
# Hashes of contents whose features are there already.
KNOWN: Final = "known"
CONTENT: Final = "content"
WIDTH: Final = "width"
HEIGHT: Final = "height"
CONTENT_SHA256: Final = "content_sha256"
FEATURES: Final = "features"
PCA: Final = "pca"
REASON_CODE: Final = "reason_code"
REASON: Final = "reason"
ATTEMPTS: Final = "attempts"
PICTURE_ID: Final = "picture_id"
FINGERPRINT: Final = "fingerprint"
# Where a row of a table is.
FILE: Final = "file"

LISTING: Final = pa.schema(
    [
        pa.field(PATH, pa.string(), nullable=False),
        pa.field(LABEL, pa.string()),
        pa.field(SIZE, pa.int64()),
        pa.field(ETAG, pa.string()),
        pa.field(MTIME, pa.timestamp("us", tz="UTC")),
    ]
)

QUARANTINE: Final = pa.schema(
    [
        pa.field(PATH, pa.string(), nullable=False),
        pa.field(SIZE, pa.int64()),
        pa.field(REASON_CODE, pa.string(), nullable=False),
        pa.field(REASON, pa.string(), nullable=False),
    ]
)

# What the fused stage yields: one row per picture; REASON_CODE is null where FEATURES is not.
# Where both are null, the content is one of the KNOWN, and its features are there already.
EXTRACTED: Final = pa.schema(
    [
        pa.field(PATH, pa.string(), nullable=False),
        pa.field(LABEL, pa.string()),
        pa.field(WIDTH, pa.int32()),
        pa.field(HEIGHT, pa.int32()),
        pa.field(CONTENT_SHA256, pa.string()),
        pa.field(FEATURES, pa.list_(pa.field("element", pa.float32(), nullable=False))),
        pa.field(SIZE, pa.int64()),
        pa.field(ETAG, pa.string()),
        pa.field(MTIME, pa.timestamp("us", tz="UTC")),
        pa.field(REASON_CODE, pa.string()),
        pa.field(REASON, pa.string()),
    ]
)

VECTOR: Final = EXTRACTED.field(FEATURES).type

# features/: one row per picture that could be used. The first column is random: it stands for the
# picture where a log must not name it.
STORED_FEATURES: Final = pa.schema(
    [
        pa.field(PICTURE_ID, pa.string(), nullable=False),
        pa.field(PATH, pa.string(), nullable=False),
        pa.field(LABEL, pa.string()),
        pa.field(WIDTH, pa.int32()),
        pa.field(HEIGHT, pa.int32()),
        pa.field(CONTENT_SHA256, pa.string()),
        pa.field(ETAG, pa.string()),
        pa.field(SIZE, pa.int64()),
        pa.field(MTIME, pa.timestamp("us", tz="UTC")),
        pa.field(FINGERPRINT, pa.string()),
        pa.field(FEATURES, VECTOR),
    ]
)

# quarantine/: one row per picture that could not.
STORED_QUARANTINE: Final = pa.schema(
    [
        pa.field(PICTURE_ID, pa.string(), nullable=False),
        pa.field(PATH, pa.string(), nullable=False),
        pa.field(LABEL, pa.string()),
        pa.field(ETAG, pa.string()),
        pa.field(SIZE, pa.int64()),
        pa.field(MTIME, pa.timestamp("us", tz="UTC")),
        pa.field(FINGERPRINT, pa.string()),
        pa.field(REASON_CODE, pa.string(), nullable=False),
        pa.field(REASON, pa.string(), nullable=False),
        pa.field(ATTEMPTS, pa.int32(), nullable=False),
    ]
)

# What is known of a picture without its features.
KEYS: Final = pa.schema(
    [
        pa.field(PICTURE_ID, pa.string()),
        pa.field(PATH, pa.string()),
        pa.field(LABEL, pa.string()),
        pa.field(CONTENT_SHA256, pa.string()),
        pa.field(ETAG, pa.string()),
        pa.field(SIZE, pa.int64()),
        pa.field(MTIME, pa.timestamp("us", tz="UTC")),
        pa.field(FINGERPRINT, pa.string()),
        pa.field(REASON_CODE, pa.string()),
        pa.field(ATTEMPTS, pa.int32()),
        pa.field(FILE, pa.string()),
    ]
)

REDUCED: Final = pa.schema(
    [
        pa.field(PATH, pa.string(), nullable=False),
        pa.field(LABEL, pa.string()),
        pa.field(PCA, pa.list_(pa.field("element", pa.float32(), nullable=False)), nullable=False),
    ]
)

REASON_CODES: Final[dict[str, str]] = {
    "bad_name": "The file name is not valid UTF-8.",
    "missing": "The file was listed and is gone.",
    "changed": "The file was written to after it was listed.",
    "unreadable": "The file may not be read (permissions).",
    "read_error": "The storage failed while reading.",
    "too_large_file": "The file is larger than the limit in bytes.",
    "empty_file": "The file has no bytes.",
    "not_an_image": "The bytes are not of a known picture format.",
    "wrong_extension": "The file extension names another picture format than the bytes.",
    "too_many_pixels": "The picture has more pixels than --max-pixels.",
    "too_small": "The picture is less than 2 pixels wide or high.",
    "truncated": "The picture ends too early.",
    "corrupt": "The picture cannot be decoded.",
    "broken_exif": "The EXIF block is damaged, so the orientation is unknown.",
    "unsupported_mode": "The pixel format has no defined way to RGB.",
    "decoder_crash": "The decoder process died on this picture.",
    "decoder_timeout": "The decoder did not finish within its time.",
}

# Of the storage, not of the picture: the next run tries again.
RETRYABLE: Final = frozenset({"missing", "changed", "unreadable", "read_error"})


def fit_columns(rows: Rows, columns: pa.Schema) -> Rows:
    """Return rows with these columns; what they lack is null, what they have more is left out."""
    arrays = [
        rows[field.name] if field.name in rows.schema.names else pa.nulls(rows.num_rows, field.type)
        for field in columns
    ]
    return type(rows).from_arrays(arrays, schema=columns)
