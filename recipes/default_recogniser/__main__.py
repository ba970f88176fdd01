"""``python -m recipes.default_recogniser``: make the default recogniser."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from pomona.cli.console import show_progress
from pomona.cli.session import command_session
from pomona.recognition.model import DEFAULT_MODEL

log = logging.getLogger("recipes.default_recogniser")
app = typer.Typer(no_args_is_help=True, help="Make the default recogniser.")

PackFile = Annotated[Path, typer.Argument(metavar="PACK", help="What 'pack' wrote.")]


@app.command()
def pack(
    data: Annotated[Path, typer.Argument(help="Folder of the data sets.")],
    strangers: Annotated[
        Path, typer.Argument(help="Pictures of no fruit: folders 'learn' and 'measure'.")
    ],
    target: Annotated[Path, typer.Option("--out", "-o", help="File to write.")] = Path(
        "build/pack.parquet"
    ),
    side: Annotated[int, typer.Option(help="Shorter side of larger pictures.")] = 224,
    quality: Annotated[int, typer.Option(help="Of the JPEG.")] = 70,
) -> None:
    """Write all pictures into one small file."""
    with command_session(quiet=False, log_json=False):
        from recipes.default_recogniser.packing import pack as write

        counts = write(data, strangers, target, side=side, quality=quality)
        size = target.stat().st_size / 1e6
        typer.echo(f"{target}: {size:.0f} MB, " + ", ".join(f"{n} {k}" for k, n in counts.items()))


@app.command()
def train(
    pack_file: PackFile,
    target: Annotated[Path, typer.Option("--out", "-o", help="File to write, .npz.")],
    leave_out: Annotated[
        list[str] | None,
        typer.Option("--leave-out", help="Set nothing is learnt from; may be repeated."),
    ] = None,
    hold_back: Annotated[
        bool, typer.Option("--hold-back", help="Keep groups of phone photographs to measure with.")
    ] = False,
    start: Annotated[
        list[Path] | None,
        typer.Option("--start", help="Network to go on from, or several for their mean."),
    ] = None,
    steps: Annotated[int, typer.Option(help="How many times the weights change.")] = 900,
    minutes: Annotated[
        float | None, typer.Option(help="Budget; takes the place of --steps.")
    ] = None,
    learning_rate: Annotated[float, typer.Option(help="Highest, for the backbone.")] = 5e-4,
    device: Annotated[str, typer.Option(help="'cpu' or 'cuda'.")] = "cpu",
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
) -> None:
    """Fine-tune the shipped backbone on a pack."""
    with command_session(quiet=False, log_json=False):
        from recipes.default_recogniser.fitting import Recipe
        from recipes.default_recogniser.training import train as fit

        recipe = Recipe(n_steps=steps, minutes=minutes, learning_rate=learning_rate, seed=seed)
        with show_progress("Fine-tuning", quiet=False, as_json=False) as on_progress:
            fit(
                pack_file,
                target,
                recipe,
                leave_out=leave_out or (),
                hold_back=hold_back,
                start=start or (),
                device=device,
                say=log.info,
                on_progress=on_progress,
            )


@app.command()
def package(
    pack_file: PackFile,
    network: Annotated[Path, typer.Argument(help="The network that is shipped.")],
    measured: Annotated[
        Path, typer.Argument(help="One that was trained with --leave-out and --hold-back.")
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", help="Model folder to write.")
    ] = DEFAULT_MODEL.path,
) -> None:
    """Calibrate, measure, and write the model folder and its card."""
    with command_session(quiet=False, log_json=False):
        from recipes.default_recogniser.packaging import package as write

        metrics = write(pack_file, network, measured, out, say=log.info)
        for name, place in metrics["places"].items():
            shares = ("first", "first_three", "right", "wrong", "refused", "ece")
            typer.echo(
                f"{name:>14}  {place['n_objects']:5d} objects  "
                + "  ".join(f"{share.replace('_', ' ')} {place[share]:.3f}" for share in shares)
            )
        for name in ("phone", "studio"):
            scores = metrics[name]
            typer.echo(
                f"{name:>14}  exact {scores['accuracy']:.3f}, fruit {scores['fruit_accuracy']:.3f}"
            )
        typer.echo(f"{'no fruit':>14}  refused {metrics['no_fruit']['refused']:.3f}")
        typer.echo(f"{'shipped':>14}  {metrics['shipped']}")


if __name__ == "__main__":
    app()
