import numpy as np
import pytest
from onnx import TensorProto
from tiny_networks import SPEC, write_network, write_spec

from pomona.backbones import load_backbone
from pomona.backbones.making.own import add_network, run_once, smoke_pictures
from pomona.errors import SettingsError, SetupError


def _add(tmp_path, *, spec=SPEC, name="tiny", **network):
    model = write_network(tmp_path / "a.onnx", **network)
    return add_network(name, model, write_spec(tmp_path / "a.toml", spec), cache=tmp_path / "cache")


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
def test_add_network_makes_it_a_backbone(tmp_path, engine):
    pytest.importorskip(engine, reason=f"the engine {engine} is not installed")
    entry = _add(tmp_path)
    assert (entry.spec.layout, entry.spec.input_name) == ("nchw", "pictures")
    backbone = load_backbone("tiny", engine=engine, cache=tmp_path / "cache")
    pictures = smoke_pictures((16, 16))
    expected = 2 * (pictures.astype(np.float64) - 127.5) / 127.5
    np.testing.assert_allclose(backbone.engine(pictures), expected.mean(axis=(1, 2)), atol=1e-6)
    flat = load_backbone("tiny", pooling="flatten", engine=engine, cache=tmp_path / "cache")
    planes = expected.transpose(0, 3, 1, 2).reshape(4, -1)
    np.testing.assert_allclose(flat.engine(pictures), planes, atol=1e-6)


@pytest.mark.parametrize(
    ("network", "message"),
    [
        ({"shape": (1, 3, 16, 16)}, "has the fixed batch 1"),
        ({"shape": ("n", 5, 16, 16)}, r"an input of f32 \(any, 5, 16, 16\)"),
        ({"shape": ("n", 3, 16)}, r"an input of f32 \(any, 3, 16\)"),
        ({"kind": TensorProto.UINT8}, "an input of u8"),
        ({"shape": ("n", 3, 32, 32)}, r"needs input_size \(16, 16\)"),
        ({"spec": "input_size = 16\noutputs = {max = 3}"}, "needs the record's 'max'"),
        ({"spec": "input_size = 16\noutputs = {avg = 4}"}, "n_features 4"),
        ({"spec": "input_size = 16\noutputs = {avg = 3}\ncolour = 'red'"}, "unknown key 'colour'"),
        ({"spec": "outputs = {avg = 3}"}, "no key 'input_size'"),
        ({"spec": "input_size = 1\noutputs = {avg = 3}"}, "input_size = '\\[1, 1\\]'"),
        ({"spec": "input_size = 16\noutputs = {avg = 0}"}, "has outputs"),
        ({"spec": "input_size = 16\noutputs = 3"}, "has outputs"),
        ({"spec": "input_size = 16\nscale = 0\noutputs = {avg = 3}"}, "other than 0"),
        ({"spec": "input_size = 16\nmean = [1, 2]\noutputs = {avg = 3}"}, "one number, or three"),
        ({"spec": "input_size = 16\nresize = 'bend'\noutputs = {avg = 3}"}, "squash, crop"),
        ({"spec": "input_size = 16\nlicence = 3\noutputs = {avg = 3}"}, "a text"),
        ({"spec": "sha256 = 'x'"}, "Pomona finds it out"),
        ({"spec": "input_size ="}, "must be a TOML file"),
        ({"name": "vgg16"}, "is taken"),
        ({"name": "../x"}, "cannot be used"),
    ],
)
def test_add_network_refuses_and_stores_nothing(tmp_path, network, message):
    with pytest.raises(SettingsError, match=message):
        _add(tmp_path, **network)
    assert not list((tmp_path / "cache").glob("*/*"))


def test_add_network_refuses_files_that_are_no_network(tmp_path):
    spec = write_spec(tmp_path / "a.toml")
    (tmp_path / "a.onnx").write_bytes(b"not a network")
    for name, message in (("a.onnx", "is not an ONNX network"), ("b.onnx", "does not exist")):
        with pytest.raises(SettingsError, match=message):
            add_network("tiny", tmp_path / name, spec, cache=tmp_path / "cache")


def test_run_once_refuses_numbers_that_are_not_finite(tmp_path):
    with pytest.raises(SetupError, match="not finite"):
        _add(tmp_path, weight=float("nan"))
    assert run_once(_add(tmp_path).spec, tmp_path / "a.onnx") is None
