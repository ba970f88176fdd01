"""``report``: one page about what a run did."""

import time
from typing import Final

from pomona.pipeline.clock import seconds_since
from pomona.storage.locations import Location, open_location
from pomona.storage.records import RunRecord, replace
from pomona.storage.store import REPORT, publish, read_run, staging

__all__ = ["PAGE", "report", "write_report"]

PAGE: Final = "index.html"


def report(out: str) -> str:
    """Write ``out/report/index.html`` and return where it is.

    Parameters
    ----------
    out : str
        Folder or bucket of a finished extraction or run.

    Raises
    ------
    OutputError
        If ``out`` holds no finished run.
    """
    place = open_location(out)
    write_report(place, read_run(place))
    return f"{place.at(REPORT)}/{PAGE}"


def write_report(out: Location, record: RunRecord, started: float | None = None) -> RunRecord:
    """Write the page about what ``out`` holds, and ``run.json`` once more.

    Parameters
    ----------
    out : Location
        A finished run, but for its page.
    record : RunRecord
    started : float, optional
        ``time.perf_counter`` at the start of the run, whose whole time is then known.
    """
    from pomona.reporting import collect_report, render_report

    began = time.perf_counter()
    if started is not None:
        record = replace(record, seconds_total=seconds_since(started))
    with staging(out) as staged:
        page = render_report(collect_report(out, record))
        staged.at(REPORT).put(PAGE, page.encode())
        record = replace(record, seconds_report=seconds_since(began))
        if started is not None:
            record = replace(record, seconds_total=seconds_since(started))
        publish(staged, out, parts=(REPORT,), run=record)
    return record
