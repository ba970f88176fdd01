"""Call a function in a process of its own: a decoder that crashes takes nothing else with it."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

from pomona.errors import ImageError

__all__ = ["ChildProcess"]

T = TypeVar("T")


class ChildProcess:
    """One child process, started when it is needed and again after it died.

    For one thread at a time.

    Parameters
    ----------
    timeout_s : float
        After this it is ended.
    prepare : callable, optional
        Called once in the child before anything else; has to be at the top of a module.
    """

    def __init__(self, *, timeout_s: float, prepare: Callable[[], None] | None = None) -> None:
        self._timeout_s = timeout_s
        self._prepare = prepare
        self._pool: ProcessPoolExecutor | None = None

    def call(self, function: Callable[..., T], *args: Any, **named: Any) -> T:
        """Return what ``function`` returns, or raise what it raises.

        Raises
        ------
        ImageError
            ``decoder_crash`` if the child died, ``decoder_timeout`` if it took too long.
        """
        if self._pool is None:
            # A forked child would inherit the threads of the network's engine half alive.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context, initializer=self._prepare)
        try:
            return self._pool.submit(function, *args, **named).result(timeout=self._timeout_s)
        except BrokenProcessPool as error:
            self.end()
            raise ImageError(
                "decoder_crash", "The decoder process died on this picture."
            ) from error
        except TimeoutError as error:
            self.end()
            raise ImageError(
                "decoder_timeout", f"The decoder took more than {self._timeout_s:.0f} s."
            ) from error

    def end(self) -> None:
        """End the child, whatever it does."""
        if self._pool is None:
            return
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None
