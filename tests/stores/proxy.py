"""A small HTTP/1.1 proxy in a process of its own; hooks change what passes or make it fail."""

import asyncio
import multiprocessing
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

__all__ = ["Answer", "Cut", "Request", "serve_proxy"]

LIMIT = 1 << 20


@dataclass
class Request:
    """What a client asks."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Answer:
    """What it gets."""

    status: int
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""


class Cut(Exception):  # noqa: N818
    """Send this much and close the connection."""

    def __init__(self, content: bytes = b"") -> None:
        super().__init__()
        self.content = content


Forward = Callable[[Request], Awaitable[Answer]]
Handle = Callable[[Request, Forward], Awaitable[Answer]]


@contextmanager
def serve_proxy(upstream: str, make_handle: Callable[..., Handle], *args: Any) -> Iterator[str]:
    """Start a proxy in front of ``upstream``; yield its address.

    It runs in a process of its own: delta-rs holds the interpreter's lock during some calls, and
    a thread of the same process could not answer them.

    Parameters
    ----------
    upstream : str
    make_handle : callable
        At the top of a module; gives what gets each request and what sends it on.
    *args
        For ``make_handle``.
    """
    spawn = multiprocessing.get_context("spawn")
    told, telling = spawn.Pipe(duplex=False)
    process = spawn.Process(target=_serve, args=(upstream, make_handle, args, telling), daemon=True)
    process.start()
    try:
        assert told.poll(20)
        yield f"http://127.0.0.1:{told.recv()}"
    finally:
        process.kill()
        process.join()


def _serve(
    upstream: str, make_handle: Callable[..., Handle], args: tuple[Any, ...], telling: Any
) -> None:
    parts = urlsplit(upstream)
    handle = make_handle(*args)

    async def main() -> None:
        server = await asyncio.start_server(
            lambda r, w: _converse(r, w, (parts.hostname, parts.port), handle),
            "127.0.0.1",
            0,
            limit=LIMIT,
        )
        telling.send(server.sockets[0].getsockname()[1])
        async with server:
            await server.serve_forever()

    asyncio.run(main())


async def _converse(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    upstream: tuple[str | None, int | None],
    handle: Handle,
) -> None:
    there: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def forward(request: Request) -> Answer:
        for fresh in (False, True):
            if fresh or not there:
                there[:] = [await asyncio.open_connection(*upstream, limit=LIMIT)]
            far_reader, far_writer = there[0]
            try:
                far_writer.write(_to_bytes(request))
                await far_writer.drain()
                return await _read_answer(far_reader, request.method)
            except (ConnectionError, asyncio.IncompleteReadError):
                # A connection that was kept may have been closed meanwhile.
                far_writer.close()
                there.clear()
                if fresh:
                    raise
        raise AssertionError

    try:
        while (request := await _read_request(reader, writer)) is not None:
            try:
                answer = await handle(request, forward)
            except Cut as cut:
                writer.write(cut.content)
                await writer.drain()
                break
            writer.write(_to_answer(answer, request.method))
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
        pass
    finally:
        for _, far_writer in there:
            far_writer.close()
        writer.close()


async def _read_request(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> Request | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, headers = _parse(head)
    method, target, _ = first.split(" ", 2)
    if headers.get("expect", "").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        headers.pop("expect")
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body)


async def _read_answer(reader: asyncio.StreamReader, method: str) -> Answer:
    while True:
        first, headers = _parse(await reader.readuntil(b"\r\n\r\n"))
        _, status, *reason = first.split(" ", 2)
        if status != "100":
            break
    answer = Answer(int(status), " ".join(reason), headers)
    if method == "HEAD" or answer.status in (204, 304):
        return answer
    if headers.get("transfer-encoding", "").lower() == "chunked":
        headers.pop("transfer-encoding")
        while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
            answer.body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readuntil(b"\r\n")
    else:
        answer.body = await reader.readexactly(int(headers.get("content-length", 0)))
    return answer


def _parse(head: bytes) -> tuple[str, dict[str, str]]:
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    pairs = (line.split(":", 1) for line in lines)
    return first, {name.strip().lower(): value.strip() for name, value in pairs}


def _to_bytes(request: Request) -> bytes:
    lines = [f"{request.method} {request.target} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + request.body


def _to_answer(answer: Answer, method: str) -> bytes:
    headers = dict(answer.headers)
    if method != "HEAD":
        headers["content-length"] = str(len(answer.body))
    lines = [f"HTTP/1.1 {answer.status} {answer.reason}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    body = b"" if method == "HEAD" else answer.body
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
