"""What a typed record is: fields with types, kept as JSON, with a schema."""

from pathlib import Path
from typing import Any, TypeVar

import msgspec

__all__ = [
    "JsonObject",
    "Record",
    "fields_of",
    "json_schema",
    "parse_record",
    "replace",
    "to_json",
    "to_plain",
]

# An object whose keys belong to another module, or to a user: networks, counts by label.
JsonObject = dict[str, Any]

R = TypeVar("R", bound="Record")


class Record(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of what is kept as JSON: a field left at its default is not written."""


def parse_record(content: bytes, type: type[R]) -> R:
    """Return the record that a file holds; keys it does not know are left out.

    Raises
    ------
    ValueError
        If it is no JSON, or something is missing or of another type; the message says where.
    """
    return msgspec.json.decode(content, type=type, dec_hook=_from_plain)


def to_plain(record: object) -> JsonObject:
    """Return a record, or a record of settings, as plain JSON values."""
    plain: JsonObject = msgspec.json.decode(msgspec.json.encode(record, enc_hook=_to_plain))
    return plain


def to_json(record: Record) -> bytes:
    """Return the file a record is kept as: indented, UTF-8, ending with a line break."""
    text = msgspec.json.encode(record, enc_hook=_to_plain)
    return msgspec.json.format(text, indent=2) + b"\n"


def json_schema(type: type[Record]) -> JsonObject:
    """Return the JSON schema of a record."""
    return msgspec.json.schema(type, schema_hook=lambda _: {"type": "string"})


def fields_of(record: Record) -> JsonObject:
    """Return the fields of a record by name, as they are."""
    return msgspec.structs.asdict(record)


def replace(record: R, **changes: Any) -> R:
    """Return the record with other values in some fields."""
    return msgspec.structs.replace(record, **changes)


def _to_plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"A {type(value).__name__} has no place in a record.")


def _from_plain(type: type, value: object) -> object:
    if issubclass(type, Path) and isinstance(value, str):
        return type(value)
    raise TypeError(f"A {type.__name__} has no place in a record.")
