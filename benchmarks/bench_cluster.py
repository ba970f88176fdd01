"""Two executor JVMs against two threads of one, and an executor killed in the middle of a run."""

import hashlib
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import psutil
import pyarrow.dataset as ds

from benchmarks.measure import list_repeated, measure_extraction
from benchmarks.rows import FRUITS, ROOT, SCRATCH, Row, emit, require

LOCAL, CLUSTER = "local[2]", "local-cluster[2,1,2048]"
NAME = "steady state, 7,140 studio pictures x 2, two executors"
TURNS = 2
KILL_AFTER_S = 12.0
TIMEOUT_S = 900


def measure(master: str, *, kill: bool) -> dict[str, object]:
    """Extract once to warm up and once for the clock; optionally kill an executor meanwhile."""
    from pomona.settings import SparkSettings
    from pomona.spark.session import start_spark

    spark = start_spark(SparkSettings(master=master))
    listing = list_repeated(FRUITS, times=2)
    out = SCRATCH / "cluster"

    measure_extraction(spark, listing, out)
    killed: list[int] = []
    if kill:
        timer = threading.Timer(KILL_AFTER_S, lambda: killed.append(_kill_executor()))
        timer.start()
    speed = measure_extraction(spark, listing, out)
    assert len(killed) == kill, "no executor was killed"
    return {"speed": speed, "killed": len(killed), "digest": _digest(out / "features")}


def _kill_executor() -> int:
    for child in psutil.Process().children(recursive=True):
        try:
            is_executor = any("CoarseGrainedExecutorBackend" in word for word in child.cmdline())
        except psutil.Error:
            continue
        if is_executor:
            child.send_signal(signal.SIGKILL)
            return child.pid
    raise RuntimeError("No executor to kill.")


def _digest(features: Path) -> str:
    """Return a hash of all rows that does not depend on their order or files."""
    table = ds.dataset(features, format="parquet").to_table()
    vectors = table["features"].combine_chunks()
    rows = vectors.flatten().to_numpy().reshape(len(table), -1)
    paths = table["path"].to_pylist()
    each = sorted(
        hashlib.sha256(path.encode() + row.tobytes()).digest()
        for path, row in zip(paths, rows, strict=True)
    )
    return hashlib.sha256(b"".join(each)).hexdigest()


def _start(master: str, *, kill: bool = False) -> dict[str, object]:
    command = [sys.executable, "-m", "benchmarks.bench_cluster", master, *["--kill"] * kill]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            command,
            check=True,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
            timeout=TIMEOUT_S,
            env=os.environ | {"SPARK_WORKER_DIR": folder},
        )
    return json.loads(done.stdout.splitlines()[-1])


def bench(start: Callable[..., dict[str, object]] = _start) -> list[Row]:
    """Take turns between the two masters, then kill an executor."""
    n = list_repeated(FRUITS, times=2).n_images
    turns = [(start(LOCAL), start(CLUSTER)) for _ in range(TURNS)]
    lost = start(CLUSTER, kill=True)
    digests = {run["digest"] for pair in turns for run in pair}
    ratio = statistics.median(cluster["speed"] / local["speed"] for local, cluster in turns)
    speeds = [
        statistics.median(run["speed"] for run in column) for column in zip(*turns, strict=True)
    ]
    same = "all runs the same to the bit" if len(digests) == 1 else "RUNS DIFFER"
    kept = "the same to the bit" if digests == {lost["digest"]} else "DIFFERENT"
    note = f"{ratio:.2f} of {LOCAL}, goal 0.90"
    return [
        Row(NAME, LOCAL, n / speeds[0], speeds[0], same),
        Row(NAME, CLUSTER, n / speeds[1], speeds[1], same, note),
        Row(
            NAME,
            f"{CLUSTER}, {lost['killed']} executor killed",
            n / lost["speed"],
            lost["speed"],
            f"{kept}, {n} of {n}",
        ),
    ]


if __name__ == "__main__":
    require(FRUITS)
    if len(sys.argv) > 1:
        print(json.dumps(measure(sys.argv[1], kill="--kill" in sys.argv)))
    else:
        emit(bench())
