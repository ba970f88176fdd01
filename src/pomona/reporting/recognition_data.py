"""What a report shows of a recogniser: scores, mistakes, worst labels with pictures."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from bokeh.plotting import figure

from pomona.reporting.recognition_plots import confusion_figure, reliability_figure
from pomona.reporting.wording import format_duration, format_label, format_percent

__all__ = ["RecognitionData", "ScoreRow", "WorstLabel", "collect_recognition", "draw_recognition"]

N_WORST: Final = 8
N_PICTURES: Final = 6
N_PAIRS_SHOWN: Final = 20

FindThumbnails = Callable[[str, int], Sequence[bytes]]


class ScoreRow(NamedTuple):
    """One set of scores, in words."""

    name: str
    n: str
    accuracy: str
    balanced: str
    macro_f1: str
    top_3: str
    fruit: str
    ece: str
    seconds: str


@dataclass(frozen=True)
class WorstLabel:
    """A label that is often missed, with pictures of it and what it is taken for."""

    label: str
    recall: str
    n: int
    taken_for: str
    thumbnails: Sequence[bytes]


@dataclass(frozen=True)
class RecognitionData:
    """All that a report shows of a recogniser.

    Parameters
    ----------
    rows : sequence of ScoreRow
    warnings : sequence of str
    worst : sequence of WorstLabel
    metrics : mapping
        Of the recogniser in the model folder; the figures are drawn from it.
    tuning : sequence of (str, str)
        Settings tried and their accuracy.
    """

    rows: Sequence[ScoreRow]
    warnings: Sequence[str]
    worst: Sequence[WorstLabel]
    metrics: Mapping[str, Any]
    tuning: Sequence[tuple[str, str]] = field(default=())

    @property
    def pairs(self) -> list[dict[str, Any]]:
        """The most frequent mistakes."""
        return list(self.metrics.get("confusion_pairs", []))[:N_PAIRS_SHOWN]


def collect_recognition(
    training: Mapping[str, Any], *, find_thumbnails: FindThumbnails
) -> RecognitionData:
    """Return what the report of a run shows, from ``training`` of run.json.

    Parameters
    ----------
    training : mapping
    find_thumbnails : callable
        From a label and a number to that many JPEG files.
    """
    best = next(each for each in training["classifiers"] if each["name"] == training["classifier"])
    return RecognitionData(
        rows=[
            score_row(each["name"], each["metrics"], seconds=each["seconds_fit"])
            for each in training["classifiers"]
        ],
        warnings=training["warnings"],
        worst=list_worst(best["metrics"], find_thumbnails=find_thumbnails),
        metrics=best["metrics"],
        tuning=[
            (f"{each['name']}: {_settings(row)}", format_percent(row["accuracy"]))
            for each in training["classifiers"]
            for row in each["tuning"]
        ],
    )


def score_row(name: str, metrics: Mapping[str, Any], *, seconds: float | None = None) -> ScoreRow:
    """Return one line of the table of scores."""
    keys = ("accuracy", "balanced_accuracy", "macro_f1", "top_3_accuracy", "fruit_accuracy", "ece")
    accuracy, balanced, macro_f1, top_3, fruit, ece = (
        format_percent(metrics[key]) if key in metrics else "–" for key in keys
    )
    return ScoreRow(
        name=name,
        n=f"{metrics['n']:,}",
        accuracy=accuracy,
        balanced=balanced,
        macro_f1=macro_f1,
        top_3=top_3,
        fruit=fruit,
        ece=ece,
        seconds="–" if seconds is None else format_duration(seconds),
    )


def list_worst(metrics: Mapping[str, Any], *, find_thumbnails: FindThumbnails) -> list[WorstLabel]:
    """Return the labels that are missed most often, at most eight, none that never is."""
    missed = [each for each in metrics["per_class"] if each["recall"] < 1.0]
    worst = sorted(missed, key=lambda each: (each["recall"], each["label"]))[:N_WORST]
    return [
        WorstLabel(
            label=format_label(each["label"]),
            recall=format_percent(each["recall"]),
            n=each["n"],
            taken_for=", ".join(
                f"{format_label(pair['predicted'])} ({pair['n']})"
                for pair in metrics["confusion_pairs"]
                if pair["label"] == each["label"]
            ),
            thumbnails=find_thumbnails(each["label"], N_PICTURES),
        )
        for each in worst
    ]


def draw_recognition(data: RecognitionData) -> dict[str, figure]:
    """Return the figures by name; none where there is nothing to draw."""
    figures = {}
    if data.metrics.get("confusion_pairs"):
        figures["confusion"] = confusion_figure(
            data.metrics["confusion_pairs"], data.metrics["per_class"]
        )
    if data.metrics.get("reliability"):
        figures["reliability"] = reliability_figure(data.metrics["reliability"])
    return figures


def _settings(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if name != "accuracy")
