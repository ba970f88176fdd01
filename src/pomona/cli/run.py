"""``pomona run``, and its stages one by one: ``extract``, ``reduce``, ``report``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import pomona
from pomona.cli.options import command
from pomona.cli.train import summarise_training
from pomona.settings import (
    ConsoleSettings,
    ExtractSettings,
    PresetSettings,
    ReduceSettings,
    ResultSettings,
    RunSettings,
    SourceSettings,
    SparkSettings,
    StoredResult,
    TrainSettings,
    When,
)

if TYPE_CHECKING:
    from pomona.storage.records import RunRecord

__all__ = ["app"]

app = typer.Typer()


@command(app, example="pomona run photos --out result --components 0.95 --format csv")
def run(
    source: SourceSettings,
    result: ResultSettings,
    extracting: ExtractSettings,
    reducing: ReduceSettings,
    stages: RunSettings,
    training: Annotated[TrainSettings | None, When("classifiers", unset="none is trained")],
    spark: SparkSettings,
    console: ConsoleSettings,
    chosen: PresetSettings,
) -> None:
    """Do it all: pictures to features, a PCA, a recogniser if asked for, and a report."""
    from pomona.cli.console import show_progress

    if result.dry_run:
        _print_plan(source, result, extracting, spark)
        return
    with show_progress("Extracting", quiet=console.quiet, as_json=console.log_json) as on_progress:
        record = pomona.run(
            source,
            result.out,
            extract_settings=extracting,
            reduce_settings=reducing,
            run_settings=stages,
            train_settings=training,
            spark_settings=spark,
            overwrite=result.overwrite,
            on_progress=on_progress,
        )
    _print_summary(record, result.out, shown=result.out / "report" / "index.html")
    if chosen.preset is not None:
        from pomona.presets import read_preset

        if note := read_preset(chosen.preset).note:
            typer.echo(f"{'note':>9}  {note}")


@command(app, example="pomona extract photos --out result --sample 100")
def extract(
    source: SourceSettings,
    result: ResultSettings,
    extracting: ExtractSettings,
    spark: SparkSettings,
    console: ConsoleSettings,
) -> None:
    """Turn pictures into feature vectors."""
    from pomona.cli.console import show_progress

    if result.dry_run:
        _print_plan(source, result, extracting, spark)
        return
    with show_progress("Extracting", quiet=console.quiet, as_json=console.log_json) as on_progress:
        record = pomona.extract(
            source,
            result.out,
            extract_settings=extracting,
            spark_settings=spark,
            overwrite=result.overwrite,
            on_progress=on_progress,
        )
    _print_summary(record, result.out, shown=result.out / "features")


@command(app, example="pomona reduce result --components 325 --whiten")
def reduce(out: StoredResult, reducing: ReduceSettings, spark: SparkSettings) -> None:
    """Standardise and reduce the features of an extraction."""
    record = pomona.reduce(out, reduce_settings=reducing, spark_settings=spark)
    _print_summary(record, out, shown=out / "reduced")


@command(app, example="pomona report result")
def report(out: StoredResult) -> None:
    """Write the report page of a run; needs no Spark."""
    typer.echo(f"Report: {pomona.report(out)}")


def _print_plan(
    source: SourceSettings,
    result: ResultSettings,
    extracting: ExtractSettings,
    spark: SparkSettings,
) -> None:
    from collections import Counter

    from pomona import schema
    from pomona.pipeline.plan import plan_extract

    listing = plan_extract(
        source,
        result.out,
        extract_settings=extracting,
        spark_settings=spark,
        overwrite=result.overwrite,
    ).listing
    counts = Counter(listing.pictures[schema.LABEL].to_pylist())
    typer.echo(f"Would read {listing.n_images} pictures, {listing.n_bytes / 1e6:.1f} MB:")
    for label, n in sorted(counts.items(), key=lambda item: item[0] or ""):
        typer.echo(f"  {n:>7}  {label if label is not None else '(no label)'}")


def _print_summary(record: "RunRecord", out: Path, *, shown: Path) -> None:
    lines = [
        (
            "pictures",
            f"{record.images_found} found, {record.images_extracted} extracted, "
            f"{record.images_quarantined} quarantined",
        ),
        ("features", f"{record.n_features} per picture ({record.backbone})"),
        ("speed", f"{record.extract_images_per_second:.0f} images/s"),
    ]
    if record.n_components:
        held = f"{record.explained_variance:.2%} of the variance"
        lines.append(("PCA", f"{record.n_components} components hold {held}"))
    if record.training:
        lines += summarise_training(record.training)
    lines += [("time", f"{record.seconds_total:.1f} s"), ("results", str(out))]
    lines.append(("look at", str(shown)))
    for name, text in lines:
        typer.echo(f"{name:>9}  {text}")
