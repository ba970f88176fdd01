"""The run in a few sentences and cards: how many pictures, how fast, how many components."""

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from pomona.reporting.report_data import ReportData
from pomona.reporting.wording import format_duration, format_percent, format_pictures, format_rate

__all__ = ["Card", "describe_imbalance", "list_cards", "summarise_run"]


class Card(NamedTuple):
    """One number of the page's head, with its name, a note and a tone for its colour."""

    name: str
    value: str
    note: str = ""
    tone: str = ""


def summarise_run(data: ReportData) -> list[str]:
    """Return the run in up to three sentences."""
    n_found, n_extracted, n_quarantined = _counts(data)
    if not n_found:
        return ["No picture was found, so there is nothing to show."]
    if not n_extracted:
        return [f"None of {format_pictures(n_found)} could be used. Why is said below."]
    done = (
        f"{format_pictures(n_extracted)} of {n_found:,} turned into numbers a computer can compare"
    )
    were = "was" if n_quarantined == 1 else "were"
    rest = f"{n_quarantined:,} could not be used and {were} set aside"
    return [
        f"{done}; {rest if n_quarantined else 'none had to be set aside'}.",
        *_speed_sentence(data.run),
        *_reduction_sentence(data),
    ]


def _speed_sentence(run: Mapping[str, Any]) -> Iterable[str]:
    seconds, rate = _number(run, "seconds_total"), _number(run, "extract_images_per_second")
    if seconds is not None:
        speed = _maybe(rate, lambda r: f", reading {format_rate(r)} pictures a second", "")
        yield f"The whole run took {format_duration(seconds)}{speed}."


def _reduction_sentence(data: ReportData) -> Iterable[str]:
    k, n, held = _n_components(data), _number(data.run, "n_features"), _held(data)
    if k is not None and n is not None and held is not None:
        yield (
            f"Instead of {n:,.0f} numbers per picture, {k:,} keep {format_percent(held)} of the "
            "differences between the pictures."
        )


def list_cards(data: ReportData) -> list[Card]:
    """Return the numbers of the page's head; what is not known reads as a dash."""
    n_found, n_extracted, n_quarantined = _counts(data)
    shares = [
        f"{format_percent(n / n_found)} of all" if n_found else ""
        for n in (n_extracted, n_quarantined)
    ]
    total, seconds, rate, n_features = (
        _number(data.run, key)
        for key in ("seconds_total", "seconds_extract", "extract_images_per_second", "n_features")
    )
    return [
        Card("Pictures found", f"{n_found:,}"),
        Card("Turned into features", f"{n_extracted:,}", shares[0], "good" if n_extracted else ""),
        Card("Set aside", f"{n_quarantined:,}", shares[1], "warn" if n_quarantined else ""),
        Card(
            "Pictures per second",
            _maybe(rate, format_rate),
            _maybe(seconds, lambda s: f"in {format_duration(s)}", ""),
        ),
        Card("Whole run", _maybe(total, format_duration)),
        Card(
            "Features per picture",
            _maybe(n_features, lambda n: f"{n:,.0f}"),
            str(data.run.get("backbone") or ""),
        ),
        _components_card(_n_components(data), _held(data)),
    ]


def _components_card(k: int | None, held: float | None) -> Card:
    name = "Components kept"
    if k is None:
        return Card(name, "–", "not reduced yet")
    return Card(name, f"{k:,}", _maybe(held, lambda h: f"hold {format_percent(h)}", ""))


def describe_imbalance(data: ReportData) -> str:
    """Return a sentence if the counts do not add up, nothing if they do."""
    n_found, n_extracted, n_quarantined = _counts(data)
    missing = n_found - n_extracted - n_quarantined
    if not missing:
        return ""
    rest = f"{missing:,} missing" if missing > 0 else f"{-missing:,} too many"
    return (
        f"The counts do not add up: {n_found:,} found, {n_extracted:,} turned into features and "
        f"{n_quarantined:,} set aside leave {rest}."
    )


def _counts(data: ReportData) -> tuple[int, int, int]:
    n_extracted = _count(data.run, "images_extracted", sum(data.label_counts.values()))
    n_quarantined = _count(data.run, "images_quarantined", sum(data.quarantine_counts.values()))
    return _count(data.run, "images_found", n_extracted + n_quarantined), n_extracted, n_quarantined


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


def _maybe(value: float | None, form: Callable[[float], str], otherwise: str = "–") -> str:
    return otherwise if value is None else form(value)
