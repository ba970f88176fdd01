import subprocess
import sys

import numpy as np
import pytest
from recognition.conftest import LABELS, SIDE, make_head

from pomona.errors import SetupError
from pomona.recognition.classifiers import Tree
from pomona.recognition.model import write_model
from pomona.recognition.recogniser import load_recogniser
from pomona.recognition.views import Preprocessing
from pomona.storage.locations import LocalLocation
from pomona.training.onnx_export import build_recogniser, needs_onnxruntime
from pomona.training.tree_export import float32_at_most

PIXELS = np.random.default_rng(5).integers(0, 256, (6, SIDE, SIDE, 3), dtype=np.uint8)


def _load(folder, backbone, preprocessing, rule, head, *, engine=None, half=False):
    onnx = build_recogniser(
        backbone.path,
        input_name=backbone.input_name,
        output_name=backbone.output_name,
        preprocessing=preprocessing,
        head=head,
        half=half,
    )
    write_model(
        LocalLocation(folder),
        onnx,
        labels=LABELS,
        preprocessing=preprocessing,
        rule=rule,
        needs_onnxruntime=needs_onnxruntime(head.classifier),
    )
    return load_recogniser(folder, engine=engine)


def _features(backbone, preprocessing):
    """By another engine's hand: normalise in NumPy, run the bare backbone."""
    ort = pytest.importorskip("onnxruntime")
    ordered = PIXELS[..., ::-1] if preprocessing.channel_order == "bgr" else PIXELS
    scaled = (ordered - np.array(preprocessing.mean)) / np.array(preprocessing.scale)
    session = ort.InferenceSession(backbone.path, providers=["CPUExecutionProvider"])
    planes = scaled.transpose(0, 3, 1, 2).astype(np.float32)
    return session.run(["pooled"], {"x": planes})[0]


@pytest.mark.parametrize("engine", ["openvino", "onnxruntime"])
@pytest.mark.parametrize("on", ["features", "reduced"])
@pytest.mark.parametrize("kind", ["linear", "perceptron", "forest"])
def test_network_says_what_the_arrays_say(
    tmp_path, backbone, preprocessing, rule, kind, on, engine
):
    if kind == "forest" and engine == "openvino":
        pytest.skip("trees need ONNX Runtime")
    head = make_head(kind, on, whiten=on == "reduced")
    recogniser = _load(tmp_path / "m", backbone, preprocessing, rule, head, engine=engine)
    found = recogniser.score_pixels(PIXELS)
    features = _features(backbone, preprocessing)
    expected = head.apply(features)
    np.testing.assert_allclose(found.features, features, atol=1e-5)
    np.testing.assert_allclose(found.probabilities, expected.probabilities, atol=1e-5)
    np.testing.assert_allclose(found.strangeness, expected.strangeness, atol=1e-4)


def test_network_without_a_pca(tmp_path, backbone, preprocessing, rule):
    head = make_head(on="features")
    bare = type(head)(**{**vars(head), "components": np.zeros((0, len(head.mean)))})
    found = _load(tmp_path / "m", backbone, preprocessing, rule, bare).score_pixels(PIXELS)
    # Without components there are neither residual nor distance, in the graph as in the arrays.
    rejection = bare.rejection
    signals = rejection.signals(*bare.arrays(found.features))
    parts = (signals - rejection.centres) / rejection.spreads * rejection.weights
    np.testing.assert_allclose(found.strangeness, parts[:, 2:].sum(axis=1), atol=1e-4)


def test_half_constants_are_smaller_and_nearly_the_same(tmp_path, backbone, rule):
    plain = Preprocessing((SIDE, SIDE), scale=(255.0, 255.0, 255.0))
    head = make_head()
    whole = _load(tmp_path / "m", backbone, plain, rule, head)
    small = _load(tmp_path / "h", backbone, plain, rule, head, half=True)
    np.testing.assert_allclose(
        small.score_pixels(PIXELS).probabilities,
        whole.score_pixels(PIXELS).probabilities,
        atol=1e-2,
    )


def test_what_is_not_needed_is_left_out(tmp_path, backbone, preprocessing, rule):
    recogniser = _load(tmp_path / "m", backbone, preprocessing, rule, make_head())
    # The backbone's tail alone has 48 kB.
    assert recogniser.model.onnx.stat().st_size < 12_000


def test_a_backbone_without_the_tensor_is_one_clear_error(backbone, preprocessing):
    with pytest.raises(SetupError, match="cannot be packed"):
        build_recogniser(
            backbone.path,
            input_name="x",
            output_name="nonsense",
            preprocessing=preprocessing,
            head=make_head(),
        )


def test_thresholds_round_down():
    values = np.array([0.1, -0.1, 1.0, 1e-50])
    rounded = float32_at_most(values)
    assert (rounded.astype(np.float64) <= values).all()
    assert rounded[2] == 1


def test_a_tree_goes_left_on_equality():
    tree = Tree(
        np.array([0, -1, -1]),
        np.float32([0.5, 0, 0]),
        np.array([1, 0, 0]),
        np.array([2, 0, 0]),
        np.float32([[0, 0], [1, 0], [0, 1]]),
    )
    assert tree.apply(np.float32([[0.5], [0.6]])).tolist() == [[1, 0], [0, 1]]


def test_using_a_recogniser_imports_neither_spark_nor_pandas():
    heavy = "('pyspark', 'pandas', 'sklearn', 'onnx', 'scipy', 'numba')"
    code = (
        "import sys, pomona.recognition.prediction, pomona.training.onnx_export;"
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
