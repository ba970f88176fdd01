"""Alike photographs stay on one side."""

import numpy as np

from recipes.default_recogniser.groups import hold_back_groups


def baskets(n_classes=3, sizes=(10, 10, 10, 12, 30, 28), seed=0):
    """Draw classes of six baskets; photographs of one basket are nearly the same."""
    rng = np.random.default_rng(seed)
    rows, labels, groups = [], [], []
    for c in range(n_classes):
        for g, size in enumerate(sizes):
            centre = rng.normal(size=32)
            rows.append(centre + 0.02 * rng.normal(size=(size, 32)))
            labels += [f"class {c}"] * size
            groups += [(c, g)] * size
    return np.concatenate(rows), labels, groups


def test_hold_back_groups_takes_whole_baskets_of_every_class():
    features, labels, groups = baskets()
    held = hold_back_groups(features, labels, share=0.12)
    by_group = {}
    for group, is_held in zip(groups, held, strict=True):
        by_group.setdefault(group, set()).add(bool(is_held))
    assert all(len(sides) == 1 for sides in by_group.values())
    assert {c for (c, _), sides in by_group.items() if True in sides} == {0, 1, 2}
    assert 0.08 < held.mean() < 0.16


def test_hold_back_groups_follows_the_share():
    features, labels, _ = baskets()
    assert hold_back_groups(features, labels, share=0.3).mean() > 0.25


def test_hold_back_groups_leaves_small_classes_whole():
    features, labels, _ = baskets(n_classes=1)
    few = hold_back_groups(features[:4], labels[:4], share=0.2)
    assert not few.any()
