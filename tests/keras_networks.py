"""Networks of Keras with random weights, and their features computed by Keras alone."""

from functools import lru_cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from picture_files import make_pixels

# Name here: class and module of keras.applications, side of the input.
CLASSES = {
    "vgg16": ("VGG16", "vgg16", 224),
    "inception_v3": ("InceptionV3", "inception_v3", 299),
    "resnet50": ("ResNet50", "resnet50", 224),
    "mobilenet_v2": ("MobileNetV2", "mobilenet_v2", 224),
    "efficientnet_v2_b0": ("EfficientNetV2B0", "efficientnet_v2", 224),
}


def save_weights(name: str, folder: Path, *, top: bool) -> Path:
    """Keras's own initial weights, with batch statistics of real activations."""
    import keras

    file = folder / f"{name}-{'top' if top else 'notop'}.weights.h5"
    if not file.exists():
        keras.utils.set_random_seed(7)
        model = _build(name, top=top)
        _measure_statistics(model, name)
        model.save_weights(file)
    return file


def keras_features(name: str, weights: Path, pictures: np.ndarray, *, pooling: str) -> np.ndarray:
    """What the usual script gets: load, preprocess_input, predict, pool."""
    _, module, _ = CLASSES[name]
    family = import_module(f"keras.applications.{module}")
    values = family.preprocess_input(pictures.astype("float32"))
    return np.asarray(_predictor(name, weights, pooling).predict(values, verbose=0, batch_size=32))


@lru_cache(maxsize=2)
def _predictor(name: str, weights: Path, pooling: str) -> Any:
    import keras

    model = _build(name, top="-top" in weights.name)
    model.load_weights(weights)
    if "-top" in weights.name and pooling in ("avg", "max", "flatten"):
        model = keras.Model(model.input, model.get_layer("out_relu").output)
    output = {
        "avg": keras.layers.GlobalAveragePooling2D(),
        "max": keras.layers.GlobalMaxPooling2D(),
        "flatten": keras.layers.Flatten(),
    }.get(pooling)
    last = model.get_layer(pooling).output if output is None else output(model.output)
    return keras.Model(model.input, last)


def _build(name: str, *, top: bool) -> Any:
    import keras

    kind, _, side = CLASSES[name]
    return getattr(keras.applications, kind)(
        weights=None, include_top=top, input_shape=(side, side, 3)
    )


def _measure_statistics(model: Any, name: str) -> None:
    """Without them a deep network of random weights gives features around 1e-10."""
    import keras

    _, module, side = CLASSES[name]
    pictures = np.stack([make_pixels(seed, side, side) for seed in range(100, 108)])
    family = import_module(f"keras.applications.{module}")
    values = family.preprocess_input(pictures.astype("float32"))
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    model(values, training=True)
