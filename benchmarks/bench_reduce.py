"""Standardise + PCA on 60,000 x 1280 features in Parquet, against Spark ML in the same session."""

import shutil
import time

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import count_rows, sampled
from benchmarks.rows import SCRATCH, Row, emit

N_ROWS, N_FEATURES, N_FILES = 60_000, 1280, 30
NAME = f"standardise + PCA, {N_ROWS:,} x {N_FEATURES}"


def write_features(folder) -> None:
    """Write correlated features, as networks give them: most variance in few directions."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(N_FEATURES, N_FEATURES)) * np.geomspace(1, 0.01, N_FEATURES)[:, None]
    folder.mkdir(parents=True)
    for part in range(N_FILES):
        n = N_ROWS // N_FILES
        rows = np.maximum(rng.normal(size=(n, N_FEATURES)) @ mixing + 1, 0).astype(np.float32)
        offsets = pa.array(np.arange(n + 1, dtype=np.int32) * N_FEATURES)
        kind = pa.list_(pa.field("element", pa.float32(), nullable=False))
        vectors = pa.ListArray.from_arrays(offsets, pa.array(rows.ravel()), type=kind)
        paths = pa.array([f"{part}/{i}" for i in range(n)])
        table = pa.table({"path": paths, "label": pa.array(["x"] * n), "features": vectors})
        pq.write_table(table, folder / f"part-{part:05d}.parquet")


def bench() -> None:
    """Emit the rows of both."""
    from pomona.reduction.solving import solve_reduction
    from pomona.settings import ReduceSettings, SparkSettings
    from pomona.spark.reduce.files import project_files, sum_files
    from pomona.spark.session import start_spark
    from pomona.storage.locations import LocalLocation

    features, out = SCRATCH / "features", SCRATCH / "reduce"
    if not features.exists():
        write_features(features)
    spark = start_spark(SparkSettings(conf=(("spark.driver.memory", "6g"),)))
    spark.read.parquet(f"file://{features}").count()
    me = psutil.Process()
    seconds, peaks = [], []
    for _ in range(3):
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        idle = me.memory_info().rss
        started = time.perf_counter()
        with sampled(lambda: me.memory_info().rss) as rss:
            place = LocalLocation(features)
            sums = sum_files(spark, place, place.list(), n_features=N_FEATURES)
            reduction = solve_reduction(sums, ReduceSettings())
            project_files(
                spark,
                place,
                LocalLocation(out / "reduced"),
                place.list(),
                reduction=reduction,
                format="parquet",
            )
        seconds.append(time.perf_counter() - started)
        peaks.append((max(rss) - idle) / (N_FEATURES**2 * 8))
    k, held = len(reduction.components), reduction.explained_variance_ratio.sum()
    ours = sorted(seconds)[1]
    quality = f"{count_rows(out / 'reduced')} rows, {k} components hold {held:.4f}"
    note = f"driver (Python) peaks {max(peaks):.1f} d^2 x 8 bytes above idle, goal 10"
    emit([Row(NAME, "pomona", ours, N_ROWS / ours, quality, note)])
    theirs, held = _spark_ml(spark, features, k)
    note = f"{theirs / ours:.1f} times pomona's time, goal 10"
    emit([Row(NAME, "Spark ML", theirs, N_ROWS / theirs, f"{k} components hold {held:.4f}", note)])


def _spark_ml(spark, features, k):
    from pyspark.ml.feature import PCA, StandardScaler
    from pyspark.ml.functions import array_to_vector

    started = time.perf_counter()
    table = spark.read.parquet(f"file://{features}")
    table = table.select("path", "label", array_to_vector("features").alias("raw"))
    scaler = StandardScaler(inputCol="raw", outputCol="scaled", withMean=True).fit(table)
    scaled = scaler.transform(table)
    pca = PCA(k=k, inputCol="scaled", outputCol="pca").fit(scaled)
    reduced = pca.transform(scaled).select("path", "label", "pca")
    reduced.write.mode("overwrite").parquet(f"file://{SCRATCH / 'reduce-ml'}")
    return time.perf_counter() - started, float(pca.explainedVariance.toArray().sum())


if __name__ == "__main__":
    bench()
