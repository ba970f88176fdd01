"""Each network: images per second beside the engine's ceiling, and the distance to Keras.

Runs in an environment with the extra ``keras`` (make test-keras). Weights are random unless the
cache (``--cache``) holds pulled ones; they cost the same time. Three tables, in Markdown::

    python -m benchmarks.bench_backbones speed [NETWORK ...]         # images/s, ms, MB, n_features
    python -m benchmarks.bench_backbones differences [NETWORK ...]   # to Model.predict
    python -m benchmarks.bench_backbones steady [NETWORK ...]        # Spark against the ceiling
"""

import os
import shutil
import statistics
import sys
import time
from collections.abc import Callable
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
N_PICTURES = 64
SECONDS = 4.0
TURNS = 3
N_CORES = os.cpu_count() or 1


def prepare(name: str) -> Path:
    """Make the network with random weights, unless the cache has it; return the weights."""
    from pomona.backbones import NETWORKS as KNOWN
    from pomona.backbones import is_shipped
    from pomona.backbones.cache import find_entry
    from pomona.backbones.keras_export import pull_network

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


def read_pictures(name: str) -> np.ndarray:
    """Return Fruits-360 pictures as the network's record wants them."""
    from pomona.backbones import NETWORKS as KNOWN
    from pomona.features import prepare_pixels
    from pomona.images import DecodeLimits

    paths = sorted(FRUITS.rglob("*.jpg"))
    paths = paths[:: max(len(paths) // N_PICTURES, 1)][:N_PICTURES]
    spec, limits = KNOWN[name].spec, DecodeLimits()
    return np.stack(
        [prepare_pixels(p.read_bytes(), p.name, spec=spec, limits=limits).pixels for p in paths]
    )


def speed(names: list[str]) -> None:
    """Print images per second of the engines and of Keras, both cores."""
    from pomona.backbones import find_weights, load_backbone

    print("| network | input | n_features | MB | OpenVINO images/s | ms | ONNX Runtime | Keras |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|")
    for name in names:
        weights = prepare(name)
        pictures = read_pictures(name)
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
    """Print how far features are from ``Model.predict``: largest and median, per engine and batch.

    Relative to the picture's largest feature.
    """
    from pomona.backbones import load_backbone

    print("| network | engine | batch | largest | median |")
    print("|---|---|---:|---:|---:|")
    for name in [name for name in names if name != "efficientnet_lite0"]:
        weights = prepare(name)
        pictures = read_pictures(name)[:32]
        predict = _keras_predict(name, weights)
        for engine in ("openvino", "onnxruntime"):
            backbone = load_backbone(name, engine=engine, n_threads=N_CORES, cache=CACHE)
            for batch in (1, 32):
                expected = predict(pictures, batch)
                groups = [pictures[i : i + batch] for i in range(0, len(pictures), batch)]
                found = np.concatenate([backbone.engine(group) for group in groups])
                scale = np.abs(expected).max(axis=1, keepdims=True)
                relative = np.abs(found - expected) / scale
                print(
                    f"| `{name}` | {engine} | {batch} | {relative.max():.1e} | "
                    f"{np.median(relative):.1e} |",
                    flush=True,
                )


def steady(names: list[str]) -> None:
    """Print extraction on Spark in steady state as a share of the engine's ceiling."""
    from benchmarks.measure import list_repeated
    from pomona.backbones import load_backbone
    from pomona.config import ExtractSettings, SparkSettings
    from pomona.sources import Listing
    from pomona.spark.batch import extract_to_folder
    from pomona.spark.session import start_spark

    spark = start_spark(SparkSettings(master=f"local[{N_CORES}]"))
    everything = list_repeated(FRUITS, times=1)
    print("| network | ceiling images/s | pomona images/s | share |")
    print("|---|---:|---:|---:|")
    for name in names:
        prepare(name)
        engine = load_backbone(name, n_threads=N_CORES, cache=CACHE).engine
        pixels = read_pictures(name)[:8]
        settings = ExtractSettings(backbone=name, cache=CACHE)
        # About half a minute for each network.
        n = int(min(max(_measure(engine, pixels) * 30, 64), len(everything.pictures)))
        listing = Listing(everything.pictures.slice(0, n), everything.quarantined)

        def extract(listing: Listing = listing, settings: ExtractSettings = settings) -> float:
            out = SCRATCH / "steady"
            shutil.rmtree(out, ignore_errors=True)
            out.mkdir(parents=True)
            started = time.perf_counter()
            extract_to_folder(spark, listing, out, settings=settings)
            return len(listing.pictures) / (time.perf_counter() - started)

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
    pictures = read_pictures(name)[::8].astype(np.float32)
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
