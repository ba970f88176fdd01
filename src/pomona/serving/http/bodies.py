"""The body of a request as it arrives: not for ever, not without end, and read on when refused."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final

from starlette.requests import Request

from pomona.serving.http.refusals import RefusalError
from pomona.settings import Limits

__all__ = ["Body", "drain", "too_large"]

DRAIN_S: Final = 2.0


class Body:
    """The bytes of a request's body as they arrive, none of them later than it may.

    Parameters
    ----------
    request : Request
    limits : Limits
    """

    def __init__(self, request: Request, limits: Limits) -> None:
        self._request, self._limits = request, limits
        self._ended = False

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the bytes.

        Raises
        ------
        RefusalError
            408 or 413; 400 if the client is gone.
        """
        limits, n = self._limits, 0
        deadline = time.monotonic() + limits.upload_s
        while not self._ended:
            try:
                async with asyncio.timeout(min(limits.chunk_s, deadline - time.monotonic())):
                    chunk = await self._next()
            except TimeoutError as error:
                # Whoever is too slow is not waited for again.
                self._ended = True
                raise RefusalError(
                    *(
                        408,
                        "slow_upload",
                        "The photographs arrive too slowly, so the server gave up.",
                    ),
                    "Send smaller ones, or try again on a better line.",
                ) from error
            n += len(chunk)
            if n > limits.max_body:
                raise too_large(limits)
            yield chunk

    async def drain(self) -> None:
        """Read on for a while: a line cut while a client sends hides the answer from it."""
        left = self._limits.drain_bytes
        try:
            async with asyncio.timeout(DRAIN_S):
                while left > 0 and not self._ended:
                    left -= len(await self._next())
        except (TimeoutError, RefusalError):
            return

    async def _next(self) -> bytes:
        message = await self._request.receive()
        if message["type"] != "http.request":
            self._ended = True
            raise RefusalError(400, "gone", "The line broke off.", "Try again.")
        self._ended = not message.get("more_body", False)
        return bytes(message.get("body", b""))


async def drain(request: Request, limits: Limits) -> None:
    """Read a body that nobody wants, so that the client sees why; not more than a while."""
    await Body(request, limits).drain()


def too_large(limits: Limits) -> RefusalError:
    """Return the refusal of a photograph that is too large."""
    return RefusalError(
        *(413, "too_large", f"A photograph is larger than {limits.max_bytes:,} bytes."),
        "Send a smaller version of it.",
    )
