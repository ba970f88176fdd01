import numpy as np
import pytest
from sklearn.base import clone
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from pomona.errors import ReductionError, SettingsError
from pomona.reduction.estimators import PCA, Standardizer
from pomona.reduction.moments import Moments


@parametrize_with_checks(
    [Standardizer(), Standardizer(with_scale=False), PCA(), PCA(2), PCA(0.9, whiten=True)]
)
def test_check_estimator(estimator, check):
    check(estimator)


def _features(n=400, d=30, rank=None, seed=0):
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(rank or d, d)) * np.geomspace(1, 0.01, rank or d)[:, None]
    return rng.normal(size=(n, rank or d)) @ mixing + rng.normal(size=d)


def test_standardizer_agrees_with_scikit_learn():
    X = _features()
    ours, theirs = Standardizer().fit(X), StandardScaler().fit(X)
    np.testing.assert_allclose(ours.scale_, theirs.scale_, rtol=1e-12)
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-10)
    np.testing.assert_allclose(ours.inverse_transform(ours.transform(X)), X, atol=1e-10)


@pytest.mark.parametrize("n_components", [0.5, 0.95, 0.999, 1, 7, None])
@pytest.mark.parametrize("whiten", [False, True])
def test_pca_agrees_with_scikit_learn(n_components, whiten):
    X = _features()
    ours = PCA(n_components, whiten=whiten).fit(X)
    theirs = SklearnPCA(n_components, whiten=whiten, svd_solver="full").fit(X)
    assert ours.n_components_ == theirs.n_components_
    np.testing.assert_allclose(ours.components_, theirs.components_, atol=1e-6)
    np.testing.assert_allclose(
        ours.explained_variance_ratio_, theirs.explained_variance_ratio_, atol=1e-10
    )
    np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-6)
    np.testing.assert_allclose(
        ours.inverse_transform(ours.transform(X)),
        theirs.inverse_transform(theirs.transform(X)),
        atol=1e-6,
    )


def test_partial_fit_equals_fit():
    X = _features()
    for estimator in (Standardizer(), PCA(5)):
        whole, parts = clone(estimator).fit(X), clone(estimator)
        for part in np.array_split(X, 7):
            parts.partial_fit(part)
        np.testing.assert_allclose(parts.transform(X), whole.transform(X), atol=1e-8)


def test_fit_moments_equals_the_pipeline_of_both():
    X = _features()
    pipeline = make_pipeline(Standardizer(), PCA(0.95)).fit(X)
    standardizer = Standardizer().fit_moments(Moments.from_rows(X))
    pca = PCA(0.95).fit_moments(Moments.from_rows(X), scale=standardizer.scale_)
    assert pca.n_components_ == pipeline[-1].n_components_
    np.testing.assert_allclose(pca.components_, pipeline[-1].components_, atol=1e-9)


def test_pca_signs_do_not_depend_on_the_order_of_rows():
    X = _features()
    assert np.allclose(PCA(10).fit(X).components_, PCA(10).fit(X[::-1]).components_, atol=1e-8)
    largest = np.abs(PCA(10).fit(X).components_).argmax(axis=1)
    assert (PCA(10).fit(X).components_[np.arange(10), largest] > 0).all()


def test_constant_columns_are_centred_and_carry_no_variance():
    X = _features()
    X[:, 3] = 1e9 + 0.1
    standardizer = Standardizer().fit(X)
    assert standardizer.scale_[3] == 1
    moments = Moments.from_rows(X)
    pca = PCA().fit_moments(moments, scale=standardizer.scale_)
    assert pca.n_components_ == 29
    assert np.abs(pca.components_[:, 3]).max() < 1e-9


def test_fewer_rows_than_features_has_rank_rows_minus_one():
    pca = PCA(0.95).fit(_features(n=12))
    assert len(pca.all_explained_variance_ratio_) == 11
    assert PCA(1.0).fit(_features(n=12)).n_components_ == 11


def test_pca_refuses_more_components_than_the_rank():
    with pytest.raises(ReductionError, match="'9' components were asked for. The features vary in"):
        PCA(9).fit(_features(rank=5))


def test_pca_refuses_features_without_variance():
    with pytest.raises(ReductionError, match="'20' feature vectors are all the same"):
        PCA().fit(np.ones((20, 4)))


def test_pca_refuses_one_row():
    with pytest.raises(ReductionError, match="There is '1' sample"):
        PCA().partial_fit(np.ones((1, 4)))


@pytest.mark.parametrize("n_components", [0, -1, 1.5, 0.0, "many"])
def test_pca_refuses_other_numbers_of_components(n_components):
    with pytest.raises(SettingsError, match=f"n_components is '{n_components}'"):
        PCA(n_components).fit(_features())
