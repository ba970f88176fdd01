"""The run report: one self-contained HTML page with its plots inside."""

from pomona.reporting.collect import collect_report
from pomona.reporting.evaluation_page import render_evaluation
from pomona.reporting.page import render_report
from pomona.reporting.report_data import QuarantinedPicture, ReportData

__all__ = [
    "QuarantinedPicture",
    "ReportData",
    "collect_report",
    "render_evaluation",
    "render_report",
]
