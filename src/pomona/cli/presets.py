"""``pomona presets``: the reference pipelines as settings, to read and to start from."""

from typing import Annotated

import typer

from pomona.cli.options import command, group
from pomona.settings import Option

__all__ = ["app"]

app = group(
    "List and show the presets of 'pomona run'.", example="pomona presets show emr-mobilenet"
)


@command(app, "list", example="pomona presets list")
def list_() -> None:
    """List the presets."""
    from pomona.presets import list_presets, read_preset

    for preset in map(read_preset, list_presets()):
        typer.echo(f"{preset.name:<22}{preset.about} ({preset.platform})")


@command(app, example="pomona presets show emr-mobilenet > mine.toml")
def show(
    name: Annotated[
        str, Option("Name, as 'list' shows it, or path of a TOML file.", positional=True)
    ],
) -> None:
    """Print a preset; edit the copy and run it with --preset ./mine.toml."""
    from pomona.presets import read_preset

    typer.echo(read_preset(name).text, nl=False)
