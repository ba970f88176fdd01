"""The trainable network is the shipped one, before and after it is written back."""

import random

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: make test-finetune")

from pomona.backbones import find_backbone, find_weights, load_backbone  # noqa: E402
from pomona.errors import TrainingError  # noqa: E402
from pomona.features.batch import extract_features  # noqa: E402
from recipes.default_recogniser import fitting  # noqa: E402
from recipes.default_recogniser.augmentation import vary_stranger, vary_studio  # noqa: E402
from recipes.default_recogniser.fitting import Recipe, Source, fit_network  # noqa: E402
from recipes.default_recogniser.network import (  # noqa: E402
    average_networks,
    load_network,
    normalise,
    write_weights,
)

NAME = "efficientnet_lite0"


@pytest.fixture(scope="module")
def pixels():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (4, 7, 7, 3))
    return np.kron(small, np.ones((1, 32, 32, 1))).astype(np.uint8)


@torch.no_grad()
def compute_features(network, pixels):
    return network.features(normalise(torch.from_numpy(pixels))).numpy()


@pytest.fixture
def network():
    return load_network(find_weights(find_backbone(NAME)), n_outputs=3, dropout=0.0).eval()


def test_network_computes_the_features_of_the_file(network, pixels):
    expected = extract_features(pixels, backbone=load_backbone(NAME))
    assert np.abs(compute_features(network, pixels) - expected).max() < 1e-4


def test_add_normalisation_changes_nothing(network, pixels):
    before = compute_features(network, pixels)
    network.freeze(3)
    network.add_normalisation(normalise(torch.from_numpy(pixels)))
    assert np.abs(compute_features(network.eval(), pixels) - before).max() < 1e-3
    kept = network.head.bn
    network.add_normalisation(normalise(torch.from_numpy(255 - pixels)))
    assert network.head.bn is kept


def test_write_weights_folds_what_was_learnt(network, pixels, tmp_path):
    openvino = pytest.importorskip("openvino")
    network.freeze(3)
    network.add_normalisation(normalise(torch.from_numpy(pixels)))
    network.eval()
    with torch.no_grad():
        for module in network.convolutions():
            if isinstance(module.bn, torch.nn.BatchNorm2d):
                module.bn.weight.mul_(1.05)
                module.bn.running_mean.add_(0.01)
    source = find_weights(find_backbone(NAME))
    write_weights(network, source=source, target=tmp_path / "tuned.onnx")
    model = openvino.compile_model(
        tmp_path / "tuned.onnx", "CPU", {"INFERENCE_PRECISION_HINT": "f32"}
    )
    x = normalise(torch.from_numpy(pixels)).contiguous().numpy()
    found = np.concatenate([model({"images": x[i : i + 1]})["features"] for i in range(len(x))])
    expected = compute_features(network, pixels)
    assert np.abs(found - expected).max() < 1e-3
    assert np.abs(expected - compute_features(load_again(), pixels)).max() > 0.01


def load_again():
    return load_network(find_weights(find_backbone(NAME)), n_outputs=3, dropout=0.0).eval()


def test_average_networks_is_the_mean(network, pixels):
    other = load_again()
    with torch.no_grad():
        other.linear.weight.add_(1.0)
        other.head.conv.bias.mul_(3.0)
    average = average_networks([network, other])
    expected = (network.linear.weight + other.linear.weight) / 2
    assert torch.allclose(average.linear.weight, expected)
    assert torch.allclose(average.head.conv.bias, 2 * network.head.conv.bias)
    same = average_networks([network, network, network])
    assert np.allclose(compute_features(same, pixels), compute_features(network, pixels), atol=1e-4)


def test_load_network_refuses_another(tmp_path):
    import onnx
    from onnx import TensorProto, helper

    value = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("Relu", ["x"], ["y"])], "none",
        [value("x", TensorProto.FLOAT, [1])], [value("y", TensorProto.FLOAT, [1])],
    )  # fmt: skip
    onnx.save(helper.make_model(graph), tmp_path / "other.onnx")
    with pytest.raises(TrainingError, match="EfficientNet-Lite0 only"):
        load_network(tmp_path / "other.onnx", n_outputs=3, dropout=0.0)


def test_fit_network_learns_colours_and_keeps_frozen_blocks():
    colours = [(220, 40, 40), (40, 200, 60), (60, 60, 220)]
    pictures, y = [], []
    for i in range(24):
        picture = np.full((64, 64, 3), 255, np.uint8)
        picture[12:52, 12:52] = colours[i % 3]
        pictures.append(picture)
        y.append(i % 3)
    network = load_again()
    frozen = network.stem.conv.weight.clone()
    seen = []
    tuned = fit_network(
        network,
        [Source(pictures, y, vary_studio, 12)],
        np.arange(3),
        Recipe(sizes=(64,), n_steps=80, dropout=0.0, recolour=0.0),
        n_workers=0,
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (960, 960)
    assert torch.equal(tuned.stem.conv.weight, frozen)
    from PIL import Image

    rng = random.Random(99)
    right = 0
    for picture, label in zip(pictures, y, strict=True):
        varied = np.asarray(vary_studio(Image.fromarray(picture), rng, 64))
        with torch.no_grad():
            right += int(tuned(normalise(torch.from_numpy(varied[None].copy()))).argmax()) == label
    assert right >= 21


def test_loss_of_a_recoloured_picture_asks_for_its_fruit_only():
    # Outputs 0 and 1 are varieties of fruit 0; target 3 is that fruit.
    loss = fitting._Loss(np.array([0, 0, 1]), Recipe(label_smoothing=0.0, fruit_weight=0.5))
    z = torch.tensor([[2.0, -1.0, 0.5]])
    swapped = z[:, [1, 0, 2]]
    fruit, variety = torch.tensor([3]), torch.tensor([0])
    assert torch.isclose(loss(z, fruit), loss(swapped, fruit))
    assert loss(swapped, variety) > loss(z, variety) + 1
    p = torch.softmax(z, dim=1)[0]
    expected = -torch.log(p[0]) - 0.5 * torch.log(p[0] + p[1])
    assert torch.isclose(loss(z, variety), expected)


def test_steps_repeat_and_say_what_was_recoloured():
    pictures = [np.full((40, 40, 3), 90, np.uint8)] * 4
    sources = [
        Source(pictures, [0, 1, 2, 2], vary_studio, 6),
        Source(pictures, [3] * 4, vary_stranger, 2, is_fruit=False),
    ]
    recipe = Recipe(sizes=(32, 48), n_steps=10, recolour=1.0)
    steps = fitting._Steps(sources, np.array([0, 0, 1, 2]), recipe)
    assert [steps[i][0].shape[1] for i in (0, 4, 5, 9)] == [32, 32, 48, 48]
    pixels, y = steps[7]
    again, _ = steps[7]
    assert torch.equal(pixels, again)
    # Fruits 0 and 1 behind the four outputs; what is no fruit keeps its own.
    assert set(y[:6].tolist()) <= {4, 5}
    assert y[6:].tolist() == [3, 3]
