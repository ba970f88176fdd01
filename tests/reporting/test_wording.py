"""Numbers in the words of the report."""

import pytest

from pomona.reporting.wording import format_percent


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (1.0, "100.0"),
        (0.99996, "99.996"),
        (0.95, "95.0"),
        (0.0004, "0.04"),
        (0.0, "0.0"),
    ],
)
def test_format_percent_rounds_neither_to_all_nor_to_nothing(share: float, text: str) -> None:
    assert format_percent(share) == f"{text}\N{NO-BREAK SPACE}%"
