import numpy as np
import pytest
from picture_files import encode, make_pixels

from pomona.backbones import load_backbone
from pomona.errors import SettingsError
from pomona.features.batch import extract_features, prepare_pixels
from pomona.reduction.estimators import PCA, Standardizer
from pomona.reduction.fitted import Reduction
from pomona.settings import DecodeLimits
from pomona.spark.extract.images import extract_images
from pomona.spark.reduce.components import reduce_features

BACKBONE = load_backbone()


def _direct(data):
    pixels = prepare_pixels(data, "", spec=BACKBONE.spec, limits=DecodeLimits()).pixels
    return extract_features(pixels[None], backbone=BACKBONE)[0]


def test_extract_images_path_equals_bytes_equals_array_to_the_last_bit(spark, tmp_path):
    data = {f"{seed}.jpg": encode(make_pixels(seed)) for seed in range(5)}
    for name, content in data.items():
        (tmp_path / name).write_bytes(content)
    paths = spark.createDataFrame([(str(tmp_path / name),) for name in data], "path string")
    contents = spark.createDataFrame(
        [(name, bytearray(content)) for name, content in data.items()],
        "path string, content binary",
    )
    by_path = {row.path.rsplit("/")[-1]: row.features for row in extract_images(paths).collect()}
    by_bytes = {row.path: row.features for row in extract_images(contents).collect()}
    for name, content in data.items():
        expected = _direct(content)
        assert (np.float32(by_path[name]) == expected).all()
        assert (np.float32(by_bytes[name]) == expected).all()


def test_extract_images_does_not_depend_on_the_partitions(spark, tmp_path):
    for seed in range(70):
        (tmp_path / f"{seed}.jpg").write_bytes(encode(make_pixels(seed, 20, 20)))
    table = spark.createDataFrame([(str(path),) for path in tmp_path.iterdir()], "path string")
    one = {row.path: row.features for row in extract_images(table.coalesce(1)).collect()}
    many = {row.path: row.features for row in extract_images(table.repartition(5)).collect()}
    assert len(one) == 70
    assert one == many


def test_extract_images_turns_bad_pictures_into_rows(spark):
    rows = [("a.jpg", bytearray(b"")), ("b.jpg", bytearray(b"text")), ("/nowhere.jpg", None)]
    table = spark.createDataFrame(rows, "path string, content binary")
    found = {row.path: row for row in extract_images(table).collect()}
    codes = {path: row.reason_code for path, row in found.items()}
    assert codes == {"a.jpg": "empty_file", "b.jpg": "not_an_image", "/nowhere.jpg": "missing"}
    assert all(row.features is None and row.reason for row in found.values())


def test_extract_images_writes_the_dimension_into_the_metadata(spark):
    table = extract_images(spark.createDataFrame([("a",)], "path string"))
    assert table.schema["features"].metadata == {
        "dimension": 1280,
        "backbone": "efficientnet_lite0",
        "pooling": "avg",
        "fingerprint": BACKBONE.spec.fingerprint(),
    }


def test_extract_images_refuses_tables_without_paths(spark):
    with pytest.raises(SettingsError, match="A column 'path' is needed"):
        extract_images(spark.createDataFrame([("a",)], "file string"))


def test_reduce_features_is_the_reduction_of_each_row(spark):
    X = np.random.default_rng(0).normal(2, 3, (40, 6)).astype(np.float32)
    standardizer = Standardizer().fit(X)
    pca = PCA(3).fit(standardizer.transform(X))
    reduction = Reduction.from_fitted(standardizer, pca)
    table = spark.createDataFrame(
        [(str(i), None, row.tolist()) for i, row in enumerate(X)],
        "path string, label string, features array<float>",
    )
    reduced = reduce_features(table, reduction=reduction)
    assert reduced.columns == ["path", "label", "pca"]
    assert reduced.schema["pca"].metadata == {"dimension": 3}
    rows = {int(row.path): row.pca for row in reduced.collect()}
    expected = reduction.transform(X)
    assert all((np.float32(rows[i]) == expected[i]).all() for i in range(40))
