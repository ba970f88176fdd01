import numpy as np

from pomona.reduction.moments import Moments


def _rows(n, d=7, seed=0):
    return np.random.default_rng(seed).normal(3, 2, (n, d)).astype(np.float32)


def test_from_rows_is_numpys_covariance():
    rows = _rows(3000)
    moments = Moments.from_rows(rows)
    wide = rows.astype(np.float64)
    assert moments.count == 3000
    np.testing.assert_allclose(moments.mean, wide.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(moments.scatter / 2999, np.cov(wide.T), rtol=1e-11, atol=1e-12)


def test_merge_does_not_depend_on_how_rows_are_cut():
    rows = _rows(1000)
    whole = Moments.from_rows(rows)
    parts = Moments.empty(7)
    for part in np.array_split(rows, [1, 17, 400, 400]):
        parts = parts.merge(Moments.from_rows(part))
    assert parts.count == whole.count
    np.testing.assert_allclose(parts.scatter, whole.scatter, rtol=1e-11, atol=1e-10)


def test_scatter_keeps_its_digits_under_a_large_offset():
    small = np.random.default_rng(1).normal(0, 1e-3, (500, 3))
    moments = Moments.from_rows(small + 1e6)
    np.testing.assert_allclose(np.diag(moments.scatter) / 499, small.var(axis=0, ddof=1), rtol=1e-6)


def test_bytes_round_trip_is_exact():
    for d in (1, 2, 7, 40):
        moments = Moments.from_rows(_rows(50, d))
        back = Moments.from_bytes(moments.to_bytes())
        assert back.count == moments.count
        assert (back.mean == moments.mean).all()
        assert (np.tril(back.scatter) == np.tril(moments.scatter)).all()
        assert (back.scatter == back.scatter.T).all()
