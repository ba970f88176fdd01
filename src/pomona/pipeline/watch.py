"""``watch``: ``run``, again and again, until it is told to end."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pomona.errors import PomonaError, SettingsError, SetupError, StoppedError
from pomona.pictures.listing import OnListed
from pomona.pipeline.run import Wishes, open_session, run_once
from pomona.schema import OnProgress
from pomona.settings import WatchSettings
from pomona.storage.locations import LocalLocation
from pomona.storage.queues import Queue, open_queue
from pomona.storage.records import RunRecord

__all__ = ["watch"]

DAY_S: Final = 24 * 3600.0
HELP: Final = {
    "rounds_total": ("counter", "Rounds that came to their end."),
    "failures_total": ("counter", "Rounds that failed."),
    "pictures": ("gauge", "Pictures with features."),
    "quarantined": ("gauge", "Pictures in quarantine."),
    "extracted_total": ("counter", "Pictures that went through the network."),
    "commits_total": ("counter", "Commits."),
    "last_round_seconds": ("gauge", "How long the last round took."),
    "last_success_timestamp_seconds": ("gauge", "When the last round ended."),
}

logger = logging.getLogger(__name__)


def watch(
    wishes: Wishes,
    settings: WatchSettings,
    *,
    on_listed: OnListed | None = None,
    on_progress: OnProgress | None = None,
) -> dict[str, float]:
    """Bring a store up to date again and again, in one Spark session.

    A round that fails because of a store or a network is tried again at the next; one that fails
    because of a setting ends the watch. SIGTERM and SIGINT end it after the commit under way.

    Parameters
    ----------
    wishes : Wishes
    settings : WatchSettings
    on_listed, on_progress : callable, optional

    Returns
    -------
    dict of str to float
        The figures that ``--metrics`` shows.
    """
    ended = threading.Event()
    queue = open_queue(settings.queue) if settings.queue else None
    session = open_session(wishes)
    figures = dict.fromkeys(HELP, 0.0)
    before = _end_on_signals(ended)
    try:
        last_listing = float("-inf")
        while not ended.is_set():
            began = time.monotonic()
            try:
                record = run_once(
                    wishes,
                    session,
                    on_listed=on_listed,
                    on_progress=on_progress,
                    stop=ended.is_set,
                )
            except StoppedError as error:
                logger.info("%s", error)
                break
            except SettingsError:
                raise
            except (PomonaError, OSError) as error:
                figures["failures_total"] += 1
                if figures["rounds_total"] == 0 and isinstance(error, SetupError):
                    # Nothing ever worked: that is no hiccup.
                    raise
                logger.error("The round failed: %s", error)
            else:
                last_listing = time.monotonic()
                _add(figures, record, time.monotonic() - began)
                if queue is not None:
                    queue.settle()
                logger.info("round %d: %s", int(figures["rounds_total"]), _describe(record))
            _write(figures, settings.metrics)
            if settings.rounds is not None and figures["rounds_total"] >= settings.rounds:
                break
            _wait(ended, settings, queue, began, last_listing)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return figures


def _end_on_signals(ended: threading.Event) -> dict[int, "Callable[..., object] | int | None"]:
    if threading.current_thread() is not threading.main_thread():
        return {}
    return {
        number: signal.signal(number, lambda *_: ended.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }


def _wait(
    ended: threading.Event,
    settings: WatchSettings,
    queue: Queue | None,
    began: float,
    last_listing: float,
) -> None:
    """Wait for the next round: a time, or news of the queue, or a day."""
    if queue is None:
        ended.wait(max(settings.every - (time.monotonic() - began), 0.0))
        return
    while not ended.is_set() and time.monotonic() - last_listing < DAY_S:
        asked = time.monotonic()
        try:
            news = queue.wait(min(settings.every, 20.0))
        except Exception as error:
            # The queue is a hint only; without it the time counts.
            logger.warning("The queue does not answer (%s).", type(error).__name__)
            ended.wait(settings.every)
            return
        if news:
            return
        ended.wait(max(min(settings.every, 20.0) - (time.monotonic() - asked), 0.0))


def _add(figures: dict[str, float], record: RunRecord, seconds: float) -> None:
    figures["rounds_total"] += 1
    figures["pictures"] = record.images_extracted
    figures["quarantined"] = record.images_quarantined
    figures["extracted_total"] += record.changes.extracted
    figures["commits_total"] += record.changes.commits
    figures["last_round_seconds"] = round(seconds, 3)
    figures["last_success_timestamp_seconds"] = round(time.time(), 3)


def _describe(record: RunRecord) -> str:
    changes = record.changes
    return (
        f"{changes.listed} listed, {changes.extracted} extracted, {changes.gone} gone, "
        f"{record.images_quarantined} in quarantine"
    )


def _write(figures: dict[str, float], file: str | None) -> None:
    """Write what node_exporter's textfile collector, or any other, takes over."""
    if file is None:
        return
    lines = []
    for name, (kind, help) in HELP.items():
        full = f"pomona_watch_{name}"
        lines += [f"# HELP {full} {help}", f"# TYPE {full} {kind}", f"{full} {figures[name]!r}"]
    path = Path(file)
    LocalLocation(path.parent).put(path.name, ("\n".join(lines) + "\n").encode())
