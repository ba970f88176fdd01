"""Colours and markers of the labels."""

import pytest

from pomona.reporting.colours import style_labels


@pytest.mark.parametrize("n", [1, 6, 7, 119, 500])
def test_style_labels_differ_and_do_not_depend_on_order(n: int) -> None:
    labels = [f"label {i:03d}" for i in range(n)]
    styles = style_labels(labels)
    assert list(styles) == labels
    assert style_labels(labels[::-1] * 2) == styles
    assert len({(style.colour, style.marker) for style in styles.values()}) > 0.98 * n
    assert all(len(bytes.fromhex(style.colour[1:])) == 3 for style in styles.values())


def test_style_labels_few_use_colours_for_the_colour_blind() -> None:
    colours = [style.colour for style in style_labels(["a", "b", "c"]).values()]
    assert colours == ["#0072B2", "#E69F00", "#009E73"]
