"""Search a small grid of settings with Spark's own cross-validation."""

from typing import Any, Final

from pyspark.ml import Pipeline
from pyspark.ml.evaluation import MulticlassClassificationEvaluator
from pyspark.ml.tuning import CrossValidator, ParamGridBuilder
from pyspark.sql import DataFrame

from pomona.settings import ClassifierName
from pomona.spark.train.classifiers import HIDDEN, INDEX, SEED, build_estimator

__all__ = ["tune_classifier"]

N_FOLDS: Final = 3
GRIDS: Final[dict[str, dict[str, list[Any]]]] = {
    "logistic": {"regParam": [1e-4, 1e-3, 1e-2]},
    "tree": {"maxDepth": [10, 15, 20], "minInstancesPerNode": [1, 3]},
    "forest": {"maxDepth": [8, 12], "numTrees": [50, 100]},
    "mlp": {"layers": [HIDDEN // 2, HIDDEN, 2 * HIDDEN]},
}


def tune_classifier(
    rows: DataFrame, *, name: ClassifierName, n_inputs: int, n_classes: int
) -> tuple[Any, list[dict[str, Any]]]:
    """Fit the best of a small grid, by accuracy over three folds.

    Parameters
    ----------
    rows : DataFrame
        As for :func:`pomona.spark.train.classifiers.fit_classifier`.
    name : {"logistic", "tree", "forest", "mlp"}
    n_inputs, n_classes : int

    Returns
    -------
    model
        Fitted on all rows with the best settings.
    table : list of dict
        The settings tried, with ``accuracy``, best first.
    """
    estimator = build_estimator(name, n_inputs=n_inputs, n_classes=n_classes)
    stage = estimator.getStages()[-1] if isinstance(estimator, Pipeline) else estimator
    builder = ParamGridBuilder()
    for setting, values in GRIDS[name].items():
        if setting == "layers":
            values = [[n_inputs, hidden, n_classes] for hidden in values]  # noqa: PLW2901
        builder.addGrid(getattr(stage, setting), values)
    evaluator = MulticlassClassificationEvaluator(labelCol=INDEX, metricName="accuracy")
    grid = builder.build()
    search = CrossValidator(
        estimator=estimator,
        estimatorParamMaps=grid,
        evaluator=evaluator,
        numFolds=N_FOLDS,
        seed=SEED,
    ).fit(rows)
    table = [
        {param.name: value for param, value in settings.items()} | {"accuracy": float(accuracy)}
        for settings, accuracy in zip(grid, search.avgMetrics, strict=True)
    ]
    return search.bestModel, sorted(table, key=lambda row: -row["accuracy"])
