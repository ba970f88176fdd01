"""``pomona predict`` and ``pomona models``: ask a recogniser, without Spark and Java."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pomona.cli.options import Config, Label, LogJson, Model, Quiet, option
from pomona.cli.session import command_session

if TYPE_CHECKING:
    from pomona.recognition.recogniser import Recogniser

__all__ = ["app"]

app = typer.Typer()
models = typer.Typer(
    help="Look at recognisers.",
    epilog="Example: pomona models show result",
    no_args_is_help=True,
)
app.add_typer(models, name="models")

Json = Annotated[bool, option("One JSON object on a line.", "--json")]


@app.command(epilog="Example: pomona predict photo.jpg --top 3")
def predict(
    photo: Annotated[str, typer.Argument(help="Photograph, folder of photographs, or '-'.")],
    model: Model = None,
    top: Annotated[int, option("How many candidates to name.", "--top", min=1)] = 5,
    together: Annotated[
        bool, option("All photographs show the same fruit: give one answer.", "--together")
    ] = False,
    threads: Annotated[int, option("Processor cores to use.", "--threads", min=1)] = 1,
    json: Json = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
    config: Config = None,
) -> None:
    """Say which fruit a photograph shows; needs neither Spark nor Java."""
    with command_session(quiet=quiet, log_json=log_json):
        from pomona.recognition.prediction import find_photos
        from pomona.recognition.recogniser import load_recogniser

        paths = None if photo == "-" else find_photos(Path(photo))
        recogniser = load_recogniser(model, n_threads=threads)
        n_failed = n_all = 0
        for record in _answers(recogniser, paths, name=photo, together=together, top=top):
            n_all += 1
            n_failed += record["error"] is not None and not record["top"]
            _print_answer(record, json=json)
        if n_failed and not quiet:
            typer.echo(f"{n_failed} of {n_all} could not be used", err=True)
        if n_failed == n_all:
            raise typer.Exit(1)


@app.command(epilog="Example: pomona evaluate result photos --out evaluation")
def evaluate(
    model: Annotated[
        str, typer.Argument(help="Model folder, output folder, or 'default' for the shipped one.")
    ],
    folder: Annotated[Path, typer.Argument(help="Labelled pictures; one folder per label.")],
    out: Annotated[
        Path | None,
        option("Folder for the report and its numbers.", "--out", "-o", show_default=False),
    ] = None,
    label: Label = "folder",
    strangers: Annotated[
        bool, option("The pictures show no fruit: count refusals only.", "--strangers")
    ] = False,
    threads: Annotated[
        int | None,
        option("Processor cores to use.  [default: all]", "--threads", min=1, show_default=False),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
    config: Config = None,
) -> None:
    """Score a recogniser on labelled pictures; needs neither Spark nor Java."""
    with command_session(quiet=quiet, log_json=log_json):
        import os

        from pomona.cli.console import show_progress
        from pomona.pipeline.evaluate import evaluate as evaluate_pipeline
        from pomona.settings import SourceSettings

        with show_progress("Asking", quiet=quiet, as_json=log_json) as on_progress:
            record = evaluate_pipeline(
                None if model == "default" else Path(model),
                SourceSettings(folder, label=label),
                out=out,
                strangers=strangers,
                n_threads=threads or os.cpu_count() or 1,
                on_progress=on_progress,
            )
        if json:
            from json import dumps

            typer.echo(dumps(record, ensure_ascii=False))
            return
        for name, text in _describe_evaluation(record):
            typer.echo(f"{name:>14}  {text}")
        if out is not None:
            typer.echo(f"{'look at':>14}  {out / 'index.html'}")


@models.command(epilog="Example: pomona models show result --json")
def show(
    model: Annotated[
        Path | None,
        typer.Argument(help="Model folder, or the output folder that holds it."),
    ] = None,
    json: Json = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Show what a model folder holds; the shipped recogniser's if none is named."""
    with command_session(quiet=quiet, log_json=log_json):
        from pomona.recognition.model import read_model
        from pomona.storage.records import to_plain

        found = read_model(model)
        record = {"path": str(found.folder.local_file("").resolve()), **to_plain(found.record)}
        if json:
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


def _describe_evaluation(record: dict[str, Any]) -> list[tuple[str, str]]:
    lines = [("pictures", f"{record['n_pictures']}, {record['n_failed']} not usable")]
    if known := record["known"]:
        lines += [
            ("known labels", f"{known['n']} pictures"),
            ("right label", f"{known['accuracy']:.2%}, in the first three "
             f"{known['top_3_accuracy']:.2%}"),
            ("right fruit", f"{known['fruit_accuracy']:.2%}"),
            ("calibration", f"error {known['ece']:.4f}"),
            ("answers", f"{known['answered_exactly']:.2%} exact, {known['answered_fruit']:.2%} "
             f"right fruit, {known['refused']:.2%} refused"),
        ]  # fmt: skip
    if unseen := record["unseen_varieties"]:
        lines.append(
            (
                "unseen",
                f"{unseen['n']} pictures: {unseen['answered_fruit']:.2%} right fruit, "
                f"{unseen['sure_and_wrong']:.2%} sure and wrong, {unseen['refused']:.2%} refused",
            )
        )
    if strangers := record["strangers"]:
        lines.append(
            ("no known fruit", f"{strangers['n']} pictures: {strangers['refused']:.2%} refused")
        )
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
