"""Bokeh figures of the run report: variance held, share per component, map of the pictures."""

import base64
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import numpy as np
from bokeh.embed import json_item
from bokeh.models import (
    BasicTicker,
    BooleanFilter,
    BoxZoomTool,
    CDSView,
    ColumnDataSource,
    HoverTool,
    NumeralTickFormatter,
    PanTool,
    Range1d,
    ResetTool,
    SaveTool,
    WheelZoomTool,
)
from bokeh.models.annotations import Label, Span
from bokeh.plotting import figure
from bokeh.themes import Theme
from numpy.typing import NDArray

from pomona.reporting.colours import CORAL, INK, LEAF, LEAF_SOFT, MUTED, RULE, LabelStyle
from pomona.reporting.wording import format_percent

__all__ = [
    "figure_json",
    "jpeg_uri",
    "map_figure",
    "share_figure",
    "variance_figure",
]

FloatArray = NDArray[np.floating[Any]]

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"

# A share below this is rounding of a zero eigenvalue and would stretch a log axis for nothing.
SMALLEST_SHARE = 1e-9
# Below, a line between few components would hide where they are; above, dots would touch.
FEW_COMPONENTS = 60
MANY_POINTS = 400
# Shown where a picture does not decode; Bokeh prints "???" for a missing value.
NO_THUMBNAIL = "data:image/svg+xml," + quote(
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 56 56' stroke='#b9beb6' fill='none' "
    "stroke-width='2'><rect x='1' y='1' width='54' height='54' rx='6' fill='#f7f6f1'/>"
    "<path d='M14 40l9-11 7 8 5-6 7 9M18 16l20 22'/></svg>"
)

_THEME = Theme(
    json={
        "attrs": {
            "Plot": {
                "background_fill_color": "#ffffff",
                "border_fill_color": "#ffffff",
                "outline_line_color": None,
                "min_border_right": 14,
            },
            "Grid": {"grid_line_color": RULE},
            "Axis": {
                "axis_line_color": RULE,
                "major_tick_line_color": RULE,
                "minor_tick_line_color": None,
                "major_label_text_color": MUTED,
                "major_label_text_font": FONT,
                "major_label_text_font_size": "12px",
                "axis_label_text_color": INK,
                "axis_label_text_font": FONT,
                "axis_label_text_font_size": "13px",
                "axis_label_text_font_style": "normal",
            },
            "Toolbar": {"logo": None, "autohide": False},
        }
    }
)

# Only escaped fields (@{name}, never {safe}): names and labels come from strangers' files.
_PICTURE_TOOLTIP = """
<div style="display:flex;gap:10px;align-items:center;max-width:260px;padding:3px">
  <img src="@{thumbnail}" alt="" width="72" height="72" style="object-fit:contain">
  <div style="font:13px/1.35 system-ui,sans-serif;color:#1f2a24;overflow-wrap:anywhere">
    <strong>@{label}</strong><br><span style="color:#56635b">@{name}</span>
  </div>
</div>
"""


def variance_figure(ratio: FloatArray, *, n_components: int | None) -> figure:
    """Draw the share of the variance that the first n components hold, with the chosen k.

    Parameters
    ----------
    ratio : float array of shape (n_features,)
        Explained variance ratio of all components, largest first; sums to at most 1.
    n_components : int or None
        The chosen k; ``None`` leaves the mark out.

    Returns
    -------
    bokeh figure
        Stretches to the width of its container.
    """
    held = np.cumsum(np.nan_to_num(ratio))
    source = ColumnDataSource({"n": np.arange(1, len(held) + 1), "held": held})
    plot = _component_figure(
        len(held), y_range=Range1d(start=0.0, end=1.04), y_label="Variance held"
    )
    plot.yaxis.formatter = NumeralTickFormatter(format="0%")
    line = plot.line("n", "held", source=source, color=LEAF, line_width=2.5)
    if len(held) <= FEW_COMPONENTS:
        plot.scatter("n", "held", source=source, color=LEAF, size=7)
    if n_components is not None and 1 <= n_components <= len(held):
        _mark_components(plot, held, n_components)
    plot.add_tools(_component_hover(line, "First @{n} hold @{held}{0.00%}"))
    return plot


def share_figure(ratio: FloatArray, *, n_components: int | None) -> figure:
    """Draw the scree plot: the share of the variance of each component alone, on a log axis.

    Parameters
    ----------
    ratio : float array of shape (n_features,)
        Explained variance ratio of all components, largest first.
    n_components : int or None
        The chosen k; ``None`` leaves the mark out.

    Returns
    -------
    bokeh figure
        Stretches to the width of its container. Shares below 1e-9 are left out.
    """
    share = np.nan_to_num(ratio)
    n_shown = int(np.count_nonzero(share > SMALLEST_SHARE))
    source = ColumnDataSource({"n": np.arange(1, n_shown + 1), "share": share[:n_shown]})
    plot = _component_figure(
        len(share),
        y_axis_type="log",
        y_range=_log_range(share[:n_shown]),
        y_label="Share of variance",
    )
    plot.yaxis.formatter = NumeralTickFormatter(format="0.[000000]%")
    if n_components is not None and 1 <= n_components <= len(share):
        plot.add_layout(_span(n_components))
    line = plot.line("n", "share", source=source, color=LEAF, line_width=2)
    if n_shown <= FEW_COMPONENTS:
        plot.scatter("n", "share", source=source, color=LEAF, size=7)
    plot.add_tools(_component_hover(line, "Component @{n}: @{share}{0.0000%}"))
    return plot


def map_figure(
    points: FloatArray,
    *,
    labels: Sequence[str],
    paths: Sequence[str],
    thumbnails: Sequence[bytes | None],
    styles: Mapping[str, LabelStyle],
    shares: Sequence[float],
) -> figure:
    """Draw the pictures as points on the first two components, coloured by label.

    The page's script finds the models by name: ``pictures`` (the source), ``shown`` (the
    filter that one label switches) and ``backdrop`` (all points, faint, behind a chosen label).

    Parameters
    ----------
    points : float array of shape (n_images, 2)
        First and second principal component.
    labels, paths : sequences of n_images str
        Fit to be shown; Bokeh escapes them.
    thumbnails : sequence of n_images bytes or None
        JPEG files.
    styles : mapping from label to LabelStyle
        Must hold every label.
    shares : sequence of up to two floats
        Share of the variance of the two axes, for their names.

    Returns
    -------
    bokeh figure
        Stretches to the width of its container; sends ``tap`` events to its document.
    """
    source = _picture_source(points, labels, paths, thumbnails, styles)
    plot = figure(
        height=520,
        sizing_mode="stretch_width",
        tools=[BoxZoomTool(), PanTool(), WheelZoomTool(), ResetTool(), SaveTool()],
        # No tool is active at first: a finger on the plot must still scroll the page.
        active_drag=None,
        active_scroll=None,
        toolbar_location="above",
        x_axis_label=_axis_label("Component 1", shares[:1]),
        y_axis_label=_axis_label("Component 2", shares[1:2]),
    )
    size = 10 if len(labels) <= MANY_POINTS else 8
    plot.scatter(
        "x",
        "y",
        source=source,
        size=size - 2,
        color="#c3c8c2",
        alpha=0.45,
        name="backdrop",
        visible=False,
    )
    pictures = plot.scatter(
        "x",
        "y",
        source=source,
        size=size,
        marker="marker",
        fill_color="colour",
        fill_alpha=0.82,
        line_color="white",
        line_width=0.6,
        view=CDSView(filter=BooleanFilter(name="shown")),
    )
    # The tapped point stands out by itself; Bokeh would fade all others and hide the map.
    pictures.nonselection_glyph = None
    pictures.selection_glyph = pictures.glyph.clone(size=size + 6, line_color=INK, line_width=2.5)
    plot.add_tools(
        HoverTool(renderers=[pictures], tooltips=_PICTURE_TOOLTIP, limit=3, visible=False)
    )
    plot.subscribed_events.add("tap")
    return plot


def figure_json(plot: figure) -> dict[str, Any]:
    """Return a figure as the JSON tree that ``Bokeh.embed.embed_item`` draws.

    Parameters
    ----------
    plot : bokeh figure
        Belongs to no document yet.

    Returns
    -------
    dict
        Holds only what ``json.dumps`` writes; arrays are base64 inside.
    """
    return dict(json_item(plot, theme=_THEME))


def _component_figure(n_features: int, *, y_label: str, **kwargs: Any) -> figure:
    plot = figure(
        height=320,
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
        x_range=Range1d(start=0.0, end=n_features + max(1.0, 0.02 * n_features)),
        x_axis_label="Number of components",
        y_axis_label=y_label,
        **kwargs,
    )
    plot.xaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.xaxis.ticker = BasicTicker(desired_num_ticks=4, min_interval=1)
    plot.xgrid.visible = False
    return plot


def _component_hover(renderer: Any, text: str) -> HoverTool:
    style = "font:13px system-ui,sans-serif;color:#1f2a24;padding:2px 4px"
    tooltip = f'<div style="{style}">{text}</div>'
    return HoverTool(renderers=[renderer], mode="vline", tooltips=tooltip)


def _mark_components(plot: figure, held: FloatArray, k: int) -> None:
    steps = np.arange(1.0, k + 1.0)
    plot.varea(x=steps, y1=np.zeros(k), y2=held[:k], color=LEAF_SOFT, level="underlay")
    plot.add_layout(_span(k))
    plot.scatter([k], [float(held[k - 1])], color=CORAL, size=10)
    left = k > len(held) / 2
    plot.add_layout(
        Label(
            x=k,
            y=0.08,
            text=f"k = {k:,}\nholds {format_percent(float(held[k - 1]))}",
            text_align="right" if left else "left",
            x_offset=-8 if left else 8,
            text_color=CORAL,
            text_font=FONT,
            text_font_size="13px",
            text_font_style="bold",
        )
    )


def _span(k: int) -> Span:
    return Span(
        location=k, dimension="height", line_color=CORAL, line_dash="dashed", line_width=1.5
    )


def _log_range(share: FloatArray) -> Range1d:
    if len(share) == 0:
        return Range1d(start=1e-3, end=1.0)
    top = float(share.max())
    # At least a decade, or a log axis has no round number to name.
    return Range1d(start=min(float(share.min()), top / 10.0) / 1.6, end=min(1.1, top * 1.6))


def _picture_source(
    points: FloatArray,
    labels: Sequence[str],
    paths: Sequence[str],
    thumbnails: Sequence[bytes | None],
    styles: Mapping[str, LabelStyle],
) -> ColumnDataSource:
    ids = {label: i for i, label in enumerate(styles)}
    columns = {
        "x": np.asarray(points[:, 0], dtype=np.float32),
        "y": np.asarray(points[:, 1], dtype=np.float32),
        "label_id": np.array([ids[label] for label in labels], dtype=np.int32),
        "label": list(labels),
        "path": list(paths),
        "name": [path.rstrip("/").rsplit("/", 1)[-1] for path in paths],
        "thumbnail": [jpeg_uri(jpeg) or NO_THUMBNAIL for jpeg in thumbnails],
        "colour": [styles[label].colour for label in labels],
        "marker": [styles[label].marker for label in labels],
    }
    return ColumnDataSource(columns, name="pictures")


def jpeg_uri(jpeg: bytes | None) -> str | None:
    """Return JPEG bytes as a ``data:`` address, or ``None`` for no bytes."""
    if not jpeg:
        return None
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")


def _axis_label(name: str, share: Sequence[float]) -> str:
    return f"{name} ({format_percent(share[0])} of variance)" if share else name
