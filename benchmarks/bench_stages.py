"""Milliseconds of one core per picture, stage by stage, with both cores busy and without Spark."""

import hashlib
import multiprocessing
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.measure import list_repeated
from benchmarks.rows import FRUITS, GROCERY, Row, emit, require

N_PICTURES = 2000
N_CORES = multiprocessing.cpu_count()


def bench(source: Path, name: str) -> list[Row]:
    """Return one row per stage: the median over the processes."""
    context = multiprocessing.get_context("spawn")
    with context.Pool(N_CORES) as pool:
        each = pool.map(_measure, [(source, i) for i in range(N_CORES)], chunksize=1)
    rows = []
    for stage in each[0]:
        ms = statistics.median(one[stage] for one in each)
        rows.append(Row(f"one picture, {name}", stage, ms / 1e3, None, "-", f"{ms:.3f} ms"))
    return rows


def _measure(task: tuple[Path, int]) -> dict[str, float]:
    import numpy as np

    from pomona.backbones import load_backbone
    from pomona.features import Picture, PreparedPixels, _to_record_batch
    from pomona.images import DecodeLimits, decode_image, preprocess_image
    from pomona.sources import fetch_bytes

    source, first = task
    backbone = load_backbone()
    spec, limits = backbone.spec, DecodeLimits()
    paths = list_repeated(source, times=1).pictures["path"].to_pylist()[first::N_CORES]
    spent: dict[str, float] = {}

    def each(stage: str, work: Callable, items: list) -> list:
        started = time.perf_counter()
        results = [work(item) for item in items]
        spent[stage] = spent.get(stage, 0) + time.perf_counter() - started
        return results

    n = 0
    for start in range(0, min(N_PICTURES, len(paths)) + 32, 32):
        group = paths[start : start + 32]
        if start == 32:
            spent.clear()  # the first group compiles and fills caches
        contents = each("fetch", fetch_bytes, group)
        each("sha256", lambda data: hashlib.sha256(data).hexdigest(), contents)
        images = each("decode", lambda data: decode_image(data, limits=limits), contents)
        pixels = each(
            "resize", lambda image: preprocess_image(image, input_size=spec.input_size), images
        )
        features = each("network", backbone.engine, [np.stack(pixels)])[0]
        pictures = [Picture(p, "x", None, c) for p, c in zip(group, contents, strict=True)]
        ready = [PreparedPixels(p, 1, 1) for p in pixels]
        each("rows of Arrow", lambda _: _to_record_batch(pictures, ready, features), [0])
        n += len(group) if start else 0
        if start + 64 > len(paths):
            break
    return {stage: seconds / n * 1e3 for stage, seconds in spent.items()}


if __name__ == "__main__":
    require(FRUITS, GROCERY)
    which = sys.argv[1:] or ["fruits", "grocery"]
    if "fruits" in which:
        emit(bench(FRUITS, "100x100"))
    if "grocery" in which:
        emit(bench(GROCERY, "348x348"))
