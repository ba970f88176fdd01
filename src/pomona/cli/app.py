"""The command line: one command per stage, the same verbs as the Python functions."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pomona.cli import backbones as backbone_commands
from pomona.cli import doctor as doctor_commands
from pomona.cli import presets as preset_commands
from pomona.cli import recognise as recognise_commands
from pomona.cli import serve as serve_commands
from pomona.cli import train as train_commands
from pomona.cli.arguments import (
    to_extract_settings,
    to_reduce_settings,
    to_source_settings,
    to_spark_settings,
)
from pomona.cli.options import (
    BackboneName,
    Cache,
    Check,
    Classifiers,
    Components,
    Conf,
    Config,
    DoReduce,
    DryRun,
    EngineName,
    Export,
    FeaturesFormat,
    Folder,
    Format,
    Glob,
    Label,
    Lenient,
    Limit,
    LogJson,
    Master,
    MaxBad,
    MaxPixels,
    On,
    Out,
    Overwrite,
    Pooling,
    PresetName,
    Quiet,
    Resize,
    Sample,
    Source,
    SplitRule,
    Standardise,
    Tune,
    Whiten,
    option,
)
from pomona.cli.session import command_session
from pomona.cli.train import summarise_training, train_settings

if TYPE_CHECKING:
    from pomona.storage.records import RunRecord

__all__ = ["app", "main"]

app = typer.Typer(
    name="pomona",
    help="Turn fruit photographs into features, a PCA and a report, on Apache Spark.",
    epilog="Example: pomona run photos --out result",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "POMONA"},
)
app.add_typer(backbone_commands.app, name="backbones")
app.add_typer(preset_commands.app, name="presets")
app.add_typer(train_commands.app)
app.add_typer(recognise_commands.app)
app.add_typer(serve_commands.app)
app.add_typer(doctor_commands.app)


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


@app.command(epilog="Example: pomona run photos --out result --components 0.95 --format csv")
def run(
    source: Source,
    out: Out,
    label: Label = "folder",
    glob: Glob = None,
    limit: Limit = None,
    sample: Sample = None,
    backbone: BackboneName = "efficientnet_lite0",
    pooling: Pooling = None,
    resize: Resize = None,
    engine: EngineName = "auto",
    cache: Cache = None,
    max_pixels: MaxPixels = 89_478_485,
    lenient: Lenient = False,
    max_bad: MaxBad = 0.05,
    features_format: FeaturesFormat = "parquet",
    components: Components = "0.95",
    standardise: Standardise = True,
    whiten: Whiten = False,
    format: Format = "parquet",
    reduce: DoReduce = True,
    check: Check = False,
    export: Export = None,
    classifier: Classifiers = None,
    on: On = "reduced",
    split: SplitRule = "random",
    tune: Tune = False,
    master: Master = None,
    conf: Conf = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
    preset: PresetName = None,
    config: Config = None,
) -> None:
    """Do it all: pictures to features, a PCA, a recogniser if asked for, and a report."""
    with command_session(quiet=quiet, log_json=log_json):
        from pomona.cli.console import show_progress
        from pomona.pipeline.plan import plan_extract
        from pomona.pipeline.run import run as run_pipeline
        from pomona.settings import RunSettings

        pictures = to_source_settings(source, label, glob, limit, sample)
        common: dict[str, Any] = {
            "extract_settings": to_extract_settings(
                max_pixels,
                lenient,
                backbone=backbone,
                pooling=pooling,
                resize=resize,
                engine=engine,
                cache=cache,
                max_bad=max_bad,
                features_format=features_format,
            ),
            "spark_settings": to_spark_settings(master, conf),
            "overwrite": overwrite,
        }
        reducing = to_reduce_settings(components, standardise, whiten, format)
        doing = RunSettings(reduce=reduce, check=check, export=tuple(export or ()))
        training = train_settings(classifier, on=on, split=split, tune=tune) if classifier else None
        if dry_run:
            _print_plan(plan_extract(pictures, out, **common).listing)
            return
        with show_progress("Extracting", quiet=quiet, as_json=log_json) as on_progress:
            record = run_pipeline(
                pictures,
                out,
                reduce_settings=reducing,
                run_settings=doing,
                train_settings=training,
                on_progress=on_progress,
                **common,
            )
        _print_summary(record, out, shown=out / "report" / "index.html")
        if preset is not None:
            from pomona.presets import read_preset

            note = read_preset(preset).note
            typer.echo(f"{'note':>9}  {note}" if note else "", nl=bool(note))


@app.command(epilog="Example: pomona extract photos --out result --sample 100")
def extract(
    source: Source,
    out: Out,
    label: Label = "folder",
    glob: Glob = None,
    limit: Limit = None,
    sample: Sample = None,
    backbone: BackboneName = "efficientnet_lite0",
    pooling: Pooling = None,
    resize: Resize = None,
    engine: EngineName = "auto",
    cache: Cache = None,
    max_pixels: MaxPixels = 89_478_485,
    lenient: Lenient = False,
    max_bad: MaxBad = 0.05,
    features_format: FeaturesFormat = "parquet",
    master: Master = None,
    conf: Conf = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    quiet: Quiet = False,
    log_json: LogJson = False,
    config: Config = None,
) -> None:
    """Turn pictures into feature vectors."""
    with command_session(quiet=quiet, log_json=log_json):
        from pomona.cli.console import show_progress
        from pomona.pipeline.extract import extract as extract_pipeline
        from pomona.pipeline.plan import plan_extract

        pictures = to_source_settings(source, label, glob, limit, sample)
        common: dict[str, Any] = {
            "extract_settings": to_extract_settings(
                max_pixels,
                lenient,
                backbone=backbone,
                pooling=pooling,
                resize=resize,
                engine=engine,
                cache=cache,
                max_bad=max_bad,
                features_format=features_format,
            ),
            "spark_settings": to_spark_settings(master, conf),
            "overwrite": overwrite,
        }
        if dry_run:
            _print_plan(plan_extract(pictures, out, **common).listing)
            return
        with show_progress("Extracting", quiet=quiet, as_json=log_json) as on_progress:
            record = extract_pipeline(pictures, out, on_progress=on_progress, **common)
        _print_summary(record, out, shown=out / "features")


@app.command(epilog="Example: pomona reduce result --components 325 --whiten")
def reduce(
    out: Folder,
    components: Components = "0.95",
    standardise: Standardise = True,
    whiten: Whiten = False,
    format: Format = "parquet",
    master: Master = None,
    conf: Conf = None,
    quiet: Quiet = False,
    log_json: LogJson = False,
    config: Config = None,
) -> None:
    """Standardise and reduce the features of an extraction."""
    with command_session(quiet=quiet, log_json=log_json):
        from pomona.pipeline.reduce import reduce as reduce_pipeline

        record = reduce_pipeline(
            out,
            reduce_settings=to_reduce_settings(components, standardise, whiten, format),
            spark_settings=to_spark_settings(master, conf),
        )
        _print_summary(record, out, shown=out / "reduced")


@app.command(epilog="Example: pomona report result")
def report(
    out: Folder, quiet: Quiet = False, log_json: LogJson = False, config: Config = None
) -> None:
    """Write the report page of a run; needs no Spark."""
    with command_session(quiet=quiet, log_json=log_json):
        from pomona.pipeline.report import report as report_pipeline

        typer.echo(f"Report: {report_pipeline(out)}")


@app.command(epilog="Example: pomona sample fruit --classes 12 --per-class 50")
def sample(
    directory: Annotated[Path, typer.Argument(help="Folder to write to; one folder per class.")],
    classes: Annotated[int, option("Number of classes.", "--classes")] = 12,
    per_class: Annotated[int, option("Pictures of each class.", "--per-class")] = 50,
    seed: Annotated[int, option("Same seed, same pictures.", "--seed")] = 0,
    size: Annotated[int, option("Width and height in pixels.", "--size")] = 100,
    quiet: Quiet = False,
    log_json: LogJson = False,
    config: Config = None,
) -> None:
    """Render synthetic fruit on a turntable, to try Pomona without photographs."""
    with command_session(quiet=quiet, log_json=log_json):
        from pomona.cli.console import show_progress
        from pomona.samples import write_samples

        total = classes * per_class
        with show_progress("Rendering", quiet=quiet, as_json=log_json) as on_progress:
            n = write_samples(
                directory,
                n_classes=classes,
                n_per_class=per_class,
                seed=seed,
                size=size,
                on_progress=lambda done: on_progress(done, total),
            )
        typer.echo(f"{n} pictures in {directory}")


@app.command(epilog="Example: pomona facts passion fruit --lang fr")
def facts(
    fruit: Annotated[
        list[str],
        typer.Argument(help="Its name in English or French, its variety, or a folder's label."),
    ],
    lang: Annotated[str, option("Language: en or fr.", "--lang", "-l")] = "en",
    json: Annotated[bool, option("One JSON object on one line.", "--json")] = False,
    config: Config = None,
) -> None:
    """Show what is worth knowing about a fruit."""
    with command_session(quiet=False, log_json=False):
        from pomona.facts import find_facts

        found = find_facts(" ".join(fruit), lang=lang)
        if json:
            from json import dumps

            typer.echo(dumps(found.as_dict(), ensure_ascii=False))
            return
        from rich.console import Console

        from pomona.facts.card import render_facts

        Console(highlight=False).print(render_facts(found))


def main() -> None:
    """Run the command line; never shows a traceback for an error Pomona raises on purpose."""
    app()


def _print_plan(listing: Any) -> None:
    from collections import Counter

    from pomona import schema

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
