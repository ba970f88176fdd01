"""Read a multipart body into memory, within limits; nothing of it ever touches a disk."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from pomona.serving.http.bodies import Body, too_large
from pomona.serving.http.refusals import RefusalError
from pomona.settings import Limits

__all__ = ["Budget", "Form", "read_form"]

MAX_HEADERS: Final = 8
MAX_HEADER_BYTES: Final = 2048
BUSY_RETRY_S: Final = 2


@dataclass(frozen=True)
class Form:
    """What a body held, in order.

    Parameters
    ----------
    photos : list of bytes
        The files of the part name that was asked for; their names are never kept.
    fields : dict of list of str
        The other parts.
    """

    photos: list[bytes]
    fields: dict[str, list[str]]

    def field(self, name: str) -> str | None:
        """Return the last value of a field, or None."""
        values = self.fields.get(name)
        return values[-1] if values else None


class Budget:
    """Bytes of photographs that all requests of a process hold together.

    Parameters
    ----------
    max_bytes : int
    """

    def __init__(self, max_bytes: int) -> None:
        self._max = max_bytes
        self.held = 0

    def take(self, n: int) -> None:
        """Count ``n`` more bytes.

        Raises
        ------
        RefusalError
            503, if memory is full.
        """
        if self.held + n > self._max:
            raise RefusalError(
                *(503, "busy", "The server holds as many photographs as it can."),
                "Try again in a moment.",
                retry_after_s=BUSY_RETRY_S,
            )
        self.held += n

    def give_back(self, n: int) -> None:
        """Count ``n`` bytes less."""
        self.held -= n


@asynccontextmanager
async def read_form(
    request: Request, *, photo_name: str, limits: Limits, budget: Budget
) -> AsyncIterator[Form]:
    """Read a request's body; its bytes count against ``budget`` until the block is left.

    Parameters
    ----------
    request : Request
    photo_name : str
        Name of the parts that are photographs.
    limits : Limits
    budget : Budget

    Raises
    ------
    RefusalError
        400, 413, 415, 408 or 503.
    """
    collector = _Collector(photo_name, limits, budget)
    body = Body(request, limits)
    try:
        try:
            parser = _open_parser(request, limits, collector)
            async for chunk in body.chunks():
                collector.feed(parser, chunk)
        except RefusalError:
            # First: others may need the room.
            collector.release()
            await body.drain()
            raise
        yield collector.finish()
    finally:
        collector.release()


def _open_parser(request: Request, limits: Limits, collector: "_Collector") -> MultipartParser:
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise RefusalError(
            *(415, "not_multipart", "The body is not multipart/form-data with a boundary."),
            f"Send the photographs as parts named '{collector.photo_name}'.",
        )
    length = request.headers.get("content-length", "0")
    if not length.isdecimal() or len(length) > 15 or int(length) > limits.max_body:
        raise too_large(limits)
    try:
        return MultipartParser(
            options[b"boundary"],
            {
                "on_part_begin": collector.on_part_begin,
                "on_part_data": collector.on_part_data,
                "on_part_end": collector.on_part_end,
                "on_header_field": collector.on_header_field,
                "on_header_value": collector.on_header_value,
                "on_header_end": collector.on_header_end,
                "on_headers_finished": collector.on_headers_finished,
                "on_end": collector.on_end,
            },
            max_header_count=MAX_HEADERS,
            max_header_size=MAX_HEADER_BYTES,
        )
    except FormParserError as error:
        raise _malformed() from error


@dataclass
class _Collector:
    photo_name: str
    limits: Limits
    budget: Budget
    held: int = 0
    photos: list[bytes] = field(default_factory=list)
    fields: dict[str, list[str]] = field(default_factory=dict)
    _n_parts: int = 0
    _ended: bool = False
    _name: str = ""
    _field: bytes = b""
    _value: bytes = b""
    _disposition: bytes = b""
    _body: bytearray = field(default_factory=bytearray)

    def feed(self, parser: MultipartParser, chunk: bytes) -> None:
        try:
            parser.write(chunk)
        except FormParserError as error:
            raise _malformed() from error

    def finish(self) -> Form:
        if not self._ended:
            raise _malformed()
        return Form(self.photos, self.fields)

    def release(self) -> None:
        self.budget.give_back(self.held)
        self.held = 0
        self.photos.clear()
        self._body = bytearray()

    def on_part_begin(self) -> None:
        self._n_parts += 1
        if self._n_parts > self.limits.max_parts:
            raise RefusalError(
                *(413, "too_many_parts", f"The body has more than {self.limits.max_parts} parts."),
                f"Send at most {self.limits.max_photos} photographs.",
            )
        self._disposition, self._body = b"", bytearray()

    def on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def on_header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def on_headers_finished(self) -> None:
        kind, options = parse_options_header(self._disposition)
        if kind != b"form-data" or b"name" not in options:
            raise _malformed()
        self._name = options[b"name"].decode("utf-8", "replace")[:64]
        if self._name == self.photo_name and len(self.photos) == self.limits.max_photos:
            raise RefusalError(
                *(413, "too_many_photos", "The body has too many photographs of one fruit."),
                f"Send at most {self.limits.max_photos}.",
            )

    def on_part_data(self, data: bytes, start: int, end: int) -> None:
        n = end - start
        is_photo = self._name == self.photo_name
        most = self.limits.max_bytes if is_photo else self.limits.max_field_bytes
        if len(self._body) + n > most:
            raise too_large(self.limits) if is_photo else _long_field(self.limits)
        self.budget.take(n)
        self.held += n
        self._body += data[start:end]

    def on_part_end(self) -> None:
        if self._name == self.photo_name:
            self.photos.append(bytes(self._body))
        else:
            text = self._body.decode("utf-8", "replace")
            self.fields.setdefault(self._name, []).append(text)
        self._body = bytearray()

    def on_end(self) -> None:
        self._ended = True


def _long_field(limits: Limits) -> RefusalError:
    return RefusalError(
        *(413, "long_field", f"A field is longer than {limits.max_field_bytes:,} bytes."),
        "Shorten it.",
    )


def _malformed() -> RefusalError:
    return RefusalError(
        *(400, "malformed", "The multipart body is damaged or ends too early."),
        "Send it again, with a client that writes multipart/form-data.",
    )
