import numpy as np

from pomona.training.duplicates import find_overlap

RNG = np.random.default_rng(0)


def _hashes(names):
    return np.array(names, object)


def test_unrelated_pictures_do_not_overlap():
    train, test = RNG.normal(size=(50, 40)), RNG.normal(size=(20, 40))
    overlap = find_overlap(
        train, test, train_hashes=_hashes(range(50)), test_hashes=_hashes([None] * 20)
    )
    assert overlap.as_dict() == {"n": 20, "n_same": 0, "n_near": 0}
    assert overlap.warning is None


def test_the_same_picture_and_the_next_frame_are_found():
    train, test = RNG.normal(size=(50, 40)), RNG.normal(size=(20, 40))
    test[:3] = train[:3] + 0.01
    hashes = _hashes([f"new {i}" for i in range(20)])
    hashes[5] = "7"
    overlap = find_overlap(
        train, test, train_hashes=_hashes([str(i) for i in range(50)]), test_hashes=hashes
    )
    assert (overlap.n_same, overlap.n_near) == (1, 4)
    assert "1 are also fitted on and 4 have a near-duplicate" in (overlap.warning or "")
