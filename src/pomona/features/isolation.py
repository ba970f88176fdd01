"""Decode in a process of its own, so that a decoder crash costs one picture only."""

from typing import Final, Self

from pomona.backbones import BackboneSpec
from pomona.features.batch import PreparedPixels, prepare_pixels
from pomona.pictures.child_process import ChildProcess
from pomona.settings import DecodeLimits

__all__ = ["IsolatedPrepare"]

# The largest picture within the default limits takes about two seconds.
TIMEOUT_S: Final = 120.0


class IsolatedPrepare:
    """Prepare pixels like :func:`pomona.features.batch.prepare_pixels`, in a child process.

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
        self._child = ChildProcess(timeout_s=timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.end()

    def __call__(self, content: bytes, path: str) -> PreparedPixels:
        """Return the pixels, or raise :class:`ImageError`, if need be for a dead decoder."""
        return self._child.call(prepare_pixels, content, path, spec=self._spec, limits=self._limits)
