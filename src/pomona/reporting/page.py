"""The run report as one self-contained HTML page."""

import base64
import hashlib
import json
import math
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
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
from pomona.reporting.plots import percent
from pomona.schema import REASON_CODES

__all__ = ["QuarantinedPicture", "ReportData", "render_report"]

FloatArray = NDArray[np.floating[Any]]

NO_LABEL = "(no label)"
NBSP = "\N{NO-BREAK SPACE}"
VARIANCE_STEPS = (0.50, 0.80, 0.90, 0.95, 0.99)
# With more labels a legend is longer than the map it explains; the label picker does its work.
LEGEND_LABELS = 20
BARS_AT_FIRST = 24
ROWS_AT_FIRST = 6


@dataclass(frozen=True)
class QuarantinedPicture:
    """One picture that was set aside.

    Parameters
    ----------
    path : str
    size : int or None
        Bytes; ``None`` if not known.
    reason_code : str
        One of :data:`pomona.schema.REASON_CODES`, or any other short code.
    reason : str
        A sentence for people.
    thumbnail : bytes or None
        JPEG file; ``None`` where the picture does not decode.
    """

    path: str
    size: int | None
    reason_code: str
    reason: str
    thumbnail: bytes | None


@dataclass(frozen=True)
class ReportData:
    """All that the report shows.

    Parameters
    ----------
    run : mapping
        The content of ``run.json``, with ``settings``, ``versions``, ``source``, ``engine`` and
        ``created`` (ISO time). Any key may be missing.
    label_counts : mapping from label to int
        Extracted pictures; the label may be empty.
    quarantine_counts : mapping from reason code to int
    quarantined : sequence of QuarantinedPicture
        A sample of bounded length.
    explained_variance_ratio : float array of shape (n_features,) or None
        All components, largest first; ``None`` before the reduction.
    n_components : int or None
        The chosen k.
    points : float array of shape (n_images, 2) or None
        First two principal components of a sample; ``None`` before the reduction.
    point_labels, point_paths : sequences of n_images str
    point_thumbnails : sequence of n_images bytes or None
        JPEG files.
    """

    run: Mapping[str, Any]
    label_counts: Mapping[str, int]
    quarantine_counts: Mapping[str, int]
    quarantined: Sequence[QuarantinedPicture]
    explained_variance_ratio: FloatArray | None
    n_components: int | None
    points: FloatArray | None
    point_labels: Sequence[str]
    point_paths: Sequence[str]
    point_thumbnails: Sequence[bytes | None]


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
    template = _environment().get_template("page.html.j2")
    return template.render(
        figures=figures,
        bokeh_js=_bokeh_js() if figures else "",
        title=_title(data.run),
        origin=_origin(data.run),
        balance=_balance(data),
        summary=_summary(data),
        cards=_cards(data),
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
    return figures


def _map(data: ReportData, points: FloatArray) -> figure:
    labels = [_label(label) for label in data.point_labels]
    ratio = data.explained_variance_ratio
    shares = None if ratio is None else [float(share) for share in np.nan_to_num(ratio[:2])]
    return plots.map_figure(
        points,
        labels=labels,
        paths=[_visible(path) for path in data.point_paths],
        thumbnails=data.point_thumbnails,
        styles=plots.style_labels(labels),
        shares=shares or [],
    )


# --- Words and numbers ---------------------------------------------------------------------------


class _Card(NamedTuple):
    name: str
    value: str
    note: str = ""
    tone: str = ""


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


def _summary(data: ReportData) -> list[str]:
    found, extracted, quarantined = _counts(data)
    if not found:
        return ["No picture was found, so there is nothing to show."]
    if not extracted:
        return [f"None of {_pictures(found)} could be used. Why is said below."]
    done = f"{_pictures(extracted)} of {found:,} turned into numbers a computer can compare"
    rest = (
        f"{quarantined:,} could not be used and {'was' if quarantined == 1 else 'were'} set aside"
    )
    return [
        f"{done}; {rest if quarantined else 'none had to be set aside'}.",
        *_speed_sentence(data.run),
        *_reduction_sentence(data),
    ]


def _speed_sentence(run: Mapping[str, Any]) -> Iterable[str]:
    seconds, rate = _number(run, "seconds_total"), _number(run, "extract_images_per_second")
    if seconds is not None:
        speed = _maybe(rate, lambda r: f", reading {_rate(r)} pictures a second", "")
        yield f"The whole run took {_duration(seconds)}{speed}."


def _reduction_sentence(data: ReportData) -> Iterable[str]:
    k, n, held = _n_components(data), _number(data.run, "n_features"), _held(data)
    if k is not None and n is not None and held is not None:
        yield (
            f"Instead of {n:,.0f} numbers per picture, {k:,} keep {percent(held)} of the "
            "differences between the pictures."
        )


def _cards(data: ReportData) -> list[_Card]:
    found, extracted, quarantined = _counts(data)
    shares = [f"{percent(n / found)} of all" if found else "" for n in (extracted, quarantined)]
    total, seconds, rate, n_features = (
        _number(data.run, key)
        for key in ("seconds_total", "seconds_extract", "extract_images_per_second", "n_features")
    )
    return [
        _Card("Pictures found", f"{found:,}"),
        _Card("Turned into features", f"{extracted:,}", shares[0], "good" if extracted else ""),
        _Card("Set aside", f"{quarantined:,}", shares[1], "warn" if quarantined else ""),
        _Card(
            "Pictures per second",
            _maybe(rate, _rate),
            _maybe(seconds, lambda s: f"in {_duration(s)}", ""),
        ),
        _Card("Whole run", _maybe(total, _duration)),
        _Card(
            "Features per picture",
            _maybe(n_features, lambda n: f"{n:,.0f}"),
            str(data.run.get("backbone") or ""),
        ),
        _components_card(_n_components(data), _held(data)),
    ]


def _components_card(k: int | None, held: float | None) -> _Card:
    name = "Components kept"
    if k is None:
        return _Card(name, "–", "not reduced yet")
    return _Card(name, f"{k:,}", _maybe(held, lambda h: f"hold {percent(h)}", ""))


def _balance(data: ReportData) -> str:
    found, extracted, quarantined = _counts(data)
    missing = found - extracted - quarantined
    if not missing:
        return ""
    rest = f"{missing:,} missing" if missing > 0 else f"{-missing:,} too many"
    return (
        f"The counts do not add up: {found:,} found, {extracted:,} turned into features and "
        f"{quarantined:,} set aside leave {rest}."
    )


def _counts(data: ReportData) -> tuple[int, int, int]:
    extracted = _count(data.run, "images_extracted", sum(data.label_counts.values()))
    quarantined = _count(data.run, "images_quarantined", sum(data.quarantine_counts.values()))
    return _count(data.run, "images_found", extracted + quarantined), extracted, quarantined


def _count(run: Mapping[str, Any], key: str, otherwise: int) -> int:
    value = _number(run, key)
    return otherwise if value is None else int(value)


def _n_components(data: ReportData) -> int | None:
    value = data.n_components if data.n_components else _number(data.run, "n_components")
    return None if value is None else int(value)


def _held(data: ReportData) -> float | None:
    held = _number(data.run, "explained_variance")
    k, ratio = _n_components(data), data.explained_variance_ratio
    if held is None and k is not None and ratio is not None:
        held = float(np.nan_to_num(ratio[:k]).sum())
    return held


def _number(run: Mapping[str, Any], key: str) -> float | None:
    value = run.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return value


def _title(run: Mapping[str, Any]) -> str:
    source = str(run.get("source") or "").rstrip("/")
    return source.rsplit("/", 1)[-1] or "Pictures"


def _origin(run: Mapping[str, Any]) -> list[tuple[str, str]]:
    names = {"source": "Source", "created": "Made", "backbone": "Network", "engine": "Engine"}
    forms = {"created": _date}
    return [(name, forms.get(key, _plain)(run[key])) for key, name in names.items() if run.get(key)]


def _bars(counts: Mapping[str, int]) -> list[_Bar]:
    top = max(counts.values(), default=0) or 1
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [_Bar(_label(label), n, round(100.0 * n / top, 2)) for label, n in ordered]


def _spread(counts: Mapping[str, int]) -> str:
    values = sorted(counts.values())
    if len(values) < 2:
        return ""
    if values[0] == values[-1]:
        return f"{len(values):,} labels with {_pictures(values[0])} each."
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
    counts = Counter(_label(label) for label in point_labels)
    return [
        _LegendEntry(i, label, counts[label], style.colour, style.marker)
        for i, (label, style) in enumerate(plots.style_labels(list(counts)).items())
    ]


def _tables(run: Mapping[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    elsewhere = ("settings", "versions", "label_counts", "quarantine_counts")
    rest = {key: value for key, value in run.items() if key not in elsewhere}
    named = [("Settings", run.get("settings")), ("Versions", run.get("versions")), ("Run", rest)]
    return [(name, list(_flatten(value))) for name, value in named if value]


def _flatten(value: Any, prefix: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flatten(inner, f"{prefix}.{key}" if prefix else str(key))
    else:
        yield prefix, _plain(value)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def _label(label: str) -> str:
    return _visible(label) if label.strip() else NO_LABEL


def _pictures(n: int) -> str:
    return f"{n:,} picture" if n == 1 else f"{n:,} pictures"


def _rate(per_second: float) -> str:
    return f"{per_second:,.0f}" if per_second >= 100.0 else f"{per_second:.3g}"


def _duration(seconds: float) -> str:
    if seconds < 60.0:
        return f"{seconds:.1f}{NBSP}s" if seconds < 10.0 else f"{seconds:.0f}{NBSP}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    words = f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"
    return words.replace(" ", NBSP)


def _bytes(size: int | None) -> str:
    if size is None:
        return "size unknown"
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f}{NBSP}{unit}"
    return f"{size}{NBSP}B"


def _date(created: Any) -> str:
    try:
        moment = datetime.fromisoformat(created)
    except (TypeError, ValueError):
        return _plain(created)
    zone = "" if moment.tzinfo is None else " UTC"
    return f"{moment.astimezone(UTC) if zone else moment:%Y-%m-%d %H:%M}{zone}"


def _maybe(value: float | None, form: Callable[[float], str], otherwise: str = "–") -> str:
    return otherwise if value is None else form(value)


# --- Template ------------------------------------------------------------------------------------


def _visible(text: str) -> str:
    # Control, format (right-to-left override...) and lone surrogate characters can hide or forge
    # what a name says, and a lone surrogate does not encode to UTF-8.
    if text.isascii() and text.isprintable():
        return text
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in hidden else c for c in text)


def _finalize(value: Any) -> Any:
    # Markup is a str: what we built ourselves passes as it is.
    return _visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value


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
    environment.filters.update(bytes=_bytes, jpeg_uri=plots.jpeg_uri, script_hash=_script_hash)
    return environment
