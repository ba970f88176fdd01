"""HTTP for one connection, with a time limit on the head of each request."""

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol

from pomona.settings import Limits

__all__ = ["TimedProtocol"]

GOODBYE_S: Final = 0.5


class TimedProtocol(H11Protocol):
    """uvicorn's protocol, which would wait for ever for the rest of a head.

    The head of the first request has to be there a while after the connection was made, that of a
    further one a while after its first byte.
    """

    header_s = Limits().header_s
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """Start the clock."""
        super().connection_made(transport)
        self._head_timer = self.loop.call_later(self.header_s, self._give_up)

    def data_received(self, data: bytes) -> None:
        """Stop the clock once a request is being answered, else let it run."""
        super().data_received(data)
        if self.cycle is not None and not self.cycle.response_complete:
            self._stop()
        elif self._head_timer is None:
            self._head_timer = self.loop.call_later(self.header_s, self._give_up)

    def on_response_complete(self) -> None:
        """Stop the clock: the time between two requests has its own limit."""
        self._stop()
        super().on_response_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop()
        super().connection_lost(exc)

    def shutdown(self) -> None:
        """Close an idle line; over TLS a silent client would hold it open for half a minute."""
        is_idle = self.cycle is None or self.cycle.response_complete
        super().shutdown()
        if is_idle:
            self.loop.call_later(GOODBYE_S, self.transport.abort)

    def _give_up(self) -> None:
        self._head_timer = None
        if not self.transport.is_closing():
            self.transport.abort()

    def _stop(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
