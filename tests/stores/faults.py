"""A proxy that does what networks and stores do on bad days."""

import asyncio
import multiprocessing
import random
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import unquote

from stores.proxy import Answer, Cut, Forward, Handle, Request, serve_proxy

__all__ = ["Faults", "start_faults"]

XML = {"content-type": "application/xml"}
SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Reduce your request rate.</Message></Error>"
DENIED = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
SETTINGS = ("errors", "cut", "lost", "latency_s", "deny_writes")
COUNTS = ("requests", "errors", "cut", "lost", "denied")


class Faults:
    """How often what goes wrong; may be changed while the proxy runs.

    Parameters
    ----------
    errors, cut : float
        Share of requests that get 503, and of reads whose body ends in the middle.
    lost : float
        Share of writes to ``lost_below`` that are done and not answered.
    latency_s : float
        Before each answer.
    deny_writes : bool
    lost_below : str
        Part of the path.
    """

    def __init__(self, *, lost_below: str = "/_delta_log/", **settings: float) -> None:
        self.lost_below = lost_below
        self.settings: Any = multiprocessing.get_context("spawn").Array("d", len(SETTINGS))
        self.told: Any = multiprocessing.get_context("spawn").Array("q", len(COUNTS))
        self.url = ""
        self.set(**settings)

    def set(self, **settings: float) -> None:
        """Change some of them."""
        for name, value in settings.items():
            self.settings[SETTINGS.index(name)] = float(value)

    @property
    def counts(self) -> dict[str, int]:
        """How many requests there were, and faults of each kind."""
        return dict(zip(COUNTS, self.told, strict=True))


@contextmanager
def start_faults(upstream: str, faults: Faults, *, seed: int = 0) -> Iterator[Faults]:
    """Start the proxy in front of ``upstream``; ``faults.url`` is its address."""
    args = (faults.settings, faults.told, faults.lost_below, seed)
    with serve_proxy(upstream, make_handle, *args) as url:
        faults.url = url
        yield faults


def make_handle(settings: Any, told: Any, lost_below: str, seed: int) -> Handle:
    """Return what lets a request pass, or not."""
    dice = random.Random(seed)

    def count(name: str) -> None:
        told[COUNTS.index(name)] += 1

    async def handle(request: Request, forward: Forward) -> Answer:
        errors, cut, lost, latency_s, deny_writes = settings
        count("requests")
        if latency_s:
            await asyncio.sleep(latency_s)
        if deny_writes and request.method in ("PUT", "POST", "DELETE"):
            count("denied")
            return Answer(403, "Forbidden", XML, DENIED)
        if dice.random() < errors:
            count("errors")
            return Answer(503, "Slow Down", XML, SLOW_DOWN)
        answer = await forward(request)
        is_write = request.method in ("PUT", "POST")
        if is_write and lost_below in unquote(request.target) and dice.random() < lost:
            count("lost")
            raise Cut
        if request.method == "GET" and answer.body and dice.random() < cut:
            count("cut")
            head = "\r\n".join(f"{name}: {value}" for name, value in answer.headers.items())
            start = f"HTTP/1.1 {answer.status} {answer.reason}\r\n{head}\r\n\r\n".encode()
            raise Cut(start + answer.body[: len(answer.body) // 2])
        return answer

    return handle
