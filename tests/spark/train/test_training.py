import json

import numpy as np
import pyarrow as pa
import pytest
from picture_files import copy_frames
from pyspark.sql import functions as F

import pomona
from pomona.errors import OutputError, TrainingError
from pomona.recognition.classifiers import softmax
from pomona.recognition.prediction import predict_photos
from pomona.settings import CLASSIFIERS, TrainSettings
from pomona.spark.train.classifiers import INDEX, VECTOR, fit_classifier, refit_classifier
from pomona.spark.train.conversion import to_classifier
from pomona.spark.train.plan import join_plan, plan_training
from pomona.spark.train.tuning import tune_classifier
from pomona.storage.records import to_plain

N_CLASSES, N_INPUTS, N = 4, 6, 240


def _features(spark, labels=None, spoil=None):
    rng = np.random.default_rng(0)
    y = np.arange(N) % N_CLASSES
    X = (rng.normal(size=(N, N_INPUTS)) + 3 * np.eye(N_CLASSES, N_INPUTS)[y]).astype(np.float32)
    if spoil is not None:
        X[7, 3] = spoil
    names = labels or [f"kind {i}" for i in range(N_CLASSES)]
    table = pa.table(
        {
            "path": [f"/photos/{i:03}.jpg" for i in range(N)],
            "label": [names[i] for i in y],
            "features": list(X),
        }
    )
    return spark.createDataFrame(table)


@pytest.fixture(scope="module")
def rows(spark):
    features = _features(spark)
    plan = plan_training(features, settings=TrainSettings())
    return join_plan(features, plan, column="features").coalesce(2).cache()


@pytest.mark.parametrize("name", CLASSIFIERS)
def test_arrays_give_the_probabilities_of_spark(rows, tmp_path, name):
    model = fit_classifier(rows, name=name, n_inputs=N_INPUTS, n_classes=N_CLASSES)
    classifier = to_classifier(model, scratch=tmp_path / "trees")
    found = model.transform(rows).select(VECTOR, "probability", INDEX).collect()
    X = np.stack([row[VECTOR].toArray() for row in found])
    expected = np.stack([row["probability"].toArray() for row in found])
    probabilities = softmax(classifier.logits(X))
    np.testing.assert_allclose(probabilities, expected, atol=1e-6)
    again = to_classifier(refit_classifier(rows, model), scratch=tmp_path / "again")
    np.testing.assert_allclose(softmax(again.logits(X)), expected, atol=1e-6)
    y = np.array([row[INDEX] for row in found])
    assert (probabilities.argmax(axis=1) == y).mean() > 0.9


def test_tuning_shows_what_it_tried(rows):
    model, table = tune_classifier(rows, name="logistic", n_inputs=N_INPUTS, n_classes=N_CLASSES)
    assert len(table) == 3
    assert table[0]["accuracy"] == max(row["accuracy"] for row in table) > 0.8
    assert model.getRegParam() == table[0]["regParam"]


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_nan_in_features_is_one_clear_error(spark, value):
    with pytest.raises(TrainingError, match=r"'1' feature vectors hold NaN.*/photos/007\.jpg"):
        plan_training(_features(spark, spoil=value), settings=TrainSettings())


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (["plum"] * 4, "have '1' label"),
        ([None] * 4, "have '0' label"),
        (["plum", "Plum", "pear", "fig"], "'plum' and 'Plum' differ in case only"),
    ],
)
def test_labels_nothing_can_be_trained_on(spark, labels, message):
    with pytest.raises(TrainingError, match=message):
        plan_training(_features(spark, labels), settings=TrainSettings())


def test_pictures_without_a_label_are_counted(spark):
    plan = plan_training(_features(spark, ["a", "b", "c", None]), settings=TrainSettings())
    assert plan.n_unlabelled == N // N_CLASSES
    assert len(plan.labels) == 3


def test_a_label_with_one_picture_is_fitted_on_and_said(spark):
    features = _features(spark)
    lonely = F.when(F.col("path") == "/photos/003.jpg", "lonely").otherwise(F.col("label"))
    plan = plan_training(features.withColumn("label", lonely), settings=TrainSettings())
    assert plan.counts()["lonely"] == {"train": 1, "calibration": 0, "test": 0}
    assert any("1 label has one picture only" in warning for warning in plan.warnings)


def test_class_weights_make_labels_count_alike(spark):
    features = _features(spark, ["a", "a", "a", "b"])
    for balanced in (True, False):
        settings = TrainSettings(class_weights=balanced)
        plan = plan_training(features, settings=settings)
        rows = join_plan(features, plan, column="features").groupBy(INDEX).sum("weight").collect()
        first, second = (row["sum(weight)"] for row in sorted(rows))
        assert (abs(first - second) < 1e-6) is balanced


@pytest.fixture(scope="module")
def trained(spark, tmp_path_factory):
    """A run of real frames with two classifiers."""
    pytest.importorskip("onnx")
    root = tmp_path_factory.mktemp("train")
    copy_frames(root / "fruit", n_labels=3, n_each=20)
    record = pomona.run(
        pomona.SourceSettings(root / "fruit"),
        root / "out",
        train_settings=TrainSettings(classifiers=("logistic", "tree")),
    )
    return root, record


def test_run_trains_measures_and_packs(trained):
    root, record = trained
    out = root / "out"
    assert json.loads((out / "run.json").read_text()) == to_plain(record)
    training = to_plain(record.training)
    assert [each["name"] for each in training["classifiers"]] == ["logistic", "tree"]
    metrics = training["classifiers"][0]["metrics"]
    assert metrics["n"] == 12
    assert metrics["accuracy"] >= 0.7
    model = json.loads((out / "model" / "model.json").read_text())
    assert {label["label"] for label in model["labels"]} == set(record.label_counts)
    assert model["backbone"]["name"] == "efficientnet_lite0"
    assert model["training"]["counts"] == training["counts"]
    assert not list((out / "model").glob("spark-*"))


def test_model_folder_gives_the_numbers_of_spark(spark, trained):
    import pyarrow.dataset as ds

    from pomona.recognition import load_recogniser
    from pomona.reduction.fitted import load_reduction

    root, _ = trained
    pomona.train(root / "out", train_settings=TrainSettings(classifiers=("logistic",)))
    out = root / "out"
    features = spark.read.parquet(f"file://{out}/features")
    settings = TrainSettings()
    plan = plan_training(features, settings=settings)
    vectors = pomona.reduce_features(features, reduction=load_reduction(out / "model"))
    rows = join_plan(vectors, plan, column="pca", parts=(0, 1, 2))
    model = fit_classifier(rows, name="logistic", n_inputs=1, n_classes=3)
    recogniser = load_recogniser(out)
    temperature = recogniser.model.record.calibration["temperature"]
    reduced = ds.dataset(out / "reduced").to_table().sort_by("path")
    X = np.stack(reduced["pca"].to_numpy())[::5]
    logits = np.array([model.predictRaw(_dense(x)).toArray() for x in X])
    expected = softmax(logits, temperature=temperature)
    paths = reduced["path"].to_pylist()[::5]
    scores = [recogniser.score(open(path, "rb").read(), path=path) for path in paths]  # noqa: SIM115
    found = np.concatenate([each.probabilities for each in scores])
    np.testing.assert_allclose(found, expected, atol=1e-4)
    answers = list(predict_photos(recogniser, paths))
    labels = [label.label for label in recogniser.model.labels]
    assert [answer["top"][0]["label"] for answer in answers] == [
        labels[i] for i in expected.argmax(axis=1)
    ]


def _dense(x):
    from pyspark.ml.linalg import Vectors

    return Vectors.dense(x)


def test_reduce_takes_the_recogniser_away(trained):
    root, _ = trained
    record = pomona.reduce(root / "out", reduce_settings=pomona.ReduceSettings(components=2))
    assert record.training is None
    assert not (root / "out" / "model" / "recogniser.onnx").exists()


def test_train_needs_a_reduction_unless_on_features(spark, photos, tmp_path):
    pytest.importorskip("onnx")
    pomona.extract(pomona.SourceSettings(photos), tmp_path / "out")
    with pytest.raises(OutputError, match="has not been reduced yet"):
        pomona.train(tmp_path / "out")
    record = pomona.train(tmp_path / "out", train_settings=TrainSettings(on="features"))
    assert record.training.n_labels == 3
    with pytest.raises(OutputError, match="holds no finished run"):
        pomona.train(tmp_path)
