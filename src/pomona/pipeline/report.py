"""``report``: one page about what a run did."""

import time
from pathlib import Path
from typing import Final

from pomona.pipeline.clock import seconds_since
from pomona.storage.locations import LocalLocation, Location, open_location
from pomona.storage.records import RunRecord, replace
from pomona.storage.store import REPORT, publish, read_run, staging

__all__ = ["PAGE", "report", "report_stage"]

PAGE: Final = "index.html"


def report(out: Path) -> Path:
    """Write ``out/report/index.html`` and return its path.

    Parameters
    ----------
    out : Path
        Folder of a finished extraction or run.

    Raises
    ------
    OutputError
        If ``out`` holds no finished run.
    """
    place = open_location(out)
    record = read_run(place)
    with staging(place) as staged:
        # The page is made from the published parts; only itself is new.
        record = report_stage(place, staged, record)
        publish(staged, place, parts=(REPORT,), run=record)
    return place.at(REPORT).local_file(PAGE)


def report_stage(results: Location, staged: LocalLocation, record: RunRecord) -> RunRecord:
    """Write the page about ``results`` into a staged folder; return the record run.json gets."""
    from pomona.reporting import collect_report, render_report

    started = time.perf_counter()
    page = render_report(collect_report(results, record))
    staged.at(REPORT).put(PAGE, page.encode())
    return replace(record, seconds_report=seconds_since(started))
