"""The page's arithmetic in Node against Python's: resize, views, answers."""

import base64
import json
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

from pomona.recognition.decisions import DecisionRule, decide
from pomona.recognition.labels import ModelLabel
from pomona.recognition.views import Preprocessing, View, prepare_views

SCRIPTS = Path(__file__).parents[2] / "src/pomona/serving/static/js"
NODE = shutil.which("node")
pytestmark = pytest.mark.skipif(NODE is None, reason="no Node.js here to run the page's scripts")

# Enlarged, shrunk, odd, wide, and so tall that Pillow takes the vertical pass first.
SIZES = [
    (100, 100),
    (348, 348),
    (301, 199),
    (64, 64),
    (640, 200),
    (90, 700),
    (224, 900),
    (17, 2),
    (63, 1000),
]


def _run(script: str, value):
    done = subprocess.run(
        [NODE, "--input-type=module", "-e", script],
        input=json.dumps(value),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def _script(imports: str, module: str, body: str) -> str:
    return f"""
import {{ {imports} }} from {json.dumps((SCRIPTS / module).as_uri())};
import {{ readFileSync }} from "node:fs";
const cases = JSON.parse(readFileSync(0, "utf-8"));
const bytes = (text) => new Uint8ClampedArray(Buffer.from(text, "base64"));
const rgba = (each) => ({{ ...each, data: bytes(each.data) }});
const out = (pixels) => Buffer.from(pixels).toString("base64");
console.log(JSON.stringify(cases.map((each) => {{ {body} }})));
"""


def _image(width: int, height: int, seed: int) -> Image.Image:
    rng = np.random.default_rng(seed)
    pixels = rng.integers(0, 256, (height, width, 3), np.uint8)
    # Half noise, half flat areas with hard edges: overshoot at both ends of the range.
    pixels[: height // 2] = np.where(pixels[: height // 2] > 128, 255, 0)
    return Image.fromarray(pixels)


def _plain(image: Image.Image) -> dict:
    data = base64.b64encode(image.convert("RGBA").tobytes()).decode()
    return {"data": data, "width": image.width, "height": image.height}


def _pixels(text: str, height: int, width: int) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), np.uint8).reshape(height, width, 3)


@pytest.mark.parametrize("filter", ["bicubic", "bilinear", "lanczos"])
def test_resize_gives_the_bits_of_pillow(filter):
    images = [_image(*size, seed) for seed, size in enumerate(SIZES)]
    script = _script(
        "resize",
        "resample.js",
        f'return out(resize(rgba(each), {{ width: 63, height: 64, filter: "{filter}" }}));',
    )
    for image, found in zip(images, _run(script, [_plain(each) for each in images]), strict=True):
        expected = np.asarray(image.resize((63, 64), Image.Resampling[filter.upper()]))
        np.testing.assert_array_equal(_pixels(found, 64, 63), expected, err_msg=str(image.size))


@pytest.mark.parametrize("resize", ["squash", "crop"])
def test_prepare_views_gives_the_bits_of_python(resize):
    views = (
        View(),
        View(size=0.875, square=True),
        View(size=0.8, x=0.0, y=1.0),
        View(size=0.51, x=1.0, y=0.3, flip=True),
        View(flip=True),
    )
    preprocessing = Preprocessing((48, 40), resize=resize, views=views)
    images = [_image(*size, seed) for seed, size in enumerate(SIZES)]
    rule = json.dumps(preprocessing.as_dict())
    script = _script(
        "prepareViews", "prepare.js", f"return prepareViews(rgba(each), {rule}).map(out);"
    )
    for image, found in zip(images, _run(script, [_plain(each) for each in images]), strict=True):
        got = np.stack([_pixels(each, 48, 40) for each in found])
        np.testing.assert_array_equal(
            got, prepare_views(image, preprocessing), err_msg=str(image.size)
        )


def test_resize_with_a_box_is_fit():
    image = _image(301, 199, 3)
    script = _script(
        "prepareViews", "prepare.js", "return prepareViews(rgba(each), each.rule).map(out);"
    )
    rule = Preprocessing((50, 30), resize="crop").as_dict()
    [[found]] = _run(script, [_plain(image) | {"rule": rule}])
    expected = ImageOps.fit(image, (30, 50), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(_pixels(found, 50, 30), np.asarray(expected))


def test_decide_answers_as_python_does():
    labels = [
        ModelLabel("Apple Braeburn", "apple", {}),
        ModelLabel("Apple Pink Lady", "apple", {}),
        ModelLabel("Pear", "pear", {}),
        ModelLabel("Gizmo", None, {}),
    ]
    rng = np.random.default_rng(5)
    rules = [DecisionRule(1.0, 0.6, 0.5), DecisionRule(None, 0.4, 0.7), DecisionRule(0.0, 0.1, 0.1)]
    rows = [*rng.dirichlet(np.full(4, 0.5), 200), np.full(4, 0.25), np.array([0.3, 0.3, 0.4, 0.0])]
    cases = [(row, float(rng.normal()), rules[i % 3]) for i, row in enumerate(rows)]
    script = _script(
        "decide",
        "decide.js",
        "return decide(each.score, { labels: each.labels, rule: each.rule, top: 3 });",
    )
    found = _run(
        script,
        [
            {
                "score": {"probabilities": row.tolist(), "strangeness": strangeness},
                "labels": [{"label": each.label, "fruit_id": each.fruit_id} for each in labels],
                "rule": vars(rule),
            }
            for row, strangeness, rule in cases
        ],
    )
    decisions = set()
    for (row, strangeness, rule), got in zip(cases, found, strict=True):
        expected = decide(row, strangeness, labels=labels, rule=rule, top=3)
        assert (got["decision"], got["fruit_id"]) == (expected.decision, expected.fruit_id)
        assert got["probability"] == pytest.approx(expected.probability)
        assert [each["label"] for each in got["varieties"]] == [each.label for each in expected.top]
        if expected.decision == "variety":
            assert got["label"] == expected.label
        decisions.add(got["decision"])
    assert decisions == {"variety", "fruit", "unknown"}


def test_combine_scores_is_the_mean():
    scores = [
        {"probabilities": [0.2, 0.8], "strangeness": 1.0},
        {"probabilities": [0.6, 0.4], "strangeness": 4.0},
    ]
    script = _script(
        "combineScores",
        "decide.js",
        "const mean = combineScores(each); return [[...mean.probabilities], mean.strangeness];",
    )
    [[probabilities, strangeness]] = _run(script, [scores])
    assert probabilities == pytest.approx([0.4, 0.6])
    assert strangeness == pytest.approx(2.5)
