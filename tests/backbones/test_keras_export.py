"""Pulled networks against Keras itself; weights are random, as Keras initialises them."""

import numpy as np
import pytest

keras = pytest.importorskip("keras", reason="Keras is not installed (make test-keras)")
pytest.importorskip("tf2onnx", reason="tf2onnx is not installed (make test-keras)")

from keras_networks import keras_features, save_weights  # noqa: E402
from picture_files import make_pixels  # noqa: E402

from pomona.backbones import NETWORKS, load_backbone  # noqa: E402
from pomona.backbones.cache import list_entries  # noqa: E402
from pomona.backbones.making import keras as exporting  # noqa: E402
from pomona.backbones.making.keras import pull_network  # noqa: E402
from pomona.errors import SettingsError, SetupError  # noqa: E402

# Of Keras and TensorFlow themselves.
pytestmark = pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)

# The networks of the reference pipelines, the newer one, and the layer behind VGG16.
GOLDEN = [
    ("vgg16", None),
    ("vgg16", "fc2"),
    ("inception_v3", None),
    ("resnet50", None),
    ("mobilenet_v2", None),
    ("efficientnet_v2_b0", None),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("keras")


@pytest.fixture(scope="module", params=GOLDEN, ids=lambda pair: pair[1] or pair[0])
def pulled(request, folder):
    name, layer = request.param
    weights = save_weights(name, folder, top=layer is not None)
    entry = pull_network(name, cache=folder / "cache", pooling=layer, weights=weights)
    return name, layer, weights, entry, folder / "cache"


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_features_are_those_of_keras(pulled, engine):
    pytest.importorskip(engine, reason=f"the engine {engine} is not installed")
    name, layer, weights, entry, cache = pulled
    size = entry.spec.input_size
    pictures = np.stack([make_pixels(seed, *size) for seed in range(32)])
    for pooling in [layer] if layer else ["avg", "max", "flatten"]:
        expected = keras_features(name, weights, pictures, pooling=pooling)
        backbone = load_backbone(name, pooling=pooling, engine=engine, cache=cache)
        scale = np.abs(expected).max(axis=1, keepdims=True)
        whole = backbone.engine(pictures)
        relative = np.abs(whole - expected) / scale
        assert relative.max() < 1e-3
        # Random deep networks amplify the rounding of their first layers.
        assert np.median(relative) < 1e-4
        assert (backbone.engine(pictures[:1]) == whole[:1]).all()


def test_manifest_says_how_far_from_keras(pulled):
    _, layer, _, entry, _ = pulled
    check = entry.manifest["check"]["largest_relative_difference"]
    assert sorted(check) == ([layer] if layer else ["avg", "flatten", "max"])
    assert 0 < max(check.values()) < 1e-3
    assert {"keras", "tf2onnx", "openvino", "keras_backend"} <= set(entry.manifest["versions"])


def test_pull_gives_what_the_record_says(pulled):
    name, layer, _, entry, _ = pulled
    network = NETWORKS[name]
    found = {output.pooling: output.n_features for output in entry.spec.outputs}
    recorded = {output.pooling: output.n_features for output in network.spec.outputs}
    assert found == ({layer: network.layers[layer]} if layer else recorded)
    if not layer:
        assert entry.manifest["bytes"] / 1e6 == pytest.approx(network.size_mb, rel=0.02)


def test_pull_takes_whole_models_and_weights_with_a_head(folder):
    weights = save_weights("mobilenet_v2", folder, top=False)
    expected = pull_network("mobilenet_v2", cache=folder / "cache", weights=weights)
    model = keras.applications.MobileNetV2(weights=None, include_top=False)
    model.load_weights(weights)
    model.save(folder / "whole.keras")
    again = pull_network("mobilenet_v2", cache=folder / "other", weights=folder / "whole.keras")
    pictures = np.stack([make_pixels(0, 224, 224)])
    one, other = (
        load_backbone("mobilenet_v2", cache=folder / name).engine(pictures)
        for name in ("cache", "other")
    )
    np.testing.assert_allclose(one, other, rtol=1e-5)
    assert again.spec.outputs == expected.spec.outputs
    headed = save_weights("mobilenet_v2", folder, top=True)
    pull_network("mobilenet_v2", cache=folder / "headed", weights=headed)
    found = load_backbone("mobilenet_v2", cache=folder / "headed").engine(pictures)
    by_keras = keras_features("mobilenet_v2", headed, pictures, pooling="avg")
    np.testing.assert_allclose(found, by_keras, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("suffix", [".weights.h5", ".keras"])
def test_pull_refuses_weights_of_another_network(folder, suffix):
    other = folder / f"other{suffix}"
    model = keras.applications.MobileNetV2(weights=None, include_top=False, alpha=0.5)
    model.save(other) if suffix == ".keras" else model.save_weights(other)
    with pytest.raises(SettingsError, match="They are of another network, or damaged"):
        pull_network("mobilenet_v2", cache=folder / "empty", weights=other)
    other.write_bytes(b"text")
    with pytest.raises(SettingsError, match="They are of another network, or damaged"):
        pull_network("mobilenet_v2", cache=folder / "empty", weights=other)
    assert list(list_entries(folder / "empty")) == []


def test_pull_refuses_weights_without_the_layer_and_unknown_layers(folder):
    weights = save_weights("mobilenet_v2", folder, top=False)
    with pytest.raises(SettingsError, match="do not fit 'mobilenet_v2'.*predictions"):
        pull_network("mobilenet_v2", cache=folder / "e", weights=weights, pooling="predictions")
    headed = save_weights("mobilenet_v2", folder, top=True)
    with pytest.raises(SettingsError, match="has no layer 'fc9'"):
        pull_network("mobilenet_v2", cache=folder / "e", weights=headed, pooling="fc9")


def test_pull_without_internet_says_what_to_do(folder, monkeypatch):
    def fail(*arguments, **more):
        raise Exception("URL fetch failure on https://example.invalid: None -- no route")

    monkeypatch.setattr(keras.applications, "MobileNetV2", fail)
    with pytest.raises(SetupError, match=r"cannot be downloaded.*Use --weights FILE"):
        pull_network("mobilenet_v2", cache=folder / "e")


def test_pull_refuses_an_export_that_differs(folder, monkeypatch):
    weights = save_weights("mobilenet_v2", folder, top=False)
    monkeypatch.setattr(exporting, "MAX_DIFFERENCE", 1e-12)
    with pytest.raises(SetupError, match=r"differs from Keras by .* Nothing was stored"):
        pull_network("mobilenet_v2", cache=folder / "e", weights=weights)
    assert list(list_entries(folder / "e")) == []
