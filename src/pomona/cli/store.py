"""``pomona watch``, ``history``, ``check`` and ``forget``: look after a store that grows."""

from typing import Annotated

import typer

import pomona
from pomona.cli.options import command
from pomona.settings import (
    CheckSettings,
    ConsoleSettings,
    ExtractSettings,
    ForgetSettings,
    FormatSettings,
    Option,
    ReduceSettings,
    RunSettings,
    SourceSettings,
    SparkSettings,
    StoredResult,
    TrainSettings,
    UpdateSettings,
    WatchSettings,
    When,
)

__all__ = ["app"]

app = typer.Typer()


@command(app, example="pomona watch s3://photos --out s3://results --every 600")
def watch(
    source: SourceSettings,
    out: Annotated[str, Option("Folder or bucket of the results.", short="-o")],
    watching: WatchSettings,
    extracting: ExtractSettings,
    updating: UpdateSettings,
    reducing: ReduceSettings,
    stages: RunSettings,
    training: Annotated[TrainSettings | None, When("classifiers", unset="none is trained")],
    spark: SparkSettings,
    console: ConsoleSettings,
) -> None:
    """Run again and again: new pictures are in OUT soon after they are in SOURCE."""
    from pomona.cli.console import show_progress
    from pomona.pipeline.run import Wishes

    wishes = Wishes(source, out, extracting, updating, reducing, stages, training, spark)
    with show_progress("Extracting", quiet=console.quiet, as_json=console.log_json) as on_progress:
        pomona.watch(
            wishes,
            watching,
            on_listed=lambda n: on_progress(n, None),
            on_progress=on_progress,
        )


@command(app, example="pomona history result")
def history(out: StoredResult, shown: FormatSettings) -> None:
    """List the commits of a store, with their counts."""
    commits = pomona.history(out)
    if shown.json:
        from json import dumps

        from pomona.storage.records import to_plain

        typer.echo(dumps({"commits": [to_plain(commit) for commit in commits]}))
        return
    names = ("extracted", "kept", "quarantined", "gone", "pictures")
    typer.echo(f"{'at':<25}  {'run':<24}" + "".join(f"{name:>12}" for name in names))
    for commit in commits:
        counts = "".join(f"{getattr(commit, name):>12,}" for name in names)
        typer.echo(f"{commit.at:<25}  {commit.run:<24}{counts}")


@command(app, example="pomona check result --repair")
def check(out: StoredResult, asked: CheckSettings) -> None:
    """Verify every promise of a store: files, counts, hashes, leftovers."""
    record = pomona.check(out, repair=asked.repair)
    if asked.as_json:
        from json import dumps

        from pomona.storage.records import to_plain

        typer.echo(dumps(to_plain(record)))
    else:
        typer.echo(
            f"{record.pictures:,} pictures in {record.files:,} files, {record.orphans} leftovers."
        )
        for line in record.problems:
            typer.echo(f"  problem   {line}")
        for line in record.repaired:
            typer.echo(f"  repaired  {line}")
        if not record.problems:
            typer.echo("Every promise holds.")
    if record.problems and not asked.repair:
        raise typer.Exit(1)


@command(app, example="pomona forget result --path 'Apple/0001.jpg'")
def forget(out: StoredResult, what: ForgetSettings, spark: SparkSettings) -> None:
    """Take pictures out of a store for good; prints a receipt."""
    record = pomona.forget(out, what, spark_settings=spark)
    if what.as_json:
        from json import dumps

        from pomona.storage.records import to_plain

        typer.echo(dumps(to_plain(record)))
        return
    would = "would be forgotten" if what.dry_run else "forgotten"
    typer.echo(f"{record.forgotten} of {record.named} pictures {would}.")
    if what.dry_run:
        return
    typer.echo(f"{record.files_deleted} files deleted. {record.versions_note}")
    if record.recogniser_trained_before:
        typer.echo("The recogniser in model/ was trained before. 'pomona train OUT' makes it anew.")
