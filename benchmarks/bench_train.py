"""Train on 60,000 x 650 x 131 vectors: seconds, memory and accuracy of Spark ML, per setting."""

import sys
import time

import numpy as np
import psutil

from benchmarks.measure import sampled
from benchmarks.rows import Row, emit

N_ROWS, N_INPUTS, N_CLASSES = 60_000, 650, 131
NAME = f"training, {N_ROWS:,} x {N_INPUTS} x {N_CLASSES}"
# The block size of Spark's blocked products, in MB; 0 is Spark's own choice.
BLOCKS_MB = (0.0, 4.0, 16.0)


def make_rows():
    """Draw classes that overlap a little, in components of falling variance as a PCA gives them."""
    rng = np.random.default_rng(0)
    y = np.arange(N_ROWS) % N_CLASSES
    centres = rng.normal(size=(N_CLASSES, N_INPUTS))
    spread = np.geomspace(10, 0.3, N_INPUTS)
    X = (centres[y] * 0.35 + rng.normal(size=(N_ROWS, N_INPUTS))) * spread
    return X.astype(np.float32), y


def bench(names) -> None:
    """Emit one row per classifier and setting."""
    import pyarrow as pa
    from pyspark.ml.functions import array_to_vector
    from pyspark.sql import functions as F

    from pomona.settings import SparkSettings
    from pomona.spark.session import start_spark
    from pomona.spark.train.classifiers import INDEX, VECTOR, WEIGHT, build_estimator

    spark = start_spark(SparkSettings(conf=(("spark.driver.memory", "6g"),)), for_computing=True)
    X, y = make_rows()
    held = np.arange(N_ROWS) % 10 == 0
    offsets = pa.array(np.arange((~held).sum() + 1, dtype=np.int32) * N_INPUTS)
    vectors = pa.ListArray.from_arrays(offsets, pa.array(X[~held].ravel()))
    table = pa.table({"x": vectors, INDEX: y[~held].astype(float)})
    kinds = {"ml_attr": {"type": "nominal", "vals": [str(i) for i in range(N_CLASSES)]}}
    rows = (
        spark.createDataFrame(table)
        .select(array_to_vector("x").alias(VECTOR), INDEX, F.lit(1.0).alias(WEIGHT))
        .withMetadata(INDEX, kinds)
        .repartition(spark.sparkContext.defaultParallelism)
        .cache()
    )
    rows.count()
    for name in names:
        for block in BLOCKS_MB if name == "logistic" else (None,):
            estimator = build_estimator(name, n_inputs=N_INPUTS, n_classes=N_CLASSES)
            if block is not None:
                estimator.setMaxBlockSizeInMB(block)
            _measure(estimator, rows, X[held], y[held], name=name, block=block)


def _measure(estimator, rows, X, y, *, name, block) -> None:
    import tempfile
    from pathlib import Path

    from pomona.spark.train.conversion import to_classifier

    started = time.perf_counter()
    with sampled(_rss) as rss:
        model = estimator.fit(rows)
    seconds = time.perf_counter() - started
    with tempfile.TemporaryDirectory() as scratch:
        classifier = to_classifier(model, scratch=Path(scratch) / "trees")
    accuracy = (classifier.logits(X).argmax(axis=1) == y).mean()
    subject = f"Spark ML {name}" + ("" if block is None else f", blocks of {block or 'auto'} MB")
    note = f"driver and JVM peak {max(rss) / 2**30:.1f} GB"
    emit([Row(NAME, subject, seconds, None, f"held-back accuracy {accuracy:.4f}", note)])


def _rss() -> int:
    me = psutil.Process()
    family = [me, *me.children(recursive=True)]
    return sum(process.memory_info().rss for process in family if process.is_running())


if __name__ == "__main__":
    bench(sys.argv[1:] or ["logistic"])
