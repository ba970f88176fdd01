"""How often one address may ask, without storing an address."""

import hashlib
import ipaddress
import secrets
import time
from collections.abc import Callable
from typing import Final

__all__ = ["RateLimit"]

WINDOW_S: Final = 60.0
# Addresses remembered at once, some 15 MB; those that were silent for longest go first.
MAX_ADDRESSES: Final = 100_000
UNLIMITED: Final = 1_000_000


class RateLimit:
    """A bucket of questions per address, which fills up evenly.

    An address is only known by its hash with a secret that is made at the start and kept in memory:
    nobody can tell from it who asked.

    Parameters
    ----------
    per_minute : int
        Size of a bucket; 0 sets no limit.
    clock : callable
        Seconds.
    """

    def __init__(self, per_minute: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = per_minute
        self._clock = clock
        self._secret = secrets.token_bytes(32)
        self._buckets: dict[bytes, tuple[float, float]] = {}

    def take(self, address: str) -> float:
        """Take one question; return 0, or the seconds until there is one again."""
        if not self._size:
            return 0.0
        now, key = self._clock(), self._hash(address)
        left = self._left(key, now)
        # Put back at the end: the first ones are those that have been silent for longest.
        self._buckets.pop(key, None)
        if left < 1:
            self._buckets[key] = (left, now)
            return (1 - left) * WINDOW_S / self._size
        self._buckets[key] = (left - 1, now)
        if len(self._buckets) > MAX_ADDRESSES:
            del self._buckets[next(iter(self._buckets))]
        return 0.0

    def remaining(self, address: str) -> int:
        """Return how many questions are left at the moment."""
        if not self._size:
            return UNLIMITED
        return int(self._left(self._hash(address), self._clock()))

    def _left(self, key: bytes, now: float) -> float:
        left, then = self._buckets.get(key, (float(self._size), now))
        return min(self._size, left + (now - then) * self._size / WINDOW_S)

    def _hash(self, address: str) -> bytes:
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            pass
        else:
            # A household has a whole /64 of IPv6 addresses to choose from.
            address = str(ip if ip.version == 4 else ipaddress.ip_network((ip, 64), strict=False))
        return hashlib.blake2b(address.encode(), key=self._secret, digest_size=16).digest()
