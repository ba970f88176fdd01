"""``pomona facts``: what is worth knowing about a fruit."""

from typing import Annotated

import typer

from pomona.cli.options import command
from pomona.settings import FactsSettings, Option

__all__ = ["app"]

app = typer.Typer()


@command(app, example="pomona facts passion fruit --lang fr")
def facts(
    fruit: Annotated[
        tuple[str, ...],
        Option("Its name in English or French, its variety, or a folder's label.", positional=True),
    ],
    shown: FactsSettings,
) -> None:
    """Show what is worth knowing about a fruit."""
    from pomona.facts import find_facts

    sheet = find_facts(" ".join(fruit), lang=shown.lang)
    if shown.json:
        from json import dumps

        typer.echo(dumps(sheet.as_dict(), ensure_ascii=False))
        return
    from rich.console import Console

    from pomona.facts.card import render_facts

    Console(highlight=False).print(render_facts(sheet))
