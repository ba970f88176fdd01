"""The report of an evaluation: one self-contained HTML page, in the dress of the run report."""

from pomona.reporting import plots
from pomona.reporting.page import render_page
from pomona.reporting.recognition_data import (
    FindThumbnails,
    RecognitionData,
    draw_recognition,
    list_worst,
    score_row,
)
from pomona.reporting.summary import Card
from pomona.reporting.wording import format_percent, format_pictures
from pomona.storage.scores import EvaluationRecord

__all__ = ["render_evaluation"]


def render_evaluation(
    evaluation: EvaluationRecord,
    *,
    title: str,
    origin: list[tuple[str, str]],
    find_thumbnails: FindThumbnails,
) -> str:
    """Return the report of an evaluation as one HTML page.

    Parameters
    ----------
    evaluation : EvaluationRecord
    title : str
    origin : list of (str, str)
        Shown below the title.
    find_thumbnails : callable
        From a label and a number to that many JPEG files.
    """
    known = evaluation.known
    recognition = RecognitionData(
        rows=[score_row("Known labels", known)] if known else [],
        warnings=[],
        worst=list_worst(known, find_thumbnails=find_thumbnails) if known else [],
        metrics=known,
    )
    figures = {
        name: plots.figure_json(plot) for name, plot in draw_recognition(recognition).items()
    }
    return render_page(
        "evaluation.html.j2",
        figures=figures,
        title=title,
        origin=origin,
        balance="",
        summary=_summarise(evaluation),
        cards=_cards(evaluation),
        recognition=recognition,
    )


def _summarise(evaluation: EvaluationRecord) -> list[str]:
    n, failed = evaluation.n_pictures, evaluation.n_failed
    sentences = [f"{format_pictures(n)} were asked about; {failed:,} could not be used."]
    if known := evaluation.known:
        sentences.append(
            f"Of {known.n:,} with a known label, {format_percent(known.accuracy)} have the "
            f"right one first and {format_percent(known.fruit_accuracy)} the right fruit; "
            f"{format_percent(known.refused)} were refused."
        )
    if unseen := evaluation.unseen_varieties:
        sentences.append(
            f"Of {unseen.n:,} of unseen varieties {format_percent(unseen.answered_fruit)} "
            f"were named by their fruit and {format_percent(unseen.sure_and_wrong)} wrongly."
        )
    if strangers := evaluation.strangers:
        sentences.append(
            f"Of {strangers.n:,} that are no known fruit, "
            f"{format_percent(strangers.refused)} were refused."
        )
    return sentences


def _cards(evaluation: EvaluationRecord) -> list[Card]:
    cards = [Card("Pictures", f"{evaluation.n_pictures:,}")]
    cards.append(Card("Not usable", f"{evaluation.n_failed:,}", "", _tone(evaluation.n_failed)))
    if known := evaluation.known:
        cards += [
            Card("Right label", format_percent(known.accuracy), f"of {known.n:,}"),
            Card("Right fruit", format_percent(known.fruit_accuracy)),
            Card("In the first three", format_percent(known.top_3_accuracy)),
            Card("Calibration error", format_percent(known.ece)),
        ]
    return cards


def _tone(n: int) -> str:
    return "warn" if n else ""
