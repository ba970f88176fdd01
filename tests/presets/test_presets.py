"""Presets as settings, each run end to end, and each compared with a plain Keras script."""

import csv
import json
import tomllib
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pyarrow.dataset as ds
import pytest
from picture_files import copy_frames
from typer.testing import CliRunner

from pomona.cli.app import app
from pomona.errors import SettingsError
from pomona.presets import list_presets, read_preset

NAMES = [
    "databricks-inception",
    "ec2-vgg16",
    "emr-mobilenet",
    "emr-resnet50-2d",
    "s3-vgg16-csv",
]


def _invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.fixture(scope="module")
def fruit(tmp_path_factory):
    return copy_frames(tmp_path_factory.mktemp("presets") / "fruit", n_labels=4, n_each=6)


def test_list_presets_has_the_reference_pipelines():
    assert list_presets() == NAMES
    output = _invoke("presets", "list").output
    assert all(f"{name} " in output for name in NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_show_prints_a_file_that_runs_as_ones_own(name, fruit, tmp_path):
    (tmp_path / "mine.toml").write_text(_invoke("presets", "show", name).output)
    assert tomllib.loads((tmp_path / "mine.toml").read_text())["run"]["backbone"]
    assert read_preset(str(tmp_path / "mine.toml")).settings == read_preset(name).settings
    common = ["--out", tmp_path / "out", "--dry-run", "--backbone", "efficientnet_lite0"]
    result = _invoke("run", fruit, "--preset", tmp_path / "mine.toml", *common)
    assert result.exit_code == 0, result.output
    assert "Would read 24 pictures" in result.output


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "cannot be read"),
        ("about =", "cannot be read"),
        ("backbone = 'vgg16'", "unknown key 'backbone'"),
        ("run = 3", "unknown key 'run'"),
    ],
)
def test_read_preset_refuses(text, message, tmp_path):
    if text is not None:
        (tmp_path / "x.toml").write_text(text)
    with pytest.raises(SettingsError, match=message):
        read_preset(str(tmp_path / "x.toml"))


def test_unknown_presets_and_names_are_exit_2(fruit, tmp_path):
    (tmp_path / "x.toml").write_text("[run]\nspeed = 9")
    for name, message in (("moon", "Unknown preset 'moon'"), (tmp_path / "x.toml", "'speed'")):
        result = _invoke("run", fruit, "--out", tmp_path / "out", "--preset", name)
        assert result.exit_code == 2
        assert message in " ".join(result.output.replace("│", " ").split())
    assert _invoke("presets", "show", "moon").exit_code == 2


def test_preset_lies_under_file_environment_and_option(fruit, tmp_path):
    (tmp_path / "p.toml").write_text("[run]\nlimit = 1\nglob = '*'")
    (tmp_path / "c.toml").write_text("limit = 2")
    preset, config = ["--preset", tmp_path / "p.toml"], ["--config", tmp_path / "c.toml"]
    common = ["run", fruit, "--out", tmp_path / "out", "--dry-run"]
    assert "read 1 pictures" in _invoke(*common, *preset).output
    assert "read 2 pictures" in _invoke(*common, *preset, *config).output
    assert "read 2 pictures" in _invoke(*common, *config, *preset).output
    assert "read 3 pictures" in _invoke(*common, *config, *preset, "--limit", 3).output


@pytest.mark.parametrize("name", NAMES)
def test_preset_runs_with_the_shipped_network(spark, name, fruit, tmp_path):
    out = tmp_path / "out"
    result = _invoke(
        *("run", fruit, "--preset", name, "--backbone", "efficientnet_lite0", "--out", out)
    )
    assert result.exit_code == 0, result.output
    record = json.loads((out / "run.json").read_text())
    assert record["images_extracted"] == 24
    assert (out / "report" / "index.html").is_file()
    preset = read_preset(name)
    assert (out / "reduced").is_dir() == preset.settings.get("reduce", True)
    assert record.get("vectors_checked", 0) == (24 if preset.settings.get("check") else 0)
    assert preset.note in result.output


def test_databricks_inception_compares_its_three_classifiers():
    assert read_preset("databricks-inception").settings["classifier"] == [
        "logistic",
        "tree",
        "forest",
    ]


KERAS_CASES = [
    ("ec2-vgg16", "vgg16"),
    ("s3-vgg16-csv", "vgg16"),
    ("databricks-inception", "inception_v3"),
    ("emr-mobilenet", "mobilenet_v2"),
    ("emr-resnet50-2d", "resnet50"),
]


@pytest.fixture(scope="module")
def keras_folder(tmp_path_factory):
    return tmp_path_factory.mktemp("keras")


@pytest.mark.filterwarnings(
    "ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning"
)
@pytest.mark.parametrize(("preset", "network"), KERAS_CASES)
def test_preset_gives_what_a_plain_keras_script_gives(
    spark, preset, network, fruit, keras_folder, tmp_path
):
    pytest.importorskip("keras", reason="Keras is not installed (make test-keras)")
    pytest.importorskip("tf2onnx", reason="tf2onnx is not installed (make test-keras)")
    from keras_networks import save_weights

    from pomona.backbones.making.keras import pull_network

    weights, cache, out = (
        save_weights(network, keras_folder, top=False),
        keras_folder / "cache",
        tmp_path / "out",
    )
    if not (cache / "backbones" / network).exists():
        pull_network(network, cache=cache, weights=weights)
    result = _invoke("run", fruit, "--preset", preset, "--cache", cache, "--out", out)
    assert result.exit_code == 0, result.output
    script = _plain_script(fruit, network, weights)
    {
        "ec2-vgg16": _check_label_folders,
        "s3-vgg16-csv": _check_csv,
        "databricks-inception": _check_pca,
        "emr-mobilenet": _check_pca,
        "emr-resnet50-2d": _check_json_lines,
    }[preset](out, *script, standardised=preset == "emr-mobilenet")


def _plain_script(fruit, network, weights):
    """The pipeline as a notebook would have it: Pillow, Keras, nothing of Pomona."""
    from keras_networks import CLASSES, keras_features
    from PIL import Image

    side = CLASSES[network][2]
    paths = sorted(fruit.rglob("*.jpg"))
    pictures = np.stack([np.asarray(Image.open(path).resize((side, side))) for path in paths])
    return [str(path) for path in paths], keras_features(network, weights, pictures, pooling="avg")


def _assert_close(found, expected):
    scale = np.abs(expected).max(axis=1, keepdims=True)
    assert (np.abs(found - expected) / scale).max() < 1e-3


def _rows(folder, column):
    table = ds.dataset(folder, format="parquet").to_table().to_pylist()
    return {row["path"]: row[column] for row in table}


def _check_label_folders(out, paths, features, *, standardised):
    found = _rows(out / "features", "features")
    _assert_close(np.float32([found[path] for path in paths]), features)
    folders = out / "export" / "labels"
    assert len(list(folders.iterdir())) == 4
    for path in paths:
        label = quote(Path(path).parent.name)
        assert _rows(folders / f"label={label}", "features")[path] == found[path]


def _check_csv(out, paths, features, *, standardised):
    with (out / "export" / "features.csv").open(newline="", encoding="utf-8") as lines:
        header, *rows = csv.reader(lines)
    assert header == ["path", "label", *(f"feat_{i}" for i in range(512))]
    assert {row[0]: row[1] for row in rows} == {path: Path(path).parent.name for path in paths}
    found = {row[0]: [float(number) for number in row[2:]] for row in rows}
    _assert_close(np.float32([found[path] for path in paths]), features)


def _sklearn(features, components, *, standardised):
    from sklearn.decomposition import PCA
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler(with_std=standardised)
    return PCA(components, svd_solver="full").fit_transform(scaler.fit_transform(features))


def _check_pca(out, paths, features, *, standardised):
    expected = _sklearn(features.astype(np.float64), 0.95, standardised=standardised)
    found = _rows(out / "reduced", "pca")
    matrix = np.float32([found[path] for path in paths])
    assert matrix.shape == expected.shape
    _assert_close(matrix, expected)


def _check_json_lines(out, paths, features, *, standardised):
    lines = [
        json.loads(line)
        for part in (out / "reduced").glob("part-*")
        for line in part.read_text().splitlines()
    ]
    assert all(sorted(line) == ["label", "path", "pca"] for line in lines)
    found = {line["path"]: line["pca"] for line in lines}
    expected = _sklearn(features.astype(np.float64), 2, standardised=standardised)
    _assert_close(np.float64([found[path] for path in paths]), expected)
