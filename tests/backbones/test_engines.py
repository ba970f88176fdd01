from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from picture_files import make_pixels

from pomona.backbones import backbone_graph, find_backbone, find_weights, load_backbone
from pomona.backbones.engines import CUDA_ENGINE, check_engine, open_engine
from pomona.errors import SettingsError, SetupError

IMAGES = np.stack([make_pixels(seed, 224, 224) for seed in range(4)])


@pytest.fixture(scope="module", params=["onnxruntime", "openvino"])
def engine(request):
    pytest.importorskip(request.param, reason=f"the engine {request.param} is not installed")
    return load_backbone(engine=request.param).engine


def test_engine_is_golden(engine, shared):
    golden = np.load(shared / "models" / "golden_efficientnet_lite0.npz")
    features = engine(golden["pixels"])
    scale = np.abs(golden["features"]).max(axis=1, keepdims=True)
    assert (np.abs(features - golden["features"]) / scale).max() < 1e-5


def test_engines_agree(engine):
    other = load_backbone(engine="openvino").engine
    np.testing.assert_allclose(engine(IMAGES), other(IMAGES), atol=1e-4, rtol=0)


def test_engine_gives_the_same_bits_for_every_batch_size(engine):
    whole = engine(IMAGES)
    assert whole.dtype == np.float32
    assert whole.shape == (4, 1280)
    assert (np.concatenate([engine(IMAGES[i : i + 1]) for i in range(4)]) == whole).all()
    assert engine(IMAGES[:0]).shape == (0, 1280)


def test_engine_does_not_reuse_the_memory_of_its_results(engine):
    first = engine(IMAGES[:1])
    kept = first.copy()
    engine(IMAGES[1:2])
    assert (first == kept).all()


def test_threads_share_an_engine_and_get_their_own_numbers(engine):
    expected = engine(IMAGES)
    order = [i % len(IMAGES) for i in range(32)]
    with ThreadPoolExecutor(4) as pool:
        rows = list(pool.map(lambda i: engine(IMAGES[i : i + 1])[0], order))
    assert (np.stack(rows) == expected[order]).all()


def test_load_backbone_loads_once():
    assert load_backbone() is load_backbone()


def test_load_backbone_refuses_unknown_engines():
    with pytest.raises(SettingsError, match="Unknown engine 'abacus'"):
        load_backbone(engine="abacus")


@pytest.mark.parametrize("name", ["openvino", "onnxruntime"])
def test_engine_refuses_weights_that_are_no_network(name, tmp_path):
    (tmp_path / "x.onnx").write_bytes(b"not a network")
    with pytest.raises(SetupError, match="cannot be loaded"):
        open_engine(
            backbone_graph(find_backbone("efficientnet_lite0"), tmp_path / "x.onnx"), engine=name
        )


def test_bgr_backbones_see_the_channels_swapped():
    from dataclasses import replace

    spec = find_backbone("efficientnet_lite0")
    swapped = replace(spec, channel_order="bgr")
    for name in ("openvino", "onnxruntime"):
        plain, other = (
            open_engine(backbone_graph(one, find_weights(spec)), engine=name)
            for one in (spec, swapped)
        )
        expected = plain(IMAGES[:1, ..., ::-1].copy())
        found = other(IMAGES[:1])
        np.testing.assert_allclose(found, expected, atol=1e-4)


def test_cuda_engine_runs_or_says_why_not():
    ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    if "CUDAExecutionProvider" not in ort.get_available_providers():
        with pytest.raises(SetupError, match="has no GPU here"):
            check_engine(CUDA_ENGINE)
        with pytest.raises(SetupError, match="has no GPU here"):
            load_backbone(engine=CUDA_ENGINE)
        pytest.skip("no GPU on this machine: the engine's numbers are not compared")
    found = load_backbone(engine=CUDA_ENGINE).engine
    expected = load_backbone(engine="openvino").engine(IMAGES)
    np.testing.assert_allclose(found(IMAGES), expected, atol=1e-3, rtol=0)
    assert (found(IMAGES)[:1] == found(IMAGES[:1])).all()
