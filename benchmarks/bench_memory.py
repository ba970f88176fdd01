"""Memory of the Python workers over a long run: it must not grow with the number of pictures."""

import numpy as np

from benchmarks.measure import list_repeated, measure_extraction, python_workers_rss, sampled
from benchmarks.rows import FRUITS, GROCERY, SCRATCH, Row, emit, require

TIMES = 12
SLICES = 6
MIB = 1 << 20


def bench() -> list[Row]:
    """Extract many pictures and quote the workers' median memory over six stretches of the run."""
    from pomona.settings import SparkSettings
    from pomona.spark.session import start_spark

    spark = start_spark(SparkSettings(master="local[2]"))
    listing = list_repeated(GROCERY, times=TIMES)
    with sampled(lambda: max(python_workers_rss(), default=0) / MIB, interval_s=0.5) as rss:
        speed = measure_extraction(spark, listing, SCRATCH / "memory")
    # Without the start: libraries are loaded and the network is compiled there.
    steady = np.array(rss[len(rss) // 10 :])
    medians = [float(np.median(part)) for part in np.array_split(steady, SLICES)]
    n = listing.n_images
    quality = " -> ".join(f"{m:.0f}" for m in medians) + " MiB"
    note = f"largest worker; grows {medians[-1] / medians[0] - 1:+.1%} from first to last sixth"
    return [Row(f"worker memory, {n:,} phone pictures", "pomona", n / speed, speed, quality, note)]


if __name__ == "__main__":
    require(FRUITS, GROCERY)
    emit(bench())
