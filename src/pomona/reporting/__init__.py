"""The run report: one self-contained HTML page with its plots inside."""

from pomona.reporting.collect import collect_report
from pomona.reporting.page import QuarantinedPicture, ReportData, render_report

__all__ = ["QuarantinedPicture", "ReportData", "collect_report", "render_report"]
