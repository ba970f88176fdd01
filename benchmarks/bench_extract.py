"""Extraction in steady state against the ceiling: the network alone, pixels in memory.

Ceiling and pipeline take turns in one run, because the machine's speed changes with its
neighbours; quoted is the median of the ratios of neighbouring turns.
"""

import multiprocessing
import statistics
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.measure import golden_difference, list_repeated, measure_extraction
from benchmarks.rows import FRUITS, GROCERY, SCRATCH, Row, emit, require

TURNS = 3
CEILING_S = 3.0
N_CORES = multiprocessing.cpu_count()


class Ceiling:
    """The best of three ways to keep both cores busy with the network and nothing else."""

    def __init__(self) -> None:
        import openvino as ov

        from pomona.backbones import backbone_graph, find_backbone, find_weights
        from pomona.backbones.engines import open_engine

        spec = find_backbone("efficientnet_lite0")
        engine = open_engine(backbone_graph(spec, find_weights(spec), n_threads=N_CORES))
        self._latency = engine
        self._pixels = np.random.default_rng(0).integers(0, 256, (32, 224, 224, 3), dtype=np.uint8)
        core = ov.Core()
        settings = {
            "INFERENCE_NUM_THREADS": N_CORES,
            "NUM_STREAMS": N_CORES,
            "ENABLE_CPU_PINNING": False,
            "INFERENCE_PRECISION_HINT": "f32",
        }
        self._queues = [
            (
                batch,
                ov.AsyncInferQueue(
                    core.compile_model(_u8_model(ov, batch), "CPU", settings), 2 * N_CORES
                ),
            )
            for batch in (1, 8)
        ]

    def __call__(self) -> float:
        """Return images per second, the best of the ways."""
        speeds = [self._run_latency()]
        speeds += [self._run_queue(batch, queue) for batch, queue in self._queues]
        return max(speeds)

    def _run_latency(self) -> float:
        self._latency(self._pixels)
        started, n = time.perf_counter(), 0
        while time.perf_counter() - started < CEILING_S:
            self._latency(self._pixels)
            n += len(self._pixels)
        return n / (time.perf_counter() - started)

    def _run_queue(self, batch, queue) -> float:
        pixels = self._pixels[:batch]
        started, n = time.perf_counter(), 0
        while time.perf_counter() - started < CEILING_S:
            queue.start_async([pixels])
            n += batch
        queue.wait_all()
        return n / (time.perf_counter() - started)


def _u8_model(ov, batch):
    from openvino.preprocess import PrePostProcessor

    from pomona.backbones import find_backbone, find_weights

    spec = find_backbone("efficientnet_lite0")
    model = ov.Core().read_model(find_weights(spec))
    output = next(o for o in model.outputs if spec.output_name in o.names)
    model = ov.Model([output.node], model.get_parameters(), "ceiling")
    steps = PrePostProcessor(model)
    steps.input().tensor().set_element_type(ov.Type.u8).set_layout(ov.Layout("NHWC"))
    steps.input().model().set_layout(ov.Layout("NCHW"))
    steps.input().preprocess().convert_element_type(ov.Type.f32).mean(spec.mean).scale(spec.scale)
    model = steps.build()
    model.reshape([batch, *spec.input_size, 3])
    return model


def bench(source: Path, name: str, goal: float, times: int) -> list[Row]:
    """Take turns between ceiling and pipeline; return their rows."""
    from pomona.settings import SparkSettings
    from pomona.spark.session import start_spark

    spark = start_spark(SparkSettings(master=f"local[{N_CORES}]"))
    listing = list_repeated(source, times=times)
    out = SCRATCH / "extract"

    ceiling = Ceiling()
    measure_extraction(spark, listing, out)  # starts the workers and compiles the network in each
    speeds, tops = [], [ceiling()]
    for _ in range(TURNS):
        speeds.append(measure_extraction(spark, listing, out))
        tops.append(ceiling())
    ratios = [2 * s / (a + b) for s, a, b in zip(speeds, tops, tops[1:], strict=False)]
    share = statistics.median(ratios)
    top, speed = statistics.median(tops), statistics.median(speeds)
    quality = f"golden to {golden_difference(out / 'features'):.0e}"
    spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
    return [
        Row(f"steady state, {name}", "ceiling: OpenVINO alone", listing.n_images / top, top, "-"),
        Row(
            f"steady state, {name}",
            "pomona",
            listing.n_images / speed,
            speed,
            quality,
            f"{share:.2f} of the ceiling ({spread} in {TURNS} turns), goal {goal:.2f}",
        ),
    ]


if __name__ == "__main__":
    require(FRUITS, GROCERY)
    which = sys.argv[1:] or ["fruits", "grocery"]
    if "fruits" in which:
        emit(bench(FRUITS, "7,140 studio pictures x 3", 0.90, times=3))
    if "grocery" in which:
        emit(bench(GROCERY, "1,776 phone pictures x 6", 0.85, times=6))
