"""Peer: the usual Spark job, binaryFile and a pandas UDF around Keras, on this machine.

The network is MobileNetV2 with seeded random weights: it costs the same time as with ImageNet
weights, gives 1,280 features too, and its vectors mean nothing. ``--model`` and ``--golden`` are
taken and not used.
"""

# ruff: noqa: E402
import os
import sys
import time

STARTED = time.perf_counter()  # before the imports: they are part of the run

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # read by TensorFlow when it is imported, here and below
os.environ["PYSPARK_PYTHON"] = sys.executable  # the workers' Python: this environment's

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import preprocess
from harness import Peer, Settings, parse_settings, run_peer
from pyspark import Broadcast
from pyspark.ml.feature import PCA, StandardScaler
from pyspark.ml.functions import array_to_vector, vector_to_array
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.functions import pandas_udf

if TYPE_CHECKING:
    import keras

SEED = 42
SPARKS_OWN = 0  # --partitions 0
VARIANCE_KEPT = 0.95
DRIVER_MEMORY = "2g"
# The rows that Spark hands to the UDF at a time: its own 10,000 would be 6 GB of pixels.
ARROW_BATCH_SIZE = 64


def build_model(weights: list[np.ndarray] | None = None) -> "keras.Model":
    """Return MobileNetV2 without its head, global average pooled."""
    import keras  # TensorFlow takes seconds to import: only where it is needed

    keras.utils.set_random_seed(SEED)
    model = keras.applications.MobileNetV2(
        include_top=False,
        weights=None,
        pooling="avg",
        input_shape=(preprocess.IMAGE_SIZE, preprocess.IMAGE_SIZE, 3),
    )
    if weights is not None:
        model.set_weights(weights)
    return model


def featurize_udf(weights: Broadcast[list[np.ndarray]]) -> Callable[[str], Column]:
    """Return the pandas UDF, content to array<float>; for Keras weights that Spark broadcasts."""

    @pandas_udf("array<float>")
    def featurize(batches: Iterator[pd.Series]) -> Iterator[pd.Series]:
        from keras.applications.mobilenet_v2 import preprocess_input

        model = build_model(weights.value)  # once for all batches of a partition
        for contents in batches:
            pixels = np.stack([preprocess.decode_image(content) for content in contents])
            inputs = preprocess_input(pixels.astype(np.float32))
            yield pd.Series(list(model.predict(inputs, verbose=0)))

    return featurize


@contextlib.contextmanager
def start_spark(settings: Settings) -> Iterator[None]:
    """Run Spark on this machine, one Python worker for each core."""
    # TensorFlow reads them in the Python workers, which inherit them from here.
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(settings.threads)
    os.environ["TF_NUM_INTEROP_THREADS"] = "1"
    spark = (
        SparkSession.builder.master(f"local[{settings.workers}]")
        .appName("keras-pandas-udf")
        .config("spark.driver.memory", DRIVER_MEMORY)
        .config("spark.driver.host", "127.0.0.1")
        .config("spark.driver.bindAddress", "127.0.0.1")
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", ARROW_BATCH_SIZE)
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    spark.sparkContext.addPyFile(preprocess.__file__)
    try:
        yield
    finally:
        spark.stop()


def read_images(paths: list[str], settings: Settings) -> DataFrame:
    """Return path, label and content of the JPEG files."""
    spark = SparkSession.builder.getOrCreate()
    reader = spark.read.format("binaryFile")
    if settings.limit is not None:
        images = reader.load(paths)
    else:
        images = (
            reader.option("recursiveFileLookup", "true")
            .option("pathGlobFilter", "*.{jpg,jpeg,JPG,JPEG}")
            .load(os.path.abspath(settings.source))
        )
    return images.select(
        F.regexp_replace("path", "^file:/*", "/").alias("path"),
        F.element_at(F.split("path", "/"), -2).alias("label"),
        "content",
    )


def extract(paths: list[str], settings: Settings) -> None:
    """Write path, label and features as Parquet."""
    spark = SparkSession.builder.getOrCreate()
    featurize = featurize_udf(spark.sparkContext.broadcast(build_model().get_weights()))
    images = read_images(paths, settings)
    if settings.partitions != SPARKS_OWN:
        images = images.repartition(settings.partitions or settings.workers)
    features = images.select("path", "label", featurize("content").alias("features"))
    features.write.parquet(str((settings.out / "features").resolve()))


def reduce_features(out: Path) -> int:
    """Standardise, keep 95 % of the variance by Spark ML's PCA; return the number of components."""
    spark = SparkSession.builder.getOrCreate()
    table = spark.read.parquet(str((out / "features").resolve()))
    vectors = table.withColumn("vector", array_to_vector(F.col("features")))
    scaler = StandardScaler(withMean=True, inputCol="vector", outputCol="scaled").fit(vectors)
    scaled = scaler.transform(vectors)
    # Spark ML wants k in advance: fit all components once, then keep the first ones.
    (first,) = table.take(1)
    n_features = len(first["features"])
    model = PCA(k=n_features, inputCol="scaled", outputCol="projected").fit(scaled)
    share = np.cumsum(model.explainedVariance.toArray())
    n_components = int(np.searchsorted(share, VARIANCE_KEPT)) + 1
    pca = F.slice(vector_to_array(F.col("projected"), "float32"), 1, n_components)
    reduced = model.transform(scaled).select("path", "label", pca.alias("pca"))
    reduced.write.parquet(str((out / "reduced").resolve()))
    return n_components


PEER = Peer(
    name="keras_pandas_udf",
    packages=("pyspark", "tensorflow", "keras"),
    extract=extract,
    reduce=reduce_features,
    session=start_spark,
    has_golden=False,
)

if __name__ == "__main__":
    settings = parse_settings(__doc__, pca=False, partitions=True)
    run_peer(PEER, settings, started=STARTED)
