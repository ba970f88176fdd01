"""``pomona doctor``: what this machine has, what it lacks, and the command that mends it."""

import sys
from typing import TYPE_CHECKING, Final

import typer

from pomona.cli.options import command
from pomona.settings import DoctorSettings

if TYPE_CHECKING:
    from rich.table import Table

    from pomona.pipeline.doctor import Check

__all__ = ["app"]

app = typer.Typer()

STYLES: Final = {"ok": "green", "absent": "dim", "missing": "bold red"}


@command(app, example="pomona doctor --fix")
def doctor(asked: DoctorSettings) -> None:
    """Show what is here and what is missing; exit code 1 if 'pomona run' cannot work."""
    from pomona.pipeline.doctor import check_machine

    if asked.fix:
        _fetch_java()
    checks = check_machine()
    ready = all(check.state != "missing" for check in checks)
    if asked.json:
        _print_json(checks, ready)
    else:
        from rich.console import Console

        Console(highlight=False).print(_draw(checks))
    if not ready:
        sys.exit(1)


def _fetch_java() -> None:
    from pomona.spark.java import fetch_java, find_java

    if find_java() is None:
        fetch_java(lambda line: typer.echo(line, err=True))


def _print_json(checks: "list[Check]", ready: bool) -> None:
    from dataclasses import asdict
    from json import dumps

    content = {"ready": ready, "checks": [asdict(check) for check in checks]}
    typer.echo(dumps(content, ensure_ascii=False, indent=2))


def _draw(checks: "list[Check]") -> "Table":
    from rich.table import Table
    from rich.text import Text

    # Folders may hold square brackets: text, not markup. A command has a line of its own, so that
    # it can be copied from a narrow terminal.
    table = Table("", "", "what is here, and what mends it", box=None, pad_edge=False)
    for check in checks:
        text = Text(check.found)
        if check.mend:
            text.append(f"\n{check.mend}", "bold")
        table.add_row(Text(check.name), Text(check.state, STYLES[check.state]), text)
    return table
