"""Seconds, as run.json gives them."""

import time

__all__ = ["seconds_since"]


def seconds_since(started: float) -> float:
    """Return the seconds since a reading of ``time.perf_counter``, to the millisecond."""
    return round(time.perf_counter() - started, 3)
