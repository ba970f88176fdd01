"""What a person or a log collector sees while work goes on: bars, plain lines or JSON."""

import json
import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

__all__ = ["JsonFormatter", "set_up_logging", "show_progress"]

LINE_INTERVAL_S: Final = 5.0

OnProgress = Callable[[int, int], None]
logger = logging.getLogger("pomona")


class JsonFormatter(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of one record."""
        event = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            event["exception"] = self.formatException(record.exc_info)
        return json.dumps(event, ensure_ascii=False)


def set_up_logging(*, quiet: bool, as_json: bool) -> None:
    """Send Pomona's log to stderr: warnings only if ``quiet``, one JSON object a line if asked."""
    handler = logging.StreamHandler(sys.stderr)
    plain = logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S")
    handler.setFormatter(JsonFormatter() if as_json else plain)
    logger.handlers = [handler]
    logger.propagate = False
    logger.setLevel(logging.WARNING if quiet else logging.INFO)


@contextmanager
def show_progress(
    description: str, *, quiet: bool, as_json: bool
) -> Iterator[Callable[[int, int | None], None]]:
    """Give a callback ``(done, total)`` that shows a bar, or lines where stderr is no terminal.

    While pictures are listed, and nobody knows how many there are, the total is None.
    """
    if quiet:
        yield lambda done, total: None
    elif as_json or not sys.stderr.isatty():
        yield _lines(description)
    else:
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeElapsedColumn(),
            TextColumn("ETA"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        ) as progress:
            task = progress.add_task(description, total=None, rate="")
            rate = _Rate()

            def update(done: int, total: int | None) -> None:
                name, speed = description, "starting"
                if total is None:
                    name, speed = "Listing", ""
                elif done:
                    speed = f"{rate(done):.0f} images/s"
                progress.update(task, description=name, completed=done, total=total, rate=speed)

            yield update


class _Rate:
    """Pictures per second since the first ones were done: start-up is not in it."""

    def __init__(self) -> None:
        self._first: tuple[float, int] | None = None
        self._started = time.monotonic()

    def __call__(self, done: int) -> float:
        now = time.monotonic()
        if self._first is None and done:
            self._first = (now, done)
        start, base = self._first or (self._started, 0)
        if done == base:
            start, base = self._started, 0
        return (done - base) / max(now - start, 1e-3)


def _lines(description: str) -> Callable[[int, int | None], None]:
    rate = _Rate()
    last, shown = time.monotonic(), -1

    def update(done: int, total: int | None) -> None:
        nonlocal last, shown
        now = time.monotonic()
        if total is None:
            if now - last >= LINE_INTERVAL_S:
                last = now
                logger.info("Listing: %s files so far", done, extra={"fields": {"listed": done}})
            return
        speed = rate(done)
        if shown == total or (now - last < LINE_INTERVAL_S and done < total):
            return
        last, shown = now, done
        eta_s = round((total - done) / speed) if done and speed else None
        fields = {"done": done, "total": total, "images_per_second": round(speed, 1)}
        logger.info(
            "%s %s/%s, %.0f images/s, ETA %s s",
            *(description, done, total, speed, "?" if eta_s is None else eta_s),
            extra={"fields": {**fields, "eta_s": eta_s}},
        )

    return update
