"""The run report as one self-contained HTML page."""

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from bokeh.plotting import figure
from bokeh.resources import Resources
from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from numpy.typing import NDArray

from pomona.errors import ShapeError
from pomona.reporting import plots
from pomona.reporting.colours import style_labels
from pomona.reporting.growth import describe_changes, describe_drift, growth_figure
from pomona.reporting.recognition_data import draw_recognition
from pomona.reporting.report_data import QuarantinedPicture, ReportData
from pomona.reporting.summary import describe_imbalance, list_cards, summarise_run
from pomona.reporting.wording import (
    NBSP,
    format_date,
    format_label,
    format_pictures,
    format_size,
    format_value,
    make_visible,
)
from pomona.schema import REASON_CODES

__all__ = ["render_page", "render_report"]

FloatArray = NDArray[np.floating[Any]]

VARIANCE_STEPS = (0.50, 0.80, 0.90, 0.95, 0.99)
# With more labels a legend is longer than the map it explains; the label picker does its work.
LEGEND_LABELS = 20
BARS_AT_FIRST = 24
ROWS_AT_FIRST = 6


def render_report(data: ReportData) -> str:
    """Return the report as one HTML page that fetches nothing and opens from a file.

    Every text of ``data`` is taken as hostile: it is escaped, and characters that show nothing or
    turn the reading direction are written out. The page's policy runs its own scripts only.

    Parameters
    ----------
    data : ReportData

    Returns
    -------
    str
        HTML that encodes to UTF-8.

    Raises
    ------
    ShapeError
        If ``points`` is not (n_images, 2), or a sequence about it has another length.
    """
    _check_points(data)
    ratio = data.explained_variance_ratio
    figures = {name: plots.figure_json(plot) for name, plot in _figures(data).items()}
    return render_page(
        "page.html.j2",
        figures=figures,
        recognition=data.recognition,
        title=_title(data.run),
        origin=_origin(data.run),
        balance=describe_imbalance(data),
        summary=summarise_run(data),
        cards=list_cards(data),
        bars=_bars(data.label_counts),
        bars_at_first=BARS_AT_FIRST,
        spread=_spread(data.label_counts),
        groups=_quarantine_groups(data),
        rows_at_first=ROWS_AT_FIRST,
        steps=_variance_steps(ratio),
        one_component=ratio is not None and len(ratio) == 1,
        legend=_legend(data.point_labels) if "map" in figures else [],
        legend_labels=LEGEND_LABELS,
        n_points=0 if data.points is None else len(data.points),
        tables=_tables(data.run),
        growth=[describe_changes(data.run), *describe_drift(data.run)],
        n_commits=len(data.commits),
    )


def render_page(template: str, *, figures: Mapping[str, Any], **values: Any) -> str:
    """Return a template of this package, with the plots' library if there is a plot."""
    return (
        _environment()
        .get_template(template)
        .render(figures=figures, bokeh_js=_bokeh_js() if figures else "", **values)
    )


def _check_points(data: ReportData) -> None:
    if data.points is None:
        return
    shape = data.points.shape
    if len(shape) != 2 or shape[1] != 2:
        raise ShapeError(
            f"Points have shape {shape}. The map needs (n_images, 2). "
            "Pass the first two principal components, zeros for a missing second."
        )
    for name in ("point_labels", "point_paths", "point_thumbnails"):
        length = len(getattr(data, name))
        if length != shape[0]:
            raise ShapeError(
                f"'{name}' has {length} entries for {shape[0]} points. Each point needs one. "
                "Pass sequences of equal length."
            )


def _figures(data: ReportData) -> dict[str, figure]:
    figures = {}
    ratio = data.explained_variance_ratio
    if ratio is not None and len(ratio):
        figures["variance"] = plots.variance_figure(ratio, n_components=data.n_components)
        figures["share"] = plots.share_figure(ratio, n_components=data.n_components)
    if data.points is not None and len(data.points):
        figures["map"] = _map(data, data.points)
    if data.commits:
        figures["growth"] = growth_figure(data.commits)
    if data.recognition is not None:
        figures |= draw_recognition(data.recognition)
    return figures


def _map(data: ReportData, points: FloatArray) -> figure:
    labels = [format_label(label) for label in data.point_labels]
    ratio = data.explained_variance_ratio
    shares = None if ratio is None else [float(share) for share in np.nan_to_num(ratio[:2])]
    return plots.map_figure(
        points,
        labels=labels,
        paths=[make_visible(path) for path in data.point_paths],
        thumbnails=data.point_thumbnails,
        styles=style_labels(labels),
        shares=shares or [],
    )


class _Bar(NamedTuple):
    label: str
    n: int
    width_percent: float


class _Group(NamedTuple):
    code: str
    meaning: str
    n: int
    pictures: list[QuarantinedPicture]


class _LegendEntry(NamedTuple):
    id: int
    label: str
    n: int
    colour: str
    marker: str


def _title(run: Mapping[str, Any]) -> str:
    source = str(run.get("source") or "").rstrip("/")
    return source.rsplit("/", 1)[-1] or "Pictures"


def _origin(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = {"source": "Source", "created": "Made", "backbone": "Network", "engine": "Engine"}
    forms = {"created": format_date}
    return [
        (name, forms.get(key, format_value)(run[key]))
        for key, name in names.items()
        if run.get(key)
    ]


def _bars(counts: Mapping[str, int]) -> list[_Bar]:
    top = max(counts.values(), default=0) or 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [_Bar(format_label(label), n, round(100.0 * n / top, 2)) for label, n in ordered]


def _spread(counts: Mapping[str, int]) -> str:
    values = sorted(counts.values())
    if len(values) < 2:
        return ""
    if values[0] == values[-1]:
        return f"{len(values):,} labels with {format_pictures(values[0])} each."
    return (
        f"{len(values):,} labels with {values[0]:,} to {values[-1]:,} pictures, "
        f"{values[len(values) // 2]:,} in the middle."
    )


def _quarantine_groups(data: ReportData) -> list[_Group]:
    sample: dict[str, list[QuarantinedPicture]] = {code: [] for code in data.quarantine_counts}
    for picture in data.quarantined:
        sample.setdefault(picture.reason_code, []).append(picture)
    groups = [
        _Group(code, _meaning(code), max(data.quarantine_counts.get(code, 0), len(some)), some)
        for code, some in sample.items()
    ]
    return sorted(groups, key=lambda group: (-group.n, group.code))


def _meaning(code: str) -> str:
    return REASON_CODES.get(code) or code.replace("_", " ").strip().capitalize()


def _variance_steps(ratio: FloatArray | None) -> list[tuple[str, str]]:
    if ratio is None or not len(ratio):
        return []
    held = np.cumsum(np.nan_to_num(ratio))
    # Sums of many shares end a few ulp short of the round number they stand for.
    needed = np.searchsorted(held, np.array(VARIANCE_STEPS) - 1e-9) + 1
    return [
        (f"{step:.0%}".replace("%", f"{NBSP}%"), f"{n:,}" if n <= len(held) else "–")
        for step, n in zip(VARIANCE_STEPS, needed.tolist(), strict=True)
    ]


def _legend(point_labels: Sequence[str]) -> list[_LegendEntry]:
    counts = Counter(format_label(label) for label in point_labels)
    return [
        _LegendEntry(i, label, counts[label], style.colour, style.marker)
        for i, (label, style) in enumerate(style_labels(list(counts)).items())
    ]


def _tables(run: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    elsewhere = ("settings", "versions", "label_counts", "quarantine_counts", "training", "drift")
    rest = {key: value for key, value in run.items() if key not in elsewhere}
    named = [("Settings", run.get("settings")), ("Versions", run.get("versions")), ("Run", rest)]
    return [(name, list(_flatten(value))) for name, value in named if value]


def _flatten(value: Any, prefix: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, format_value(value)


def _finalize(value: Any) -> Any:
    # Markup is a str: what we built ourselves passes as it is.
    return (
        make_visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
    )


def _script_hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


@cache
def _bokeh_js() -> str:
    # Only the core bundle: no widgets, tables, WebGL or MathJax.
    scripts = Resources(mode="inline", components=["bokeh"], log_level="error").js_raw
    # A browser reads a carriage return as a line feed, and the hash must be of what it reads.
    return "\n".join(scripts).replace("\r\n", "\n")


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("pomona", "reporting"),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_finalize,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"allow_nan": False, "separators": (",", ":")}
    environment.filters.update(bytes=format_size, jpeg_uri=plots.jpeg_uri, script_hash=_script_hash)
    return environment
