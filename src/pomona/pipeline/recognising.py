"""The verbs about recognisers: train one on stored vectors, evaluate one on labelled pictures."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pomona import schema
from pomona.pipeline.learning import add_recogniser, load_reduced, prepare_training
from pomona.pipeline.stages import write_report
from pomona.settings import SourceSettings, SparkSettings, TrainSettings
from pomona.storage.store import publish, read_run, staging

if TYPE_CHECKING:
    from pomona.training.evaluation import Evaluation

__all__ = ["evaluate", "train"]

RunRecord = dict[str, Any]
OnProgress = Callable[[int, int], None]


def train(
    out: Path,
    *,
    train_settings: TrainSettings | None = None,
    spark_settings: SparkSettings | None = None,
) -> RunRecord:
    """Train a recogniser on the vectors of ``out``; writes ``out/model`` and ``out/report``.

    Parameters
    ----------
    out : Path
        Folder of a finished run; to fit on features, of a finished extraction.
    train_settings : TrainSettings, optional
    spark_settings : SparkSettings, optional

    Returns
    -------
    dict
        What ``run.json`` holds now; ``training`` is new.

    Raises
    ------
    OutputError
        If ``out`` holds no finished run, or was not reduced yet and should be fitted on that.
    TrainingError
        If the labelled vectors do not allow a classifier.
    """
    record = read_run(out)
    settings = train_settings or TrainSettings()
    reduction = load_reduced(out, record, settings)
    prepare_training(spark_settings)
    with staging(out) as folder:
        if reduction is not None:
            shutil.copytree(out / "model", folder / "model")
        record |= add_recogniser(
            out / "features",
            folder,
            record,
            settings=settings,
            reduction=reduction,
            spark_settings=spark_settings,
        )
        record |= write_report(out, record, target=folder)
        publish(folder, out, parts=("model", "report"), run=record)
    return record


def evaluate(
    model: Path | None,
    source: SourceSettings,
    *,
    out: Path | None = None,
    strangers: bool = False,
    n_threads: int = 1,
    on_progress: OnProgress | None = None,
) -> RunRecord:
    """Score a recogniser on labelled pictures; needs no Spark.

    Parameters
    ----------
    model : Path or None
        Model folder, or the output folder that holds it; None for the shipped recogniser.
    source : SourceSettings
        Folder names are matched with the labels, with the classes they were trained on, and with
        the fruits the facts know.
    out : Path, optional
        Folder for ``index.html`` and ``evaluation.json``.
    strangers : bool
        The pictures show no fruit: only refusals count.
    n_threads : int
        Processor cores to use.
    on_progress : callable, optional

    Returns
    -------
    dict
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
    record = {
        "model": str(recogniser.model.path.resolve()),
        "source": str(source.source.resolve()),
        **done.record,
    }
    if out is not None:
        _write_evaluation(out, record, done)
    return record


def _write_evaluation(out: Path, record: RunRecord, done: "Evaluation") -> None:
    from pomona.pictures.decode import make_thumbnail
    from pomona.pictures.fetch import fetch_bytes
    from pomona.reporting import render_evaluation

    def find_thumbnails(label: str, n: int) -> list[bytes]:
        paths = done.paths_by_label.get(label, [])[:n]
        found = (make_thumbnail(fetch_bytes(path), path=path, side=56) for path in paths)
        return [jpeg for jpeg in found if jpeg is not None]

    page = render_evaluation(
        record,
        title=Path(record["source"]).name,
        origin=[("Pictures", record["source"]), ("Recogniser", record["model"])],
        find_thumbnails=find_thumbnails,
    )
    out.mkdir(parents=True, exist_ok=True)
    (out / "index.html").write_text(page, encoding="utf-8")
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (out / "evaluation.json").write_text(text, encoding="utf-8")
