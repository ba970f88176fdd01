"""Milliseconds of one core per picture, stage by stage, with all cores busy and without Spark."""

import multiprocessing
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.measure import list_repeated
from benchmarks.rows import FRUITS, GROCERY, Row, emit, require

N_PICTURES = 1600
GROUP = 32
N_CORES = multiprocessing.cpu_count()


def bench(source: Path, name: str) -> list[Row]:
    """Return one row per stage: the median over the processes."""
    with multiprocessing.get_context("spawn").Pool(N_CORES) as pool:
        each = pool.map(_measure, [(source, i) for i in range(N_CORES)], chunksize=1)
    spent = {stage: statistics.median(one[stage] for one in each) for stage in each[0]}
    total = sum(spent.values())
    return [
        Row(f"one {name} picture", stage, s, None, "-", f"{s * 1e3:.3f} ms, {s / total:.1%}")
        for stage, s in spent.items()
    ]


def _measure(task: tuple[Path, int]) -> dict[str, float]:
    """Return the seconds per picture of each stage."""
    import numpy as np

    from pomona.backbones import Backbone, load_backbone
    from pomona.features.batch import Picture, PreparedPixels, extract_batch
    from pomona.pictures.decode import decode_image, preprocess_image
    from pomona.pictures.fetch import fetch_bytes
    from pomona.settings import DecodeLimits

    source, first = task
    backbone = load_backbone()
    size, limits = backbone.spec.input_size, DecodeLimits()
    paths = list_repeated(source, times=1).pictures["path"].to_pylist()[first::N_CORES]
    groups = [paths[i : i + GROUP] for i in range(0, min(N_PICTURES, len(paths)), GROUP)]
    spent: dict[str, float] = defaultdict(float)

    def run_network(images: np.ndarray) -> np.ndarray:
        with _clock(spent, "network"):
            return backbone.engine(images)

    clocked = Backbone(backbone.spec, run_network)
    # The first group compiles and fills caches.
    for i, group in enumerate([groups[0], *groups]):
        if i == 1:
            spent.clear()
        with _clock(spent, "fetch"):
            contents = [fetch_bytes(path) for path in group]
        with _clock(spent, "decode"):
            images = [decode_image(content, limits=limits) for content in contents]
        with _clock(spent, "resize"):
            pixels = [preprocess_image(image, input_size=size) for image in images]
        # The real function on ready pixels, less the network it runs.
        pictures = [Picture(p, "x", None, c) for p, c in zip(group, contents, strict=True)]
        ready = iter([PreparedPixels(p, 1, 1) for p in pixels])
        before = spent["network"]
        with _clock(spent, "sha256 and rows of Arrow"):
            extract_batch(
                pictures,
                backbone=clocked,
                prepare=lambda content, path, ready=ready: next(ready),
            )
        spent["sha256 and rows of Arrow"] -= spent["network"] - before
    n = sum(map(len, groups))
    return {stage: seconds / n for stage, seconds in spent.items()}


@contextmanager
def _clock(spent: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    spent[stage] += time.perf_counter() - started


if __name__ == "__main__":
    require(FRUITS, GROCERY)
    which = sys.argv[1:] or ["fruits", "grocery"]
    if "fruits" in which:
        emit(bench(FRUITS, "100x100"))
    if "grocery" in which:
        emit(bench(GROCERY, "348x348"))
