import numpy as np
import pytest
from sklearn.decomposition import PCA as SklearnPCA
from sklearn.preprocessing import StandardScaler

from pomona.errors import ReductionError
from pomona.settings import ReduceSettings
from pomona.spark.reduce.fitting import fit_reduction, sum_moments

X = (np.random.default_rng(0).normal(1, 2, (500, 12)) @ np.diag(np.arange(1, 13))).astype(
    np.float32
)


def _table(spark, rows, n_parts):
    table = spark.createDataFrame([(row.tolist(),) for row in rows], "features array<float>")
    return table.repartition(n_parts)


@pytest.mark.parametrize("n_parts", [1, 3, 20])
def test_sum_moments_adds_up_every_partition(spark, n_parts):
    moments = sum_moments(_table(spark, X, n_parts), n_features=12)
    assert moments.count == 500
    wide = X.astype(np.float64)
    np.testing.assert_allclose(moments.mean, wide.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.scatter / 499, np.cov(wide.T), rtol=1e-10, atol=1e-10)


def test_sum_moments_gives_the_same_bits_again(spark):
    table = _table(spark, X, 20).cache()
    first, second = (sum_moments(table, n_features=12).to_bytes() for _ in range(2))
    table.unpersist()
    assert first == second


def test_sum_moments_of_more_partitions_than_rows(spark):
    assert sum_moments(_table(spark, X[:3], 11), n_features=12).count == 3


def test_fit_reduction_agrees_with_scikit_learn(spark):
    reduction = fit_reduction(_table(spark, X, 4), n_features=12)
    Z = StandardScaler().fit_transform(X.astype(np.float64))
    expected = SklearnPCA(0.95, svd_solver="full").fit(Z)
    assert len(reduction.components) == expected.n_components_
    np.testing.assert_allclose(reduction.components, expected.components_, atol=1e-6)
    np.testing.assert_allclose(reduction.transform(X), expected.transform(Z), atol=1e-5)


def test_fit_reduction_without_standardising_keeps_the_scales(spark):
    settings = ReduceSettings(components=2, standardise=False)
    reduction = fit_reduction(_table(spark, X, 2), n_features=12, settings=settings)
    expected = SklearnPCA(2, svd_solver="full").fit(X.astype(np.float64))
    np.testing.assert_allclose(reduction.components, expected.components_, atol=1e-6)


def test_fit_reduction_refuses_too_few_and_too_wide(spark):
    with pytest.raises(ReductionError, match="There is '1' sample"):
        fit_reduction(_table(spark, X[:1], 1), n_features=12)
    with pytest.raises(ReductionError, match="The vectors have '25088' features"):
        fit_reduction(_table(spark, X[:1], 1), n_features=25_088)
