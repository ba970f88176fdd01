"""``python -m recipes.default_recogniser``: make the default recogniser."""

import logging
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from pomona.cli.console import show_progress
from pomona.cli.session import command_session
from pomona.recognition.model import DEFAULT_MODEL

log = logging.getLogger("recipes.default_recogniser")


def make(
    data: Annotated[
        Path, typer.Argument(help="Folder with grocery, fruits360/Training and fruits360/Test.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Model folder to write.")
    ] = DEFAULT_MODEL.path,
    strangers: Annotated[
        Path | None,
        typer.Option("--strangers", help="Pictures of no fruit: folders 'learn' and 'measure'."),
    ] = None,
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--leave-out", help="Folder nothing is learnt from; may be repeated."),
    ] = None,
    size: Annotated[int, typer.Option("--size", help="Side of the pictures in prediction.")] = 288,
    steps_share: Annotated[
        float,
        typer.Option(
            "--steps-share", help="Share of the training steps; 0.05 to see that all works."
        ),
    ] = 1.0,
    trial: Annotated[
        bool,
        typer.Option("--trial", help="Write the network that was measured; train no second one."),
    ] = False,
    held_share: Annotated[
        float, typer.Option("--held-share", help="Share of phone photographs held back.")
    ] = 0.14,
    keep: Annotated[
        Path | None,
        typer.Option(
            "--keep", help="Keep finished networks in this folder, and go on behind them."
        ),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", help="Of everything random.")] = 0,
) -> None:
    """Fine-tune the shipped backbone and pack the default recogniser."""
    with command_session(quiet=False, log_json=False):
        from recipes.default_recogniser.making import RECIPES, Settings, make_recogniser

        settings = Settings(
            data,
            strangers=strangers and strangers / "learn",
            strangers_test=strangers and strangers / "measure",
            size=size,
            held_share=held_share,
            leave_out=tuple(leave_out or ()),
            is_trial=trial,
            keep=keep,
        )
        with show_progress("Fine-tuning", quiet=False, as_json=False) as on_progress:
            metrics = make_recogniser(
                settings,
                out,
                recipes=[
                    replace(each, n_steps=round(each.n_steps * steps_share), seed=each.seed + seed)
                    for each in RECIPES
                ],
                say=log.info,
                on_progress=on_progress,
            )
        for name in ("phone", "studio"):
            scores = metrics[name]
            typer.echo(
                f"{name:>14}  {scores['accuracy']:.3f} exact, {scores['fruit_accuracy']:.3f} fruit,"
                f" {scores['top_3_accuracy']:.3f} top 3, ECE {scores['ece']:.3f},"
                f" {scores['decisions']['unknown']:.3f} refused, n = {scores['n']}"
            )
        for name in ("no_fruit", "unseen"):
            if name in metrics:
                shares = {k: v for k, v in metrics[name].items() if isinstance(v, int | float)}
                typer.echo(f"{name:>14}  {shares}")
        for part in metrics.get("unseen", {}).get("per_folder", ()):
            typer.echo(f"{'':>14}  {part}")
        if "shipped" in metrics:
            typer.echo(f"{'shipped':>14}  {metrics['shipped']}")


if __name__ == "__main__":
    typer.run(make)
