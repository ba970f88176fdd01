"""``evaluate``: score a recogniser on labelled pictures."""

from pathlib import Path
from typing import TYPE_CHECKING

from pomona import schema
from pomona.pipeline.report import PAGE
from pomona.schema import OnProgress
from pomona.settings import SourceSettings
from pomona.storage.addresses import full_place
from pomona.storage.locations import Location, open_location
from pomona.storage.record import replace, to_json
from pomona.storage.scores import EvaluationRecord

if TYPE_CHECKING:
    from pomona.training.evaluation import Evaluation

__all__ = ["evaluate"]


def evaluate(
    model: str | None,
    source: SourceSettings,
    *,
    out: str | None = None,
    strangers: bool = False,
    n_threads: int = 1,
    on_progress: OnProgress | None = None,
) -> EvaluationRecord:
    """Score a recogniser on labelled pictures; needs no Spark.

    Parameters
    ----------
    model : str or None
        Model folder, or the output folder or bucket that holds it; None for the shipped recogniser.
    source : SourceSettings
        Folder names are matched with the labels, with the classes they were trained on, and with
        the fruits the facts know.
    out : str, optional
        Folder or bucket for ``index.html`` and ``evaluation.json``.
    strangers : bool
        The pictures show no fruit: only refusals count.
    n_threads : int
        Processor cores to use.
    on_progress : callable, optional

    Returns
    -------
    EvaluationRecord
        What ``evaluation.json`` holds.

    Raises
    ------
    SourceError
        If no folder has a label or fruit the recogniser knows.
    """
    from pomona.pictures.fetch import fetch_bytes
    from pomona.pictures.listing import list_images
    from pomona.recognition.recogniser import load_recogniser
    from pomona.training.evaluation import evaluate_pictures

    pictures = list_images(source).pictures
    recogniser = load_recogniser(model, n_threads=n_threads)
    rows = list(
        zip(pictures[schema.PATH].to_pylist(), pictures[schema.LABEL].to_pylist(), strict=True)
    )
    done = evaluate_pictures(
        recogniser, rows, fetch=fetch_bytes, strangers=strangers, on_progress=on_progress
    )
    record = replace(
        done.record,
        model=full_place(str(recogniser.model.folder)),
        source=full_place(source.source),
    )
    if out is not None:
        _write_evaluation(open_location(out), record, done)
    return record


def _write_evaluation(out: Location, record: EvaluationRecord, done: "Evaluation") -> None:
    from pomona.pictures.decode import make_thumbnail
    from pomona.pictures.fetch import fetch_bytes
    from pomona.reporting import render_evaluation

    def find_thumbnails(label: str, n: int) -> list[bytes]:
        paths = done.paths_by_label.get(label, [])[:n]
        jpegs = (make_thumbnail(fetch_bytes(path), path=path, side=56) for path in paths)
        return [jpeg for jpeg in jpegs if jpeg is not None]

    page = render_evaluation(
        record,
        title=Path(record.source).name,
        origin=[("Pictures", record.source), ("Recogniser", record.model)],
        find_thumbnails=find_thumbnails,
    )
    out.put(PAGE, page.encode())
    out.put("evaluation.json", to_json(record))
