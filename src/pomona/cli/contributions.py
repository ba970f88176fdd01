"""``pomona contributions``: look after the photographs that the server was given."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pomona.cli.options import command, group
from pomona.errors import SettingsError
from pomona.settings import ConsoleSettings, ContributedSettings, Option, PurgeSettings
from pomona.storage.addresses import is_address

if TYPE_CHECKING:
    from pomona.serving.contributions.store import ContributionStore

__all__ = ["app"]

app = group(
    "Look after contributed photographs.",
    example="pomona contributions delete CODE --folder contributions",
)


@command(app, example="pomona contributions delete ABCD-EFGH-... --folder contributions")
def delete(
    code: Annotated[str, Option("The code the contributor was shown.", positional=True)],
    contributed: ContributedSettings,
    console: ConsoleSettings,
) -> None:
    """Delete the photograph of a deletion code, for good."""
    if not _open_store(contributed.folder).delete(code):
        raise SettingsError(
            f"No photograph in '{contributed.folder}' has this code. It may be deleted already. "
            "Check the code and the folder."
        )
    if not console.quiet:
        typer.echo("Deleted.")


@command(app, example="pomona contributions purge --folder contributions --retention-days 365")
def purge(contributed: PurgeSettings, console: ConsoleSettings) -> None:
    """Remove contributions that are too old; the server does it once a day by itself."""
    store = _open_store(contributed.folder)
    n = store.purge(retention_days=contributed.retention_days)
    if not console.quiet:
        typer.echo(f"Removed {n}, kept {store.count()}.")


def _open_store(folder: str) -> "ContributionStore":
    from pomona.serving.contributions.store import ContributionStore

    if not is_address(folder) and not Path(folder).is_dir():
        raise SettingsError(
            f"The folder '{folder}' does not exist. Contributions are kept in the one that "
            "'pomona serve --contributions' names. Correct the path."
        )
    return ContributionStore(folder)
