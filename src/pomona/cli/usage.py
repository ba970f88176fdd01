"""Wrong use of the command line, in one line."""

import sys
from typing import Any

import typer
from typer.core import TyperGroup

from pomona.errors import SettingsError

__all__ = ["OneLineGroup"]


class OneLineGroup(TyperGroup):
    """The root of the commands: says what is wrong in one line, without the help page."""

    def main(self, *args: Any, **more: Any) -> Any:
        """Run the command that ``args`` name; exit with 2 where they are wrong."""
        try:
            code = super().main(*args, **more | {"standalone_mode": False})
        except SettingsError as error:
            typer.echo(f"Error: {error}", err=True)
            sys.exit(2)
        except typer.TyperException as error:
            # Where words are missing after a group, its help is on the screen already.
            if message := _say(error):
                typer.echo(f"Error: {message}", err=True)
            sys.exit(error.exit_code)
        except typer.Abort:
            sys.exit(1)
        sys.exit(code if isinstance(code, int) else 0)


def _say(error: typer.TyperException) -> str:
    message = " ".join(error.format_message().split()).rstrip(".")
    context: typer.Context | None = getattr(error, "ctx", None)
    if not message or context is None:
        return message
    stop = "" if message.endswith("?") else "."
    return f"{message}{stop} Run '{context.command_path} --help' for what there is."
