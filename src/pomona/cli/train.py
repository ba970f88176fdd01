"""``pomona train``: from stored vectors to a recogniser; and what ``run`` needs to do the same."""

from typing import TYPE_CHECKING, Any

import typer

from pomona.cli.arguments import to_spark_settings
from pomona.cli.options import (
    Classifiers,
    ClassWeights,
    Conf,
    Config,
    Folder,
    LogJson,
    Master,
    Merge,
    On,
    Quiet,
    Refit,
    RefusedShare,
    SplitRule,
    Tune,
)
from pomona.cli.session import command_session

if TYPE_CHECKING:
    from pomona.settings import TrainSettings
    from pomona.storage.records import TrainingRecord

__all__ = ["app", "summarise_training", "train_settings"]

app = typer.Typer()


@app.command(epilog="Example: pomona train result --classifier logistic --classifier forest")
def train(
    out: Folder,
    classifier: Classifiers = None,
    on: On = "reduced",
    split: SplitRule = "random",
    tune: Tune = False,
    class_weights: ClassWeights = True,
    merge: Merge = False,
    refused_share: RefusedShare = 0.05,
    refit: Refit = True,
    master: Master = None,
    conf: Conf = None,
    quiet: Quiet = False,
    log_json: LogJson = False,
    config: Config = None,
) -> None:
    """Train and compare classifiers on stored vectors; the best becomes a recogniser."""
    with command_session(quiet=quiet, log_json=log_json):
        settings = train_settings(
            classifier or ["logistic"],
            on=on,
            split=split,
            tune=tune,
            class_weights=class_weights,
            merge=merge,
            refused_share=refused_share,
            refit=refit,
        )
        from pomona.pipeline.train import train as train_pipeline

        record = train_pipeline(
            out, train_settings=settings, spark_settings=to_spark_settings(master, conf)
        )
        for name, text in [
            *summarise_training(record.training),
            ("time", f"{record.seconds_train:.1f} s"),
            ("model", str(out / "model")),
            ("look at", str(out / "report" / "index.html")),
        ]:
            typer.echo(f"{name:>9}  {text}")


def train_settings(classifiers: list[str], **more: Any) -> "TrainSettings":
    """Return the settings of a training from the words of the command line."""
    from pomona.settings import TrainSettings

    # Twice the same would only take twice as long.
    return TrainSettings(classifiers=tuple(dict.fromkeys(classifiers)), **more)  # type: ignore[arg-type]  # checked by the record itself


def summarise_training(training: "TrainingRecord | None") -> list[tuple[str, str]]:
    """Return a line per classifier, and one per warning."""
    if training is None:
        return []
    lines = []
    for classifier in training.classifiers:
        metrics = classifier.metrics
        chosen = ", in the model folder" if classifier.name == training.classifier else ""
        lines.append(
            (
                classifier.name,
                f"accuracy {metrics['accuracy']:.2%}, top-3 {metrics['top_3_accuracy']:.2%} of "
                f"{metrics['n']} held back, {classifier.seconds_fit:.1f} s{chosen}",
            )
        )
    return lines + [("mind", warning) for warning in training.warnings]
