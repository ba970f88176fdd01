"""Decode in a process of its own, so that a decoder crash costs one picture only."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Final, Self

from pomona.backbones import BackboneSpec
from pomona.errors import ImageError
from pomona.features import PreparedPixels, prepare_pixels
from pomona.images import DecodeLimits

__all__ = ["IsolatedPrepare"]

# The largest picture within the default limits takes about two seconds.
TIMEOUT_S: Final = 120.0


class IsolatedPrepare:
    """Prepare pixels like :func:`pomona.features.prepare_pixels`, in a child process.

    Slower by one or two milliseconds a picture, so it is used only where a worker has died before.

    Parameters
    ----------
    spec : BackboneSpec
    limits : DecodeLimits
    timeout_s : float
        After this the decoder is ended and the picture quarantined.
    """

    def __init__(
        self, *, spec: BackboneSpec, limits: DecodeLimits, timeout_s: float = TIMEOUT_S
    ) -> None:
        self._spec = spec
        self._limits = limits
        self._timeout_s = timeout_s
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end_pool()

    def __call__(self, content: bytes, path: str) -> PreparedPixels:
        """Return the pixels, or raise :class:`ImageError`, if need be for a dead decoder."""
        if self._pool is None:
            # A forked child would inherit the threads of the network's engine half alive.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(1, mp_context=context)
        future = self._pool.submit(
            prepare_pixels, content, path, spec=self._spec, limits=self._limits
        )
        try:
            return future.result(timeout=self._timeout_s)
        except BrokenProcessPool as error:
            self._end_pool()
            raise ImageError(
                "decoder_crash", "The decoder process died on this picture."
            ) from error
        except TimeoutError as error:
            self._end_pool()
            raise ImageError(
                "decoder_timeout", f"The decoder took more than {self._timeout_s:.0f} s."
            ) from error

    def _end_pool(self) -> None:
        if self._pool is None:
            return
        for process in list((self._pool._processes or {}).values()):
            process.kill()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pool = None
