"""``pomona presets``: the reference pipelines as settings, to read and to start from."""

from typing import Annotated

import typer

from pomona.cli.session import command_session

__all__ = ["app"]

app = typer.Typer(
    help="List and show the presets of 'pomona run'.",
    epilog="Example: pomona presets show emr-mobilenet",
    no_args_is_help=True,
)


@app.command("list", epilog="Example: pomona presets list")
def list_() -> None:
    """List the presets."""
    with command_session():
        from pomona.presets import list_presets, read_preset

        for preset in map(read_preset, list_presets()):
            typer.echo(f"{preset.name:<22}{preset.about} ({preset.platform})")


@app.command(epilog="Example: pomona presets show emr-mobilenet > mine.toml")
def show(
    name: Annotated[str, typer.Argument(help="Name, as 'list' shows it, or path of a TOML file.")],
) -> None:
    """Print a preset; edit the copy and run it with --preset ./mine.toml."""
    with command_session():
        from pomona.presets import read_preset

        typer.echo(read_preset(name).text, nl=False)
