"""Make a known network with Keras (extra ``keras``), once: build, export to ONNX, check, store.

The way to ONNX is Keras's own ``Model.export``: one call for its TensorFlow, JAX and PyTorch
backends (docs/adr/0004-keras-export.md).
"""

import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pomona.backbones.cache import Entry, check_writable, entry_name, store_entry
from pomona.backbones.engines import open_engine
from pomona.backbones.loaded import backbone_graph
from pomona.backbones.making.dense_tail import append_dense, split_dense
from pomona.backbones.making.own import smoke_pictures
from pomona.backbones.registry import Network, find_network, is_shipped
from pomona.backbones.spec import POOLINGS, BackboneSpec, Output
from pomona.errors import SettingsError, SetupError
from pomona.storage.versions import find_versions

__all__ = ["MAX_DIFFERENCE", "pull_network"]

logger = logging.getLogger(__name__)

# Of the largest difference to the largest feature. Exact arithmetic in another order gives 1e-6.
MAX_DIFFERENCE: Final = 1e-3
INPUT_NAME: Final = "images"
WEIGHTS_SUFFIXES: Final = (".weights.h5", ".h5", ".keras")
VERSIONED: Final = ("pomona", "keras", "tensorflow", "torch", "jax", "tf2onnx", "onnx", "openvino")


def pull_network(
    name: str, *, cache: Path, pooling: str | None = None, weights: Path | None = None
) -> Entry:
    """Build a known network with Keras, export it to ONNX, check it and store it in the cache.

    Parameters
    ----------
    name : str
        One of :data:`pomona.backbones.NETWORKS`.
    cache : Path
    pooling : str, optional
        A layer (``fc2``); the pooled outputs avg, max and flatten come together without it.
    weights : Path, optional
        ``.weights.h5``, ``.h5`` or ``.keras`` file instead of a download of ImageNet's weights.

    Returns
    -------
    Entry
        Its manifest holds the largest relative difference to ``Model.predict`` of each output.

    Raises
    ------
    SettingsError
        If the network or layer is unknown, or the weights are of another network.
    SetupError
        If Keras is not installed, the download fails, the cache cannot be written, or the exported
        network differs from Keras.
    """
    network = find_network(name)
    if is_shipped(network.spec):
        raise SettingsError(
            f"The backbone '{name}' is in the package. There is nothing to pull. "
            f"Use it with --backbone {name}."
        )
    _check_weights_file(weights)
    check_writable(cache)
    keras = _import_keras()
    layer = None if pooling is None or pooling in POOLINGS else pooling
    model = _build(keras, network, layer=layer, weights=weights)
    reference = model
    if _scales_inside(network):
        # As published, with the preprocessing that Keras keeps inside the network.
        reference = _build(keras, network, layer=layer, weights=weights, copy=model, published=True)
    outputs = {key: tuple(tensor.shape) for key, tensor in model.output.items()}
    spec = replace(
        network.spec,
        input_name=INPUT_NAME,
        layout="nhwc",
        outputs=tuple(Output(key, key, int(shape[1])) for key, shape in outputs.items()),
    ).vary(pooling=layer or network.spec.pooling)
    pictures = smoke_pictures(spec.input_size)
    expected = _predict(keras, reference, network, pictures)
    differences: dict[str, float] = {}
    facts: dict[str, Any] = {
        "origin": f"keras.applications.{network.keras}, weights "
        + (f"from {weights.name}" if weights else "imagenet"),
        "versions": find_versions(VERSIONED) | {"keras_backend": keras.backend.backend()},
        "check": {"n_pictures": len(pictures), "largest_relative_difference": differences},
    }

    def check(stored: BackboneSpec, file: Path) -> None:
        differences.update(_compare(stored, file, pictures, expected))

    entry = store_entry(
        cache,
        spec,
        lambda path: _export(keras, model, layer, path),
        name=entry_name(name, layer),
        facts=facts,
        check=check,
    )
    logger.info("largest relative difference to Keras: %.1e", max(differences.values()))
    return entry


def _import_keras() -> Any:
    # TensorFlow tells about its CPU kernels at every start.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    try:
        keras = import_module("keras")
        import_module("onnx")
        if keras.backend.backend() in ("tensorflow", "jax"):
            import_module("tf2onnx")
    except ImportError as error:
        raise SetupError(
            f"Keras cannot be used here: {error}. It belongs to an extra of pomona. "
            "Run: pip install 'pomona[keras]'; 'pomona doctor' shows what is there."
        ) from error
    return keras


def _check_weights_file(weights: Path | None) -> None:
    if weights is None:
        return
    if not weights.is_file():
        raise SettingsError(
            f"The weights '{weights}' do not exist. --weights needs a file that Keras saved. "
            "Correct the path."
        )
    if not weights.name.endswith(WEIGHTS_SUFFIXES):
        raise SettingsError(
            f"The weights '{weights}' have an unknown extension. Keras reads "
            f"{', '.join(WEIGHTS_SUFFIXES)}. Save them in one of these."
        )


def _build(
    keras: Any,
    network: Network,
    *,
    layer: str | None,
    weights: Path | None,
    copy: Any = None,
    published: bool = False,
) -> Any:
    """Return a Keras model from pixels to a dict of outputs."""
    assert network.keras is not None
    make = getattr(keras.applications, network.keras)
    options: dict[str, Any] = {"input_shape": (*network.spec.input_size, 3)}
    if _scales_inside(network):
        options["include_preprocessing"] = published
    if copy is not None:
        trunk = make(weights=None, include_top=layer is not None, **options)
        model = _attach(keras, trunk, network, layer)
        model.set_weights(copy.get_weights())
        return model
    if weights is not None:
        trunk = _load_weights(keras, make, network, weights, options, top=layer is not None)
    else:
        trunk = _download(make, network, options, top=layer is not None)
    return _attach(keras, trunk, network, layer)


def _scales_inside(network: Network) -> bool:
    # Their constants would become inputs of the exported graph.
    return str(network.keras).startswith("EfficientNetV2")


def _attach(keras: Any, trunk: Any, network: Network, layer: str | None) -> Any:
    if layer is None:
        last = trunk.output
        outputs = {
            "avg": keras.layers.GlobalAveragePooling2D(name="avg")(last),
            "max": keras.layers.GlobalMaxPooling2D(name="max")(last),
            "flatten": keras.layers.Flatten(name="flatten")(last),
        }
        return keras.Model(trunk.input, outputs)
    try:
        output = trunk.get_layer(layer).output
    except ValueError as error:
        known = ", ".join([*POOLINGS, *network.layers])
        raise SettingsError(
            f"The network '{network.spec.name}' has no layer '{layer}'. Known outputs: {known}, "
            "and every layer of the Keras model. Correct --pooling."
        ) from error
    if len(output.shape) > 2:
        output = keras.layers.Flatten(name=f"{layer}_flat")(output)
    return keras.Model(trunk.input, {layer: output})


def _download(make: Any, network: Network, options: Mapping[str, Any], *, top: bool) -> Any:
    name = network.spec.name
    try:
        return make(weights="imagenet", include_top=top, **options)
    except Exception as error:  # Keras raises a bare Exception when a download fails
        raise SetupError(
            f"The weights of '{name}' cannot be downloaded: {str(error).strip()[:200]}. Keras gets "
            f"them from the internet. Use --weights FILE, or run 'pomona backbones pull {name} "
            "--to FILE' on another machine and 'pomona backbones add FILE' here."
        ) from error


def _load_weights(
    keras: Any,
    make: Any,
    network: Network,
    weights: Path,
    options: Mapping[str, Any],
    *,
    top: bool,
) -> Any:
    """Return the network with weights from a file, saved with or without the classifier head."""
    if weights.suffix == ".keras":
        return _load_whole(keras, make, network, weights, options, top=top)
    problem: Exception | None = None
    for with_head in (True,) if top else (False, True):
        trunk = make(weights=None, include_top=with_head, **options)
        # Keras only warns where a file has nothing for a layer; what is left untouched shows.
        trunk.set_weights([np.full_like(value, np.nan) for value in trunk.get_weights()])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                trunk.load_weights(weights)
            missing = [v.path for v in trunk.weights if np.isnan(np.asarray(v)).any()]
            if missing:
                raise ValueError(f"nothing in it is for '{missing[0]}'")
        except Exception as error:  # Keras and h5py have many ways to say that it does not fit
            problem = problem or error
            continue
        return trunk if with_head == top else _drop_head(make, trunk, options)
    raise _wrong_weights(network, weights, problem)


def _load_whole(
    keras: Any,
    make: Any,
    network: Network,
    weights: Path,
    options: Mapping[str, Any],
    *,
    top: bool,
) -> Any:
    try:
        values = keras.saving.load_model(weights, compile=False).get_weights()
        trunk = make(weights=None, include_top=top, **options)
        shapes = [value.shape for value in trunk.get_weights()]
        if [value.shape for value in values[: len(shapes)]] != shapes:
            raise ValueError("its arrays have other shapes")
        if len(values) - len(shapes) not in (
            0,
            len(make(weights=None).get_weights()) - len(shapes),
        ):
            raise ValueError(f"it has {len(values)} arrays, not {len(shapes)}")
        trunk.set_weights(values[: len(shapes)])
    except Exception as error:
        raise _wrong_weights(network, weights, error) from error
    return trunk


def _drop_head(make: Any, trunk: Any, options: Mapping[str, Any]) -> Any:
    bare = make(weights=None, include_top=False, **options)
    bare.set_weights(trunk.get_weights()[: len(bare.get_weights())])
    return bare


def _wrong_weights(network: Network, weights: Path, error: Exception | None) -> SettingsError:
    reason = " ".join(str(error).split())[:200]
    return SettingsError(
        f"The weights '{weights}' do not fit '{network.spec.name}': {reason}. They are of another "
        f"network, or damaged. Give weights saved from keras.applications.{network.keras}."
    )


def _export(keras: Any, model: Any, layer: str | None, path: Path) -> None:
    import onnx

    tail: list[Any] = []
    if layer is not None:
        last, tail = split_dense(model.get_layer(layer))
        if tail:
            model = keras.Model(model.input, {"before": last})
    # Keras exports what has been called once.
    model.predict(np.zeros((1, *model.input_shape[1:]), np.float32), verbose=0)
    with _silence():
        model.export(path, format="onnx", verbose=False)
    graph = onnx.load(path)
    source = graph.graph.input[0]
    for node in graph.graph.node:
        for i, name in enumerate(node.input):
            if name == source.name:
                node.input[i] = INPUT_NAME
    source.name = INPUT_NAME
    onnx.save(graph, path)
    if tail:
        append_dense(path, tail, output=str(layer))


@contextmanager
def _silence() -> Iterator[None]:
    # Of the exporters: their own deprecations and every step they take.
    noisy = logging.getLogger("tf2onnx")
    level = noisy.level
    noisy.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        noisy.setLevel(level)


def _predict(
    keras: Any, model: Any, network: Network, pictures: NDArray[np.uint8]
) -> dict[str, NDArray[np.float32]]:
    make = getattr(keras.applications, str(network.keras))
    family = import_module(make.__module__)
    values = family.preprocess_input(pictures.astype(np.float32))
    outputs: dict[str, NDArray[np.float32]] = model.predict(values, verbose=0)
    return outputs


def _compare(
    spec: BackboneSpec,
    file: Path,
    pictures: NDArray[np.uint8],
    expected: Mapping[str, NDArray[np.float32]],
) -> dict[str, float]:
    differences = {}
    for output in spec.outputs:
        features = open_engine(backbone_graph(spec.vary(pooling=output.pooling), file))(pictures)
        wanted = expected[output.pooling]
        scale = np.maximum(np.abs(wanted).max(axis=1, keepdims=True), np.finfo(np.float32).tiny)
        differences[output.pooling] = float((np.abs(features - wanted) / scale).max())
    worst = max(differences, key=lambda key: differences[key])
    if not differences[worst] <= MAX_DIFFERENCE:
        raise SetupError(
            f"The exported '{spec.name}' differs from Keras by {differences[worst]:.1e} in "
            f"'{worst}'. The limit is {MAX_DIFFERENCE:g} of the largest feature. Nothing was "
            "stored; try another version of Keras or another backend (KERAS_BACKEND)."
        )
    return differences
