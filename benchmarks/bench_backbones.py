"""Each network: images per second beside the engine's ceiling, and the distance to Keras.

Runs in an environment with the extra ``keras`` (make test-keras). Weights are random unless the
cache (``--cache``) holds pulled ones; they cost the same time. Three tables, in Markdown::

    python -m benchmarks.bench_backbones speed [NETWORK ...]         # images/s, ms, MB, n_features
    python -m benchmarks.bench_backbones differences [NETWORK ...]   # to Model.predict
    python -m benchmarks.bench_backbones steady [NETWORK ...]        # Spark against the ceiling
"""

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.rows import FRUITS, SCRATCH, require

CACHE = Path(os.environ.get("POMONA_BENCH_CACHE", SCRATCH / "backbones"))
NETWORKS = (
    "vgg16",
    "inception_v3",
    "resnet50",
    "mobilenet_v2",
    "efficientnet_v2_b0",
    "efficientnet_lite0",
)
SECONDS = 4.0
TURNS = 3
N_CORES = os.cpu_count() or 1


def prepare(name: str) -> Path:
    """Make the network with random weights, unless the cache has it; return the weights."""
    from pomona.backbones import NETWORKS as KNOWN
    from pomona.backbones import is_shipped
    from pomona.backbones.cache import find_entry
    from pomona.backbones.making.keras import pull_network

    weights = CACHE / f"{name}.weights.h5"
    if is_shipped(KNOWN[name].spec):
        return weights
    if not weights.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        model = _keras_model(name)
        _measure_statistics(name, model)
        model.save_weights(weights)
        pull_network(name, cache=CACHE, weights=weights)
    assert find_entry(CACHE, name) is not None
    return weights


def read_pictures(name: str, paths: Sequence[str]) -> np.ndarray:
    """Return pictures as the network's record wants them."""
    from pomona.backbones import NETWORKS as KNOWN
    from pomona.features.batch import prepare_pixels
    from pomona.pictures.fetch import fetch_bytes
    from pomona.settings import DecodeLimits

    spec, limits = KNOWN[name].spec, DecodeLimits()
    return np.stack(
        [prepare_pixels(fetch_bytes(p), p, spec=spec, limits=limits).pixels for p in paths]
    )


def _list_some(n: int):
    """Return a listing of ``n`` Fruits-360 pictures of all kinds."""
    from benchmarks.measure import list_repeated
    from pomona.pictures.listing import Listing

    everything = list_repeated(FRUITS, times=1)
    rows = np.linspace(0, len(everything.pictures) - 1, n).astype(int)
    return Listing(everything.pictures.take(rows), everything.quarantined)


def _extract(spark, listing, settings) -> np.ndarray:
    """Return the features that an extraction writes, in the order of the listing."""
    import pyarrow.dataset as ds

    from benchmarks.measure import measure_extraction

    out = SCRATCH / "differences"
    measure_extraction(spark, listing, out, settings=settings)
    table = ds.dataset(out / "features").to_table(columns=["path", "features"])
    found = dict(zip(table["path"].to_pylist(), table["features"].to_pylist(), strict=True))
    return np.array([found[path] for path in listing.pictures["path"].to_pylist()])


def speed(names: list[str]) -> None:
    """Print images per second of the engines and of Keras, both cores."""
    from pomona.backbones import find_weights, load_backbone

    paths = _list_some(32).pictures["path"].to_pylist()
    print("| network | input | n_features | MB | OpenVINO images/s | ms | ONNX Runtime | Keras |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in names:
        weights = prepare(name)
        pictures = read_pictures(name, paths)
        speeds = []
        for engine in ("openvino", "onnxruntime"):
            backbone = load_backbone(name, engine=engine, n_threads=N_CORES, cache=CACHE)
            speeds.append(_measure(backbone.engine, pictures[:8]))
        spec = backbone.spec
        size = find_weights(spec, cache=CACHE).stat().st_size / 1e6
        keras = "-"
        if weights.exists():
            predict = _keras_predict(name, weights)
            keras = f"{_measure(predict, pictures[:32]):.1f}"
        print(
            f"| `{name}` | {spec.input_size[0]} | {spec.n_features} | {size:.1f} | "
            f"{speeds[0]:.1f} | {1e3 / speeds[0]:.1f} | {speeds[1]:.1f} | {keras} |",
            flush=True,
        )


def differences(names: list[str]) -> None:
    """Print how far extracted features are from ``Model.predict``: largest and median.

    Relative to the picture's largest feature; the batch is Keras's, a vector of ours is the same in
    every batch.
    """
    from pomona.settings import ExtractSettings, SparkSettings
    from pomona.spark.session import start_spark

    spark = start_spark(SparkSettings(master=f"local[{N_CORES}]"))
    listing = _list_some(32)
    print("| network | engine | batch | largest | median |")
    print("|---|---|---:|---:|---:|")
    for name in [name for name in names if name != "efficientnet_lite0"]:
        predict = _keras_predict(name, prepare(name))
        pictures = read_pictures(name, listing.pictures["path"].to_pylist())
        expected = {batch: predict(pictures, batch) for batch in (1, 32)}
        for engine in ("openvino", "onnxruntime"):
            settings = ExtractSettings(backbone=name, engine=engine, cache=CACHE)
            found = _extract(spark, listing, settings)
            for batch, values in expected.items():
                scale = np.abs(values).max(axis=1, keepdims=True)
                relative = np.abs(found - values) / scale
                print(
                    f"| `{name}` | {engine} | {batch} | {relative.max():.1e} | "
                    f"{np.median(relative):.1e} |",
                    flush=True,
                )


def steady(names: list[str]) -> None:
    """Print extraction on Spark in steady state as a share of the engine's ceiling."""
    from benchmarks.measure import measure_extraction
    from pomona.backbones import load_backbone
    from pomona.settings import ExtractSettings, SparkSettings
    from pomona.spark.session import start_spark

    spark = start_spark(SparkSettings(master=f"local[{N_CORES}]"))
    few = _list_some(8).pictures["path"].to_pylist()
    print("| network | ceiling images/s | pomona images/s | share |")
    print("|---|---:|---:|---:|")
    for name in names:
        prepare(name)
        engine = load_backbone(name, n_threads=N_CORES, cache=CACHE).engine
        pixels = read_pictures(name, few)
        settings = ExtractSettings(backbone=name, cache=CACHE)
        # About twenty seconds.
        listing = _list_some(int(min(max(_measure(engine, pixels) * 20, 64), 7_000)))

        extract = partial(measure_extraction, spark, listing, SCRATCH / "steady", settings=settings)
        extract()  # the workers open the network
        tops, speeds = [_measure(engine, pixels)], []
        for _ in range(TURNS):
            speeds.append(extract())
            tops.append(_measure(engine, pixels))
        ratios = [2 * s / (a + b) for s, a, b in zip(speeds, tops, tops[1:], strict=False)]
        print(
            f"| `{name}` | {statistics.median(tops):.1f} | {statistics.median(speeds):.1f} | "
            f"{statistics.median(ratios):.2f} |",
            flush=True,
        )


def _measure(run: Callable[[np.ndarray], object], pictures: np.ndarray) -> float:
    run(pictures)
    started, n = time.perf_counter(), 0
    while time.perf_counter() - started < SECONDS:
        run(pictures)
        n += len(pictures)
    return n / (time.perf_counter() - started)


def _keras_model(name: str, *, pooling: str | None = None):
    import keras

    from pomona.backbones import NETWORKS as KNOWN

    keras.utils.set_random_seed(7)
    kind = getattr(keras.applications, KNOWN[name].keras)
    side = KNOWN[name].spec.input_size[0]
    return kind(weights=None, include_top=False, input_shape=(side, side, 3), pooling=pooling)


def _family(name: str):
    import keras

    from pomona.backbones import NETWORKS as KNOWN

    return import_module(getattr(keras.applications, KNOWN[name].keras).__module__)


def _measure_statistics(name: str, model) -> None:
    """Give random networks batch statistics of real activations, or features would be 1e-10."""
    for layer in model.layers:
        if type(layer).__name__ == "BatchNormalization":
            layer.momentum = 0.0
    paths = _list_some(8).pictures["path"].to_pylist()
    pictures = read_pictures(name, paths).astype(np.float32)
    model(_family(name).preprocess_input(pictures), training=True)


def _keras_predict(name: str, weights: Path):
    model = _keras_model(name, pooling="avg")
    model.load_weights(weights)
    family = _family(name)

    def predict(pictures: np.ndarray, batch: int = 32) -> np.ndarray:
        values = family.preprocess_input(pictures.astype(np.float32))
        return np.asarray(model.predict(values, batch_size=batch, verbose=0))

    return predict


if __name__ == "__main__":
    require(FRUITS)
    tables = {"speed": speed, "differences": differences, "steady": steady}
    chosen, *only = sys.argv[1:] or ["differences"]
    if chosen not in tables:
        sys.exit(f"Unknown table '{chosen}'. Known: {', '.join(tables)}.")
    tables[chosen](only or list(NETWORKS))
