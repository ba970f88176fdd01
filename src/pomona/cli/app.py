"""The command line: one command per stage, the same verbs as the Python functions."""

from typing import Annotated

import typer

from pomona.cli import (
    backbones,
    contributions,
    doctor,
    facts,
    presets,
    recognise,
    run,
    serve,
    store,
    train,
)
from pomona.cli.usage import OneLineGroup

__all__ = ["app", "main"]

app = typer.Typer(
    name="pomona",
    cls=OneLineGroup,
    help="Turn fruit photographs into features, a PCA and a report, on Apache Spark.",
    epilog="Example: pomona run photos --out result",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "POMONA"},
)
for commands in (run, store, train, recognise, facts, serve, doctor):
    app.add_typer(commands.app)
app.add_typer(backbones.app, name="backbones")
app.add_typer(presets.app, name="presets")
app.add_typer(contributions.app, name="contributions")


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Show what Spark's Java prints, too.")
    ] = False,
) -> None:
    if verbose:
        import logging

        logging.getLogger("pomona.spark").setLevel(logging.DEBUG)
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"pomona {installed('pomona')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit


def main() -> None:
    """Run the command line; never shows a traceback for an error Pomona raises on purpose."""
    app()
