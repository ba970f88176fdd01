"""How a store grew: its commits as a plot, and how far new pictures differ from old ones."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from bokeh.models import BasicTicker, ColumnDataSource, HoverTool, NumeralTickFormatter, Range1d
from bokeh.plotting import figure

from pomona.reporting.colours import CORAL, LEAF, LEAF_SOFT
from pomona.reporting.wording import format_percent, format_pictures
from pomona.storage.store_records import CommitRecord

__all__ = ["describe_changes", "describe_drift", "growth_figure"]

STYLE: Final = "font:13px system-ui,sans-serif;color:#1f2a24;padding:2px 4px"
# A plot of more would be a smear.
MOST_COMMITS: Final = 400
# Squared distance from the mean in standard deviations; pictures like those before have about 1.
STRANGE: Final = 1.5
WORDS: Final = {
    "new": "new",
    "changed": "changed",
    "moved": "moved",
    "gone": "gone",
    "retried": "tried again",
    "unchanged": "as before",
}


def growth_figure(commits: Sequence[CommitRecord]) -> figure:
    """Draw the pictures with features after each commit, and what came and went in it.

    Parameters
    ----------
    commits : sequence of CommitRecord
        Oldest first; the last 400 are drawn.

    Returns
    -------
    bokeh figure
        Stretches to the width of its container.
    """
    shown = commits[-MOST_COMMITS:]
    first = len(commits) - len(shown) + 1
    source = ColumnDataSource(
        {
            "n": [first + i for i in range(len(shown))],
            "at": [commit.at[:16].replace("T", " ") for commit in shown],
            "pictures": [commit.pictures for commit in shown],
            "came": [commit.extracted + commit.kept for commit in shown],
            "went": [-commit.gone for commit in shown],
            "bad": [commit.quarantined for commit in shown],
        }
    )
    top = max((commit.pictures for commit in shown), default=0)
    low = max((commit.gone for commit in shown), default=0)
    plot = figure(
        height=320,
        sizing_mode="stretch_width",
        tools="",
        toolbar_location=None,
        x_range=Range1d(start=first - 0.6, end=first + len(shown) - 0.4),
        y_range=Range1d(start=-1.1 * low, end=1.08 * max(top, 1)),
        x_axis_label="Commit",
        y_axis_label="Pictures",
    )
    plot.vbar("n", width=0.7, top="came", source=source, color=LEAF_SOFT)
    plot.vbar("n", width=0.7, top="went", source=source, color=CORAL)
    plot.line("n", "pictures", source=source, color=LEAF, line_width=2.5)
    dots = plot.scatter("n", "pictures", source=source, color=LEAF, size=7)
    text = "@at UTC: @pictures{0,0} in all, @came{0,0} came, @went{0,0} went, @bad{0,0} set aside"
    tooltip = f'<div style="{STYLE}">{text}</div>'
    plot.add_tools(HoverTool(renderers=[dots], mode="vline", tooltips=tooltip))
    plot.yaxis.formatter = NumeralTickFormatter(format="0,0")
    plot.xaxis.formatter = NumeralTickFormatter(format="0")
    plot.xaxis.ticker = BasicTicker(desired_num_ticks=6, min_interval=1)
    plot.xgrid.visible = False
    return plot


def describe_changes(run: Mapping[str, Any]) -> str:
    """Return in a sentence what the last run found; nothing where it is not said."""
    changes = run.get("changes")
    if not isinstance(changes, Mapping):
        return ""
    told = [f"{changes[name]:,} {word}" for name, word in WORDS.items() if changes.get(name)]
    return f"The last run found {', '.join(told)}." if told else ""


def describe_drift(run: Mapping[str, Any]) -> list[str]:
    """Return in sentences how the pictures that came compare with those that were there."""
    drift = run.get("drift")
    return list(_sentences(drift)) if isinstance(drift, Mapping) else []


def _sentences(drift: Mapping[str, Any]) -> Iterator[str]:
    now, fit, n = (
        drift.get(name) for name in ("explained_variance", "explained_at_fit", "fitted_on")
    )
    if now is not None and fit is not None and n is not None:
        yield (
            f"The components were fitted on {format_pictures(n)} and held {format_percent(fit)} of "
            f"their differences; of all pictures now they hold {format_percent(now)}."
        )
    strangeness = drift.get("strangeness")
    if strangeness is not None:
        like = "unlike those before" if strangeness > STRANGE else "like those before"
        yield f"The new pictures are {like}: {strangeness:.2f}, where 1 is no difference."
    rate, before = drift.get("quarantine_rate"), drift.get("quarantine_rate_before")
    if rate is not None and before is not None:
        yield (
            f"Of the pictures read last {format_percent(rate)} were set aside; of all "
            f"{format_percent(before)}."
        )
