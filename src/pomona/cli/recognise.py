"""``pomona predict``, ``evaluate`` and ``models``: ask a recogniser, without Spark and Java."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import pomona
from pomona.cli.options import command, group
from pomona.settings import (
    ConsoleSettings,
    EvaluateSettings,
    FormatSettings,
    Option,
    PredictSettings,
    SourceSettings,
)

if TYPE_CHECKING:
    from pomona.recognition.recogniser import Recogniser
    from pomona.storage.scores import EvaluationRecord

__all__ = ["app"]

app = typer.Typer()
models = group("Look at recognisers.", example="pomona models show result")
app.add_typer(models, name="models")


@command(app, example="pomona predict photo.jpg --top 3")
def predict(
    photo: Annotated[str, Option("Photograph, folder of photographs, or '-'.", positional=True)],
    asked: PredictSettings,
    console: ConsoleSettings,
) -> None:
    """Say which fruit a photograph shows; needs neither Spark nor Java."""
    from pomona.recognition.prediction import find_photos
    from pomona.recognition.recogniser import load_recogniser

    paths = None if photo == "-" else find_photos(Path(photo))
    recogniser = load_recogniser(asked.model, n_threads=asked.threads)
    n_failed = n_all = 0
    for record in _answers(recogniser, paths, name=photo, together=asked.together, top=asked.top):
        n_all += 1
        n_failed += record["error"] is not None and not record["top"]
        _print_answer(record, json=asked.json)
    if n_failed and not console.quiet:
        typer.echo(f"{n_failed} of {n_all} could not be used", err=True)
    if n_failed == n_all:
        raise typer.Exit(1)


@command(app, example="pomona evaluate result photos --out evaluation")
def evaluate(
    model: Annotated[
        str,
        Option(
            "Model folder, output folder or bucket, or 'default' for the shipped recogniser.",
            positional=True,
        ),
    ],
    source: SourceSettings,
    asked: EvaluateSettings,
    console: ConsoleSettings,
) -> None:
    """Score a recogniser on labelled pictures; needs neither Spark nor Java."""
    import os

    from pomona.cli.console import show_progress

    with show_progress("Asking", quiet=console.quiet, as_json=console.log_json) as on_progress:
        record = pomona.evaluate(
            None if model == "default" else model,
            source,
            out=asked.out,
            strangers=asked.strangers,
            n_threads=asked.threads or os.cpu_count() or 1,
            on_progress=on_progress,
        )
    if asked.json:
        from json import dumps

        from pomona.storage.record import to_plain

        typer.echo(dumps(to_plain(record), ensure_ascii=False))
        return
    for name, text in _describe_evaluation(record):
        typer.echo(f"{name:>14}  {text}")
    if asked.out is not None:
        typer.echo(f"{'look at':>14}  {asked.out}/index.html")


@command(models, example="pomona models show result --json")
def show(
    shown: FormatSettings,
    model: Annotated[
        str | None,
        Option(
            "Model folder, or the output folder or bucket that holds it.",
            unset="the shipped recogniser",
            positional=True,
        ),
    ] = None,
) -> None:
    """Show what a model folder holds; the shipped recogniser's if none is named."""
    from pomona.recognition.model import read_model
    from pomona.storage.addresses import full_place
    from pomona.storage.records import to_plain

    loaded = read_model(model)
    record = {"path": full_place(str(loaded.folder)), **to_plain(loaded.record)}
    if shown.json:
        from json import dumps

        typer.echo(dumps(record, ensure_ascii=False))
        return
    for name, text in _describe_model(record):
        typer.echo(f"{name:>14}  {text}")


def _answers(
    recogniser: "Recogniser", paths: list[str] | None, *, name: str, together: bool, top: int
) -> Any:
    from pomona.recognition.prediction import predict_photo, predict_photos, predict_together

    if paths is None:
        return [predict_photo(recogniser, sys.stdin.buffer.read(), path="-", top=top)]
    if together:
        return [predict_together(recogniser, paths, name=name, top=top)]
    return predict_photos(recogniser, paths, top=top)


def _print_answer(record: dict[str, Any], *, json: bool) -> None:
    if json:
        from json import dumps

        typer.echo(dumps(record, ensure_ascii=False))
        return
    typer.echo(f"{record['path']}: {_say(record)}")
    for candidate in record["top"]:
        typer.echo(f"  {candidate['probability']:>6.1%}  {candidate['label']}")


def _say(record: dict[str, Any]) -> str:
    if record["error"] and not record["top"]:
        return f"not usable: {record['error']}"
    if record["decision"] == "unknown":
        return "unknown"
    doubt = ", variety uncertain" if record["decision"] == "fruit" else ""
    return f"{record['label']}{doubt} ({record['probability']:.1%})"


def _describe_evaluation(record: "EvaluationRecord") -> list[tuple[str, str]]:
    lines = [("pictures", f"{record.n_pictures}, {record.n_failed} not usable")]
    if known := record.known:
        lines += [
            ("known labels", f"{known.n} pictures"),
            ("right label", f"{known.accuracy:.2%}, in the first three "
             f"{known.top_3_accuracy:.2%}"),
            ("right fruit", f"{known.fruit_accuracy:.2%}"),
            ("calibration", f"error {known.ece:.4f}"),
            ("answers", f"{known.answered_exactly:.2%} exact, {known.answered_fruit:.2%} "
             f"right fruit, {known.refused:.2%} refused"),
        ]  # fmt: skip
    if unseen := record.unseen_varieties:
        lines.append(
            (
                "unseen",
                f"{unseen.n} pictures: {unseen.answered_fruit:.2%} right fruit, "
                f"{unseen.sure_and_wrong:.2%} sure and wrong, {unseen.refused:.2%} refused",
            )
        )
    if strangers := record.strangers:
        lines.append(("no known fruit", f"{strangers.n} pictures: {strangers.refused:.2%} refused"))
    return lines


def _describe_model(record: dict[str, Any]) -> list[tuple[str, str]]:
    network, decision = record["recogniser"], record["decision"]
    height, width = record["preprocessing"]["input_size"]
    fruits = {label["fruit_id"] for label in record["labels"] if label["fruit_id"]}
    lines = [
        ("path", record["path"]),
        ("answers", f"{len(record['labels'])} labels, {len(fruits)} known fruits"),
        ("network", f"{network['size_bytes'] / 1e6:.1f} MB, sha256 {network['sha256'][:16]}..."),
        ("input", f"{width} x {height} pixels, {len(record['preprocessing']['views'])} view(s)"),
        ("sure from", f"{decision['variety_min']:.0%} variety, {decision['fruit_min']:.0%} fruit"),
    ]
    metrics = record.get("metrics", {})
    lines += [
        (name.replace("_", " "), f"{metrics[name]:.2%}")
        for name in ("accuracy", "fruit_accuracy", "top_3_accuracy")
        if isinstance(metrics.get(name), float)
    ]
    if record.get("licences"):
        lines.append(("licences", "; ".join(record["licences"])))
    return lines
