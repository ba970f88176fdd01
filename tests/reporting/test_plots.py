"""Figures of the report."""

import json
from typing import Any

import numpy as np
import pytest
from bokeh.models import BooleanFilter, ColumnDataSource, HoverTool
from bokeh.models.annotations import Label, Span
from bokeh.plotting import figure

from pomona.reporting import plots
from pomona.reporting.colours import style_labels

RATIO = np.array([0.6, 0.3, 0.1, 0.0])


def map_of(labels: list[str], thumbnails: list[bytes | None] | None = None) -> figure:
    n = len(labels)
    return plots.map_figure(
        np.arange(2.0 * n).reshape(n, 2),
        labels=labels,
        paths=[f"s3://bucket/{label}/{i}.jpg" for i, label in enumerate(labels)],
        thumbnails=[None] * n if thumbnails is None else thumbnails,
        styles=style_labels(labels),
        shares=[0.6, 0.3],
    )


def source_of(plot: figure) -> ColumnDataSource:
    return plot.select_one({"name": "pictures", "type": ColumnDataSource})


def _renderers(plot: figure) -> list[Any]:
    return list(plot.renderers)


def _y_range(plot: figure) -> Any:
    return plot.y_range


def test_variance_figure_sums_up_and_marks_k() -> None:
    plot = plots.variance_figure(RATIO, n_components=2)
    held = next(
        r.data_source.data["held"] for r in _renderers(plot) if "held" in r.data_source.data
    )
    np.testing.assert_allclose(held, [0.6, 0.9, 1.0, 1.0])
    assert plot.select_one({"type": Span}).location == 2
    assert plot.select_one({"type": Label}).text == "k = 2\nholds 90.0\N{NO-BREAK SPACE}%"


@pytest.mark.parametrize("k", [None, 0, 5])
def test_variance_figure_without_a_valid_k_has_no_mark(k: int | None) -> None:
    assert plots.variance_figure(RATIO, n_components=k).select_one({"type": Span}) is None


def test_share_figure_leaves_zero_shares_out_of_the_log_axis() -> None:
    plot = plots.share_figure(RATIO, n_components=2)
    shares = _renderers(plot)[0].data_source.data["share"]
    np.testing.assert_array_equal(shares, RATIO[:3])
    assert _y_range(plot).start > 0.0
    assert plot.select_one({"type": Span}).location == 2


@pytest.mark.parametrize("ratio", [[1.0], [0.0, 0.0], [np.nan, np.nan]])
def test_figures_of_a_degenerate_ratio_are_finite(ratio: list[float]) -> None:
    for draw in (plots.variance_figure, plots.share_figure):
        plot = draw(np.array(ratio), n_components=1)
        assert 0.0 <= _y_range(plot).start < _y_range(plot).end
        json.dumps(plots.figure_json(plot), allow_nan=False)


def test_map_figure_holds_one_row_per_picture() -> None:
    data = source_of(map_of(["pear", "apple", "pear"], [b"\xff\xd8", None, b""])).data
    np.testing.assert_array_equal(data["x"], [0.0, 2.0, 4.0])
    np.testing.assert_array_equal(data["label_id"], [1, 0, 1])
    assert data["name"] == ["0.jpg", "1.jpg", "2.jpg"]
    assert data["thumbnail"] == [
        "data:image/jpeg;base64,/9g=",
        plots.NO_THUMBNAIL,
        plots.NO_THUMBNAIL,
    ]
    assert data["colour"][0] == data["colour"][2] != data["colour"][1]


def test_map_figure_has_the_models_the_page_looks_for() -> None:
    plot = map_of(["a"])
    assert isinstance(plot.select_one({"name": "shown"}), BooleanFilter)
    assert not plot.select_one({"name": "backdrop"}).visible
    assert "tap" in plot.subscribed_events


def test_map_figure_lets_a_finger_scroll_the_page() -> None:
    toolbar = map_of(["a"]).toolbar
    assert toolbar.active_drag is None
    assert toolbar.active_scroll is None


def test_tooltips_are_escaped() -> None:
    for plot in (map_of(["a"]), plots.variance_figure(RATIO, n_components=1)):
        tooltips = plot.select_one({"type": HoverTool}).tooltips
        assert isinstance(tooltips, str)
        assert "safe" not in tooltips


def test_map_figure_names_the_axes_with_their_share() -> None:
    plot = map_of(["a"])
    assert plot.xaxis.axis_label == "Component 1 (60.0\N{NO-BREAK SPACE}% of variance)"
    assert plot.yaxis.axis_label == "Component 2 (30.0\N{NO-BREAK SPACE}% of variance)"


def test_figure_json_is_plain() -> None:
    tree = json.loads(json.dumps(plots.figure_json(map_of(["a", "b"])), allow_nan=False))
    assert tree["doc"]["roots"]
