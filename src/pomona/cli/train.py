"""``pomona train``: from stored vectors to a recogniser; and what ``run`` says of one."""

from typing import TYPE_CHECKING

import typer

import pomona
from pomona.cli.options import command
from pomona.settings import SparkSettings, StoredResult, TrainSettings

if TYPE_CHECKING:
    from pomona.storage.records import TrainingRecord

__all__ = ["app", "summarise_training"]

app = typer.Typer()


@command(app, example="pomona train result --classifier logistic --classifier forest")
def train(out: StoredResult, training: TrainSettings, spark: SparkSettings) -> None:
    """Train and compare classifiers on stored vectors; the best becomes a recogniser."""
    record = pomona.train(out, train_settings=training, spark_settings=spark)
    for name, text in [
        *summarise_training(record.training),
        ("time", f"{record.seconds_train:.1f} s"),
        ("model", f"{out}/model"),
        ("look at", f"{out}/report/index.html"),
    ]:
        typer.echo(f"{name:>9}  {text}")


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
                f"accuracy {metrics.accuracy:.2%}, top-3 {metrics.top_3_accuracy:.2%} of "
                f"{metrics.n} held back, {classifier.seconds_fit:.1f} s{chosen}",
            )
        )
    return lines + [("mind", warning) for warning in training.warnings]
