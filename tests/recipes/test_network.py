"""The trainable network is the shipped one, before and after it is written back."""

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs PyTorch: make test-finetune")

from pomona.backbones import find_backbone, find_weights, load_backbone  # noqa: E402
from pomona.errors import TrainingError  # noqa: E402
from pomona.features.batch import extract_features  # noqa: E402
from pomona.recognition.labels import ModelLabel  # noqa: E402
from recipes.default_recogniser import fitting  # noqa: E402
from recipes.default_recogniser.fitting import Recipe, fit_network  # noqa: E402
from recipes.default_recogniser.lessons import Example, Targets  # noqa: E402
from recipes.default_recogniser.network import (  # noqa: E402
    average_networks,
    load_network,
    normalise,
    read_answers,
    restore_network,
    save_network,
    write_weights,
)

NAME = "efficientnet_lite0"


@pytest.fixture(scope="module")
def pixels():
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (4, 7, 7, 3))
    return np.kron(small, np.ones((1, 32, 32, 1))).astype(np.uint8)


def to_tensor(pixels):
    return normalise(torch.from_numpy(pixels).permute(0, 3, 1, 2))


@torch.no_grad()
def compute_features(network, pixels):
    return network.features(to_tensor(pixels)).numpy()


@pytest.fixture
def network():
    return load_network(find_weights(find_backbone(NAME)), n_outputs=3, dropout=0.0).eval()


def test_network_computes_the_features_of_the_file(network, pixels):
    expected = extract_features(pixels, backbone=load_backbone(NAME))
    assert np.abs(compute_features(network, pixels) - expected).max() < 1e-4


def test_add_normalisation_changes_nothing(network, pixels):
    before = compute_features(network, pixels)
    network.freeze(3)
    network.add_normalisation(to_tensor(pixels))
    assert np.abs(compute_features(network.eval(), pixels) - before).max() < 1e-3
    kept = network.head.bn
    network.add_normalisation(to_tensor(255 - pixels))
    assert network.head.bn is kept


def test_write_weights_folds_what_was_learnt(network, pixels, tmp_path):
    openvino = pytest.importorskip("openvino")
    network.freeze(3)
    network.add_normalisation(to_tensor(pixels))
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
    x = to_tensor(pixels).contiguous().numpy()
    found = np.concatenate([model({"images": x[i : i + 1]})["features"] for i in range(len(x))])
    expected = compute_features(network, pixels)
    assert np.abs(found - expected).max() < 1e-3
    assert np.abs(expected - compute_features(load_again(), pixels)).max() > 0.01


def load_again(n_outputs=3):
    weights = find_weights(find_backbone(NAME))
    return load_network(weights, n_outputs=n_outputs, dropout=0.0).eval()


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


def test_restore_takes_over_the_outputs_it_knows(network, pixels, tmp_path):
    network.freeze(3)
    network.add_normalisation(to_tensor(pixels))
    save_network(network.eval(), tmp_path / "kept.npz", names=np.array(["a", "b", "none"]))
    other = load_network(find_weights(find_backbone(NAME)), n_outputs=4, dropout=0.0)
    fresh = other.linear.weight.detach().clone()
    restore_network(other, tmp_path / "kept.npz", ["b", "c", "a", "none"])
    for place, was in ((0, 1), (2, 0), (3, 2)):
        assert torch.equal(other.linear.weight[place], network.linear.weight[was])
    assert torch.equal(other.linear.weight[1], fresh[1])
    assert np.allclose(compute_features(other, pixels), compute_features(network, pixels))


def test_read_answers_gives_those_of_the_file(network, pixels):
    openvino = pytest.importorskip("openvino")
    path = find_weights(find_backbone(NAME))
    model = openvino.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    found = model({"images": to_tensor(pixels)[:1].contiguous().numpy()})["logits"]
    with torch.no_grad():
        expected = read_answers(path)(network.features(to_tensor(pixels)[:1])).numpy()
    assert np.abs(found - expected).max() < 1e-3


def test_fit_network_learns_colours_and_keeps_frozen_blocks():
    colours = [(220, 40, 40), (40, 200, 60), (60, 60, 220)]
    squares = np.full((24, 64, 64, 3), 255, np.uint8)
    for i in range(24):
        squares[i, 12:52, 12:52] = colours[i % 3]
    labels = tuple(ModelLabel(name, name, {"grocery": [name]}) for name in ("a", "b", "c"))
    targets = Targets(labels, {"a": 0, "b": 1, "c": 2}, {}, np.arange(4))
    examples = {"phone": [Example(i, i % 3) for i in range(24)]}
    network, path = load_again(4), find_weights(find_backbone(NAME))
    stem, filters = (
        each.weight.clone() for each in (network.stem.conv, network.blocks[8].depthwise.conv)
    )
    seen = []
    tuned = fit_network(
        network,
        squares,
        examples,
        targets,
        Recipe(n_steps=120, size=64, batch=12, dropout=0.0, blended=0.0),
        teacher=load_again(1),
        answers=read_answers(path),
        on_progress=lambda done, of: seen.append((done, of)),
    )
    assert seen[-1] == (120, 120)
    assert torch.equal(tuned.stem.conv.weight, stem)
    assert torch.equal(tuned.blocks[8].depthwise.conv.weight, filters)
    with torch.no_grad():
        found = tuned.eval()(to_tensor(squares)).argmax(1)
    assert (found.numpy() == np.arange(24) % 3).mean() > 0.85


def test_loss_of_a_picture_whose_fruit_alone_is_known():
    # Outputs 0 and 1 are varieties of fruit 0, 2 is no fruit; target 3 is fruit 0.
    labels = tuple(ModelLabel(name, "a", {"grocery": [name]}) for name in ("a1", "a2"))
    loss = fitting._Loss(Targets(labels, {}, {}, np.array([0, 0, 1])), "cpu")
    z = torch.tensor([[2.0, -1.0, 0.5]])
    swapped = z[:, [1, 0, 2]]
    fruit, variety = torch.tensor([3]), torch.tensor([0])
    assert torch.isclose(loss(z, fruit), loss(swapped, fruit))
    assert loss(swapped, variety) > loss(z, variety) + 1
