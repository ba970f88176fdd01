"""What a report shows of a recogniser: scores, mistakes, worst labels with pictures."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from bokeh.plotting import figure

from pomona.reporting.recognition_plots import confusion_figure, reliability_figure
from pomona.reporting.wording import format_duration, format_label, format_percent
from pomona.storage.records import JsonObject, TrainingRecord
from pomona.storage.scores import Confusion, Scores

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
    metrics : Scores or None
        Of the recogniser in the model folder; the figures are drawn from it.
    tuning : sequence of (str, str)
        Settings tried and their accuracy.
    """

    rows: Sequence[ScoreRow]
    warnings: Sequence[str]
    worst: Sequence[WorstLabel]
    metrics: Scores | None
    tuning: Sequence[tuple[str, str]] = field(default=())

    @property
    def pairs(self) -> list[Confusion]:
        """The most frequent mistakes."""
        return self.metrics.confusion_pairs[:N_PAIRS_SHOWN] if self.metrics else []


def collect_recognition(
    training: TrainingRecord, *, find_thumbnails: FindThumbnails
) -> RecognitionData:
    """Return what the report of a run shows, from ``training`` of run.json.

    Parameters
    ----------
    training : TrainingRecord
    find_thumbnails : callable
        From a label and a number to that many JPEG files.
    """
    best = next(one for one in training.classifiers if one.name == training.classifier)
    return RecognitionData(
        rows=[
            score_row(one.name, one.metrics, seconds=one.seconds_fit)
            for one in training.classifiers
        ],
        warnings=training.warnings,
        worst=list_worst(best.metrics, find_thumbnails=find_thumbnails),
        metrics=best.metrics,
        tuning=[
            (f"{one.name}: {_settings(row)}", format_percent(row["accuracy"]))
            for one in training.classifiers
            for row in one.tuning
        ],
    )


def score_row(name: str, metrics: Scores, *, seconds: float | None = None) -> ScoreRow:
    """Return one line of the table of scores."""
    return ScoreRow(
        name=name,
        n=f"{metrics.n:,}",
        accuracy=format_percent(metrics.accuracy),
        balanced=format_percent(metrics.balanced_accuracy),
        macro_f1=format_percent(metrics.macro_f1),
        top_3=format_percent(metrics.top_3_accuracy),
        fruit=format_percent(metrics.fruit_accuracy),
        ece=format_percent(metrics.ece),
        seconds="–" if seconds is None else format_duration(seconds),
    )


def list_worst(metrics: Scores, *, find_thumbnails: FindThumbnails) -> list[WorstLabel]:
    """Return the labels that are missed most often, at most eight, none that never is."""
    missed = [label for label in metrics.per_class if label.recall < 1.0]
    worst = sorted(missed, key=lambda label: (label.recall, label.label))[:N_WORST]
    return [
        WorstLabel(
            label=format_label(label.label),
            recall=format_percent(label.recall),
            n=label.n,
            taken_for=", ".join(
                f"{format_label(pair.predicted)} ({pair.n})"
                for pair in metrics.confusion_pairs
                if pair.label == label.label
            ),
            thumbnails=find_thumbnails(label.label, N_PICTURES),
        )
        for label in worst
    ]


def draw_recognition(data: RecognitionData) -> dict[str, figure]:
    """Return the figures by name; none where there is nothing to draw."""
    figures = {}
    if data.metrics and data.metrics.confusion_pairs:
        figures["confusion"] = confusion_figure(
            data.metrics.confusion_pairs, data.metrics.per_class
        )
    if data.metrics and data.metrics.reliability:
        figures["reliability"] = reliability_figure(data.metrics.reliability)
    return figures


def _settings(row: JsonObject) -> str:
    return ", ".join(f"{name} {value}" for name, value in row.items() if name != "accuracy")
