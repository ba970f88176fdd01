import json

import numpy as np
import pytest

from pomona.backbones import find_backbone
from pomona.errors import SetupError
from pomona.reduction.estimators import PCA, Standardizer
from pomona.reduction.fitted import Reduction, load_reduction, save_reduction
from pomona.storage.locations import LocalLocation

X = np.random.default_rng(0).normal(3, 2, (50, 6)).astype(np.float32)


@pytest.fixture
def reduction():
    standardizer = Standardizer().fit(X)
    pca = PCA(4, whiten=True).fit(standardizer.transform(X.astype(float)))
    return Reduction.from_fitted(standardizer, pca)


def test_save_and_load_round_trip_is_exact(reduction, tmp_path):
    backbone = find_backbone("efficientnet_lite0").to_dict()
    save_reduction(LocalLocation(tmp_path), reduction, backbone=backbone)
    back = load_reduction(tmp_path)
    assert (back.transform(X) == reduction.transform(X)).all()
    model = json.loads((tmp_path / "model.json").read_text())
    assert model["backbone"]["mean"] == [127.0] * 3
    assert model["n_components"] == 4


def test_reduction_transform_is_that_of_the_estimators(reduction):
    wide = X.astype(np.float64)
    standardizer = Standardizer().fit(X)
    pca = PCA(4, whiten=True).fit(standardizer.transform(wide))
    expected = pca.transform(standardizer.transform(wide))
    np.testing.assert_allclose(reduction.transform(X), expected, atol=1e-6)


def test_load_refuses_damage(reduction, tmp_path):
    with pytest.raises(SetupError, match="is not a model folder"):
        load_reduction(tmp_path)
    backbone = find_backbone("efficientnet_lite0").to_dict()
    save_reduction(LocalLocation(tmp_path), reduction, backbone=backbone)
    data = bytearray((tmp_path / "mean.npy").read_bytes())
    data[-1] ^= 1
    (tmp_path / "mean.npy").write_bytes(data)
    with pytest.raises(SetupError, match=r"mean.npy' is missing or damaged"):
        load_reduction(tmp_path)


def test_load_refuses_other_versions(tmp_path):
    (tmp_path / "model.json").write_text('{"format_version": 99}')
    with pytest.raises(SetupError, match="format version '99'"):
        load_reduction(tmp_path)
