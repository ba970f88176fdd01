"""``pomona run``, and its stages one by one: ``extract``, ``reduce``, ``report``."""

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
    UpdateSettings,
    When,
)

if TYPE_CHECKING:
    from pomona.storage.records import RunRecord
    from pomona.storage.store_records import ChangesRecord

__all__ = ["app"]

app = typer.Typer()


@command(app, example="pomona run photos --out result --components 0.95 --format csv")
def run(
    source: SourceSettings,
    result: ResultSettings,
    extracting: ExtractSettings,
    updating: UpdateSettings,
    reducing: ReduceSettings,
    stages: RunSettings,
    training: Annotated[TrainSettings | None, When("classifiers", unset="none is trained")],
    spark: SparkSettings,
    console: ConsoleSettings,
    chosen: PresetSettings,
) -> None:
    """Bring OUT up to date with SOURCE: features, a PCA, a recogniser if asked for, a report.

    Only new and changed pictures are read. A killed run goes on where it was, and two at a time
    never double a picture.
    """
    from pomona.cli.console import show_progress

    if result.dry_run:
        _print_plan(source, result, extracting, updating, spark)
        return
    with show_progress("Extracting", quiet=console.quiet, as_json=console.log_json) as on_progress:
        record = pomona.run(
            source,
            result.out,
            extract_settings=extracting,
            update_settings=updating,
            reduce_settings=reducing,
            run_settings=stages,
            train_settings=training,
            spark_settings=spark,
            fresh=result.fresh,
            on_listed=lambda n: on_progress(n, None),
            on_progress=on_progress,
        )
    if result.as_json:
        _print_json(record)
        return
    _print_summary(record, result.out, shown=f"{result.out}/report/index.html")
    if chosen.preset is not None:
        from pomona.presets import read_preset

        if note := read_preset(chosen.preset).note:
            typer.echo(f"{'note':>9}  {note}")


@command(app, example="pomona extract photos --out result --sample 100")
def extract(
    source: SourceSettings,
    result: ResultSettings,
    extracting: ExtractSettings,
    updating: UpdateSettings,
    spark: SparkSettings,
    console: ConsoleSettings,
) -> None:
    """Turn new and changed pictures into feature vectors."""
    from pomona.cli.console import show_progress

    if result.dry_run:
        _print_plan(source, result, extracting, updating, spark)
        return
    with show_progress("Extracting", quiet=console.quiet, as_json=console.log_json) as on_progress:
        record = pomona.extract(
            source,
            result.out,
            extract_settings=extracting,
            update_settings=updating,
            spark_settings=spark,
            fresh=result.fresh,
            on_listed=lambda n: on_progress(n, None),
            on_progress=on_progress,
        )
    if result.as_json:
        _print_json(record)
        return
    _print_summary(record, result.out, shown=f"{result.out}/features")


@command(app, example="pomona reduce result --components 325 --whiten")
def reduce(out: StoredResult, reducing: ReduceSettings, spark: SparkSettings) -> None:
    """Standardise and reduce the features of an extraction."""
    record = pomona.reduce(out, reduce_settings=reducing, spark_settings=spark)
    _print_summary(record, out, shown=f"{out}/reduced")


@command(app, example="pomona report result")
def report(out: StoredResult) -> None:
    """Write the report page of a run; needs no Spark."""
    typer.echo(f"Report: {pomona.report(out)}")


def _print_plan(
    source: SourceSettings,
    result: ResultSettings,
    extracting: ExtractSettings,
    updating: UpdateSettings,
    spark: SparkSettings,
) -> None:
    from pomona.pipeline.compare import count_changes
    from pomona.pipeline.plan import plan_extract
    from pomona.pipeline.session import Session

    plan = plan_extract(
        source,
        result.out,
        extract_settings=extracting,
        update_settings=updating,
        spark_settings=spark,
        fresh=result.fresh,
    )
    plan = count_changes(plan, Session(spark))
    changes, counts = plan.changes, plan.changes.counts
    if result.as_json:
        from json import dumps

        typer.echo(dumps(dict(counts) | {"dry_run": True}))
        return
    typer.echo(
        f"Would read {changes.n_fetch} pictures, {changes.n_fetch_bytes / 1e6:.1f} MB, of "
        f"{plan.n_images} ({counts['new']} new, {counts['changed']} changed, {counts['retried']} "
        f"again; {counts['gone']} gone):"
    )
    for label, n in sorted(changes.fetch_labels.items()):
        typer.echo(f"  {n:>7}  {label or '(no label)'}")


def _print_json(record: "RunRecord") -> None:
    from json import dumps

    from pomona.storage.records import to_plain

    counts = to_plain(record.changes) | {
        "images_found": record.images_found,
        "images_extracted": record.images_extracted,
        "images_quarantined": record.images_quarantined,
        "seconds_total": record.seconds_total,
    }
    typer.echo(dumps(counts))


def _print_summary(record: "RunRecord", out: str, *, shown: str) -> None:
    lines = [
        (
            "pictures",
            f"{record.images_found} found, {record.images_extracted} extracted, "
            f"{record.images_quarantined} quarantined",
        ),
        ("this run", _describe_changes(record.changes)),
        ("features", f"{record.n_features} per picture ({record.backbone})"),
    ]
    if record.extract_images_per_second:
        lines.append(("speed", f"{record.extract_images_per_second:.0f} images/s"))
    if record.n_components:
        held = f"{record.explained_variance:.2%} of the variance"
        lines.append(("PCA", f"{record.n_components} components hold {held}"))
    if record.training:
        lines += summarise_training(record.training)
    lines += [("time", f"{record.seconds_total:.1f} s"), ("results", out)]
    lines.append(("look at", shown))
    for name, text in lines:
        typer.echo(f"{name:>9}  {text}")


def _describe_changes(changes: "ChangesRecord") -> str:
    names = ("new", "changed", "moved", "touched", "relabelled", "retried", "gone", "unchanged")
    told = [f"{n} {name}" for name in names if (n := getattr(changes, name))]
    return ", ".join(told) or "nothing new"
