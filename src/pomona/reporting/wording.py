"""Numbers, sizes, times and strangers' texts in the words of the report."""

import json
import math
import unicodedata
from datetime import UTC, datetime
from typing import Any

__all__ = [
    "NBSP",
    "format_date",
    "format_duration",
    "format_label",
    "format_percent",
    "format_pictures",
    "format_rate",
    "format_size",
    "format_value",
    "make_visible",
]

NO_LABEL = "(no label)"
NBSP = "\N{NO-BREAK SPACE}"


def format_value(value: Any) -> str:
    """Return a text as it is, any other value as JSON."""
    return value if isinstance(value, str) else json.dumps(value, default=str, ensure_ascii=False)


def format_label(label: str) -> str:
    """Return a label fit to be shown, words in its place if it is blank."""
    return make_visible(label) if label.strip() else NO_LABEL


def format_pictures(n: int) -> str:
    """Return a number of pictures, for example "1 picture" or "2,000 pictures"."""
    return f"{n:,} picture" if n == 1 else f"{n:,} pictures"


def format_rate(per_second: float) -> str:
    """Return a rate with three digits, or whole from a hundred."""
    return f"{per_second:,.0f}" if per_second >= 100.0 else f"{per_second:.3g}"


def format_duration(seconds: float) -> str:
    """Return a time in seconds, in minutes and seconds, or in hours and minutes."""
    if seconds < 60.0:
        return f"{seconds:.1f}{NBSP}s" if seconds < 10.0 else f"{seconds:.0f}{NBSP}s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    words = f"{hours:,} h {minutes} min" if hours else f"{minutes} min {rest} s"
    return words.replace(" ", NBSP)


def format_size(size: int | None) -> str:
    """Return bytes in decimal units, or words for an unknown size."""
    if size is None:
        return "size unknown"
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f}{NBSP}{unit}"
    return f"{size}{NBSP}B"


def format_date(created: Any) -> str:
    """Return an ISO time to the minute, in UTC if it has a zone; anything else as it is."""
    try:
        moment = datetime.fromisoformat(created)
    except (TypeError, ValueError):
        return format_value(created)
    zone = "" if moment.tzinfo is None else " UTC"
    return f"{moment.astimezone(UTC) if zone else moment:%Y-%m-%d %H:%M}{zone}"


def format_percent(share: float) -> str:
    """Return a share as per cent; only a whole reads as 100.0, and only nothing as 0.0."""
    value = 100.0 * share
    text = f"{value:.1f}"
    if text == "100.0" and value != 100.0:
        # Rounding up would hide the one picture in thousands that is missing.
        text = f"{math.floor(value * 1000.0) / 1000.0:.3f}"
    elif text == "0.0" and value != 0.0:
        text = f"{value:.2g}"
    return f"{text}{NBSP}%"


def make_visible(text: str) -> str:
    """Return a text with the characters written out that show nothing or turn the reading."""
    # Control, format (right-to-left override...) and lone surrogate characters can hide or forge
    # what a name says, and a lone surrogate does not encode to UTF-8.
    if text.isascii() and text.isprintable():
        return text
    hidden = ("Cc", "Cf", "Cs", "Zl", "Zp")
    return "".join(f"\\u{ord(c):04x}" if unicodedata.category(c) in hidden else c for c in text)
