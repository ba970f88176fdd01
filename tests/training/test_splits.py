from collections import Counter

import pytest

from pomona.errors import TrainingError
from pomona.training.splits import CALIBRATION, TEST, TRAIN, find_sequence, split_pictures


def _frames(folder="Training"):
    paths = [
        f"/d/{folder}/{label}/{prefix}{i}_100.jpg"
        for label in ("fig", "kiwi")
        for prefix, n in (("", 30), ("r_", 20))
        for i in range(n)
    ]
    return paths, [path.split("/")[3] for path in paths]


def test_random_takes_shares_of_every_label():
    paths, labels = _frames()
    parts = split_pictures(paths, labels, rule="random").parts
    for label in ("fig", "kiwi"):
        counts = Counter(p for p, name in zip(parts, labels, strict=True) if name == label)
        assert counts == {TRAIN: 36, CALIBRATION: 4, TEST: 10}


def test_split_does_not_depend_on_the_order():
    paths, labels = _frames()
    forth = dict(zip(paths, split_pictures(paths, labels, rule="random").parts, strict=True))
    back = split_pictures(paths[::-1], labels[::-1], rule="random").parts
    assert [forth[path] for path in paths[::-1]] == back.tolist()


def test_grouped_keeps_sequences_together():
    paths, labels = _frames()
    parts = split_pictures(paths, labels, rule="grouped").parts
    sides = {}
    for path, part in zip(paths, parts, strict=True):
        sides.setdefault(find_sequence(path), set()).add(part == TEST)
    assert all(len(side) == 1 for side in sides.values())
    assert len(sides) == 4
    assert (parts == TEST).sum() == 40


def test_grouped_says_which_labels_it_cannot_measure():
    paths, labels = _frames()
    paths += [f"/d/Training/lime/{i}.jpg" for i in range(5)]
    split = split_pictures(paths, labels + ["lime"] * 5, rule="grouped")
    assert split.warnings == ("1 label is only fitted on and not measured: lime",)


def test_folder_pair_takes_the_folders_as_they_are():
    paths, labels = _frames()
    others, more = _frames("Test")
    split = split_pictures(paths + others[:30], labels + more[:30], rule="Training:Test")
    assert (split.parts[:100] != TEST).all()
    assert (split.parts[100:] == TEST).all()
    assert split.warnings == ("1 label is only fitted on and not measured: kiwi",)


@pytest.mark.parametrize(
    ("path", "sequence"),
    [
        ("/a/fig/12_100.jpg", "/a/fig/"),
        ("/a/fig/r_12_100.jpg", "/a/fig/r_"),
        ("/a/fig/Anjou_001.jpg", "/a/fig/Anjou_"),
        ("/a/fig/mine.jpg", "/a/fig/mine"),
    ],
)
def test_find_sequence(path, sequence):
    assert find_sequence(path) == sequence


def test_wrong_rules():
    paths, labels = _frames()
    with pytest.raises(TrainingError, match="neither below 'Training' nor below 'Test'"):
        split_pictures([*paths, "/d/x/fig/1.jpg"], [*labels, "fig"], rule="Training:Test")
    with pytest.raises(TrainingError, match="leaves nothing to measure with"):
        split_pictures(paths, labels, rule="Training:Test")
    with pytest.raises(TrainingError, match="leaves nothing to measure with"):
        split_pictures(["/a/b/1.jpg", "/a/b/2.jpg"], ["b", "b"], rule="grouped")


def test_the_split_does_not_depend_on_where_the_store_is_mounted():
    names = [f"{label}/{i:03d}.jpg" for label in ("apple", "pear") for i in range(30)]
    labels = [name.split("/")[0] for name in names]
    here, there = (
        split_pictures([f"{root}/{name}" for name in names], labels, rule="random").parts
        for root in ("/data/fruit", "/mnt/store/2026")
    )
    assert here.tolist() == there.tolist()
