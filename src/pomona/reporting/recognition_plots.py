"""Bokeh figures about a recogniser: confusions and reliability."""

from collections.abc import Sequence

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker, HoverTool, NumeralTickFormatter, Range1d
from bokeh.plotting import figure

from pomona.reporting.colours import CORAL, LEAF, MUTED
from pomona.storage.scores import ClassScores, Confusion, ReliabilityBin

__all__ = ["confusion_figure", "reliability_figure"]

# Side of a cell in pixels: with 131 labels the figure is 1,600 high and every name is readable.
CELL = 12
MIN_SIDE = 320
_STYLE = "font:13px system-ui,sans-serif;color:#1f2a24;padding:2px 4px"


def confusion_figure(pairs: Sequence[Confusion], per_class: Sequence[ClassScores]) -> figure:
    """Draw the mistakes: one row per true label, one column per answer.

    Right answers are the large majority and would hide the mistakes, so the diagonal is a thin
    line and only mistakes are cells. Rows and columns are the labels that are part of a mistake.

    Parameters
    ----------
    pairs : sequence of Confusion
    per_class : sequence of ClassScores

    Returns
    -------
    bokeh figure
        Stretches to the width of its container; its height grows with the labels.
    """
    names = sorted({name for pair in pairs for name in (pair.label, pair.predicted)})
    where = {name: i for i, name in enumerate(names)}
    totals = {scores.label: scores.n for scores in per_class}
    shares = [pair.n / max(totals.get(pair.label, 0), 1) for pair in pairs]
    source = ColumnDataSource(
        {
            "x": [where[pair.predicted] for pair in pairs],
            "y": [where[pair.label] for pair in pairs],
            "label": [pair.label for pair in pairs],
            "predicted": [pair.predicted for pair in pairs],
            "n": [pair.n for pair in pairs],
            "total": [totals.get(pair.label, 0) for pair in pairs],
            # Even one mistake in sixty must be seen.
            "alpha": [0.25 + 0.75 * min(2 * share, 1.0) for share in shares],
        }
    )
    plot = figure(
        height=max(MIN_SIDE, CELL * len(names) + 180),
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
        x_range=Range1d(start=-0.5, end=len(names) - 0.5),
        # Reads from the top, as a table does.
        y_range=Range1d(start=len(names) - 0.5, end=-0.5),
        x_axis_label="Answer",
        y_axis_label="Truth",
    )
    for axis in (plot.xaxis, plot.yaxis):
        axis.ticker = FixedTicker(ticks=list(range(len(names))))
        axis.major_label_overrides = dict(enumerate(names))
        axis.major_label_text_font_size = "10px"
    plot.xaxis.major_label_orientation = np.pi / 2
    plot.line([-0.5, len(names) - 0.5], [-0.5, len(names) - 0.5], color=MUTED, line_width=0.7)
    cells = plot.rect(
        "x", "y", width=0.9, height=0.9, source=source, color=CORAL, fill_alpha="alpha",
        line_alpha=0,
    )  # fmt: skip
    text = "@label taken for @predicted: @n of @total"
    plot.add_tools(HoverTool(renderers=[cells], tooltips=f'<div style="{_STYLE}">{text}</div>'))
    return plot


def reliability_figure(bins: Sequence[ReliabilityBin]) -> figure:
    """Draw how often the recogniser is right against how sure it is.

    Parameters
    ----------
    bins : sequence of ReliabilityBin

    Returns
    -------
    bokeh figure
        Stretches to the width of its container; honest probabilities lie on the diagonal.
    """
    most = max((one.n for one in bins), default=1)
    source = ColumnDataSource(
        {
            "confidence": [one.confidence for one in bins],
            "accuracy": [one.accuracy for one in bins],
            "n": [one.n for one in bins],
            "size": [6 + 18 * (one.n / most) ** 0.5 for one in bins],
        }
    )
    plot = figure(
        height=MIN_SIDE,
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
        x_range=Range1d(start=0, end=1.03),
        y_range=Range1d(start=0, end=1.06),
        x_axis_label="How sure",
        y_axis_label="How often right",
    )
    plot.line([0, 1], [0, 1], color=MUTED, line_dash="dashed")
    plot.line("confidence", "accuracy", source=source, color=LEAF, line_width=2)
    dots = plot.scatter("confidence", "accuracy", source=source, size="size", color=LEAF, alpha=0.7)
    for axis in (plot.xaxis, plot.yaxis):
        axis.formatter = NumeralTickFormatter(format="0%")
    text = "@n pictures: @confidence{0.0%} sure, @accuracy{0.0%} right"
    plot.add_tools(HoverTool(renderers=[dots], tooltips=f'<div style="{_STYLE}">{text}</div>'))
    return plot
