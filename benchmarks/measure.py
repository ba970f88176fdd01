"""Measuring tools: golden vectors, listings with repeats, memory of processes."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import psutil
import pyarrow.dataset as ds

from benchmarks.pictures import repeat_pictures
from benchmarks.rows import GOLDEN
from pomona.pictures.listing import Listing, list_images
from pomona.settings import ExtractSettings, SourceSettings


def list_repeated(source: Path, *, times: int) -> Listing:
    """Return the pictures of a folder, in as many versions of each; no two files are alike."""
    folder = source if times == 1 else repeat_pictures(source, times=times)
    return list_images(SourceSettings(folder))


def measure_extraction(
    spark, listing: Listing, out: Path, *, settings: ExtractSettings | None = None
) -> float:
    """Extract a listing to an emptied folder; return images per second."""
    from pomona.backbones import resolve_backbone
    from pomona.spark.extract.networks import choose_engine, share_backbone
    from pomona.spark.extract.stage import extract_pictures
    from pomona.storage.locations import LocalLocation

    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    settings = settings or ExtractSettings()
    started = time.perf_counter()
    engine = choose_engine(spark, settings.engine)
    shared = share_backbone(spark, resolve_backbone(settings), engine=engine)
    done = extract_pictures(
        spark,
        listing.pictures,
        LocalLocation(out / "features"),
        prefix="part",
        settings=settings,
        shared=shared,
    )
    assert sum(file.n_rows for file in done.files) == listing.n_images
    return listing.n_images / (time.perf_counter() - started)


def golden_difference(features: Path) -> float | None:
    """Return the largest relative difference to the golden vectors among the features."""
    golden = np.load(GOLDEN)
    expected = {
        Path(str(path)).parts[-2:]: row
        for path, row in zip(golden["paths"], golden["features"], strict=True)
    }
    worst = None
    for batch in ds.dataset(features, format="parquet").to_batches(columns=["path", "features"]):
        for i, path in enumerate(batch["path"].to_pylist()):
            row = expected.get(Path(path).parts[-2:])
            if row is not None:
                found = np.float32(batch["features"][i].as_py())
                difference = float(np.abs(found - row).max() / np.abs(row).max())
                worst = difference if worst is None else max(worst, difference)
    return worst


def count_rows(table: Path) -> int:
    """Return the number of rows of a Parquet folder."""
    return int(ds.dataset(table, format="parquet").count_rows())


@contextmanager
def sampled(read: Callable[[], float], interval_s: float = 0.02) -> Iterator[list[float]]:
    """Collect ``read()`` every ``interval_s`` seconds while the block runs."""
    values: list[float] = []
    ended = threading.Event()

    def loop() -> None:
        while not ended.wait(interval_s):
            values.append(read())

    thread = threading.Thread(target=loop, daemon=True)
    thread.start()
    try:
        yield values
    finally:
        ended.set()
        thread.join()


def python_workers_rss() -> list[int]:
    """Return the resident bytes of each Python worker below this process."""
    found = []
    for child in psutil.Process().children(recursive=True):
        try:
            if "pyspark.daemon" in " ".join(child.cmdline()):
                found.append(child.memory_info().rss)
        except psutil.Error:
            continue
    return sorted(found)


def timed(work: Callable[[], object]) -> float:
    """Return the seconds ``work`` takes."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
