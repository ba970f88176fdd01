"""Spark ML's classifiers, each with the settings Pomona gives it."""

from collections.abc import Callable
from typing import Any, Final

from pyspark.ml import Pipeline, PipelineModel
from pyspark.ml.base import Estimator
from pyspark.ml.classification import (
    DecisionTreeClassificationModel,
    DecisionTreeClassifier,
    LogisticRegression,
    LogisticRegressionModel,
    MultilayerPerceptronClassificationModel,
    MultilayerPerceptronClassifier,
    RandomForestClassificationModel,
    RandomForestClassifier,
)
from pyspark.ml.feature import StandardScaler
from pyspark.sql import DataFrame

from pomona.settings import CLASSIFIERS, ClassifierName

__all__ = [
    "INDEX",
    "PART",
    "VECTOR",
    "WEIGHT",
    "build_estimator",
    "fit_classifier",
    "refit_classifier",
]

INDEX: Final = "label_index"
PART: Final = "part"
VECTOR: Final = "vector"
WEIGHT: Final = "weight"
SEED: Final = 0
_MODELS: Final[dict[ClassifierName, type]] = {
    "logistic": LogisticRegressionModel,
    "tree": DecisionTreeClassificationModel,
    "forest": RandomForestClassificationModel,
    "mlp": MultilayerPerceptronClassificationModel,
}
HIDDEN: Final = 128


def fit_classifier(rows: DataFrame, *, name: ClassifierName, n_inputs: int, n_classes: int) -> Any:
    """Fit one classifier.

    Parameters
    ----------
    rows : DataFrame
        Columns ``vector`` (Spark ML), ``label_index`` (double, with its number of values in the
        metadata) and ``weight``; cached, because the fit passes over it many times.
    name : {"logistic", "tree", "forest", "mlp"}
    n_inputs, n_classes : int

    Returns
    -------
    Spark ML model
        For :func:`pomona.spark.train.conversion.to_classifier`.
    """
    return build_estimator(name, n_inputs=n_inputs, n_classes=n_classes).fit(rows)


def refit_classifier(rows: DataFrame, model: Any) -> Any:
    """Fit once more, on other rows, with the settings of a fitted model."""
    last: Any = model.stages[-1] if isinstance(model, PipelineModel) else model
    name = next(name for name, model_class in _MODELS.items() if isinstance(last, model_class))
    estimator = build_estimator(name, n_inputs=last.numFeatures, n_classes=last.numClasses)
    stage = estimator.getStages()[-1] if isinstance(estimator, Pipeline) else estimator
    # A fitted model keeps the settings it was fitted with, those that were tuned included.
    for param in stage.params:
        if last.hasParam(param.name) and last.isDefined(last.getParam(param.name)):
            stage.set(param, last.getOrDefault(last.getParam(param.name)))
    return estimator.fit(rows)


def build_estimator(name: ClassifierName, *, n_inputs: int, n_classes: int) -> Estimator[Any]:
    """Return the estimator that is called ``name``, not fitted yet."""
    builders: dict[str, Callable[[int, int], Estimator[Any]]] = {
        "logistic": _logistic,
        "tree": _tree,
        "forest": _forest,
        "mlp": _mlp,
    }
    assert set(builders) == set(CLASSIFIERS)
    return builders[name](n_inputs, n_classes)


def _logistic(n_inputs: int, n_classes: int) -> Estimator[Any]:
    return LogisticRegression(
        featuresCol=VECTOR,
        labelCol=INDEX,
        weightCol=WEIGHT,
        family="multinomial",
        regParam=1e-3,
        # The penalty is to see the components as large as they are: scaled alike, the last ones
        # are noise that counts as much as the first (phone pictures: 0.90 instead of 0.96).
        standardization=False,
        # Past this the held-back accuracy does not move any more.
        maxIter=60,
        tol=1e-5,
    )


def _tree(n_inputs: int, n_classes: int) -> Estimator[Any]:
    return DecisionTreeClassifier(
        featuresCol=VECTOR,
        labelCol=INDEX,
        weightCol=WEIGHT,
        maxDepth=20,
        # Half of Spark's bins: half the time, and no worse on 119 varieties.
        maxBins=16,
        seed=SEED,
        maxMemoryInMB=512,
    )


def _forest(n_inputs: int, n_classes: int) -> Estimator[Any]:
    return RandomForestClassifier(
        featuresCol=VECTOR,
        labelCol=INDEX,
        weightCol=WEIGHT,
        # 119 varieties: 0.93 with 100 trees of depth 12.
        numTrees=200,
        maxDepth=14,
        # A node's sums take features x bins x classes numbers, most of them zero: with Spark's own
        # sqrt(d) features and 32 bins the sums of 131 labels took six times as long.
        featureSubsetStrategy="log2",
        maxBins=16,
        seed=SEED,
        maxMemoryInMB=512,
    )


def _mlp(n_inputs: int, n_classes: int) -> Estimator[Any]:
    # Inputs far from zero would leave the sigmoids where they are flat.
    scaler = StandardScaler(inputCol=VECTOR, outputCol="scaled", withMean=True, withStd=True)
    network = MultilayerPerceptronClassifier(
        featuresCol="scaled",
        labelCol=INDEX,
        layers=[n_inputs, HIDDEN, n_classes],
        maxIter=100,
        blockSize=128,
        seed=SEED,
    )
    return Pipeline(stages=[scaler, network])
