"""From folder names to the labels of a recogniser, and back."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pomona.errors import TrainingError
from pomona.facts.classes import DATASETS, FruitClass, find_class, merge_classes
from pomona.recognition.labels import ModelLabel

__all__ = ["check_labels", "find_label", "name_labels"]

# What a folder that belongs to no known data set is listed under.
OWN: Final = "own"


def name_labels(
    folders: Sequence[str], *, merge: bool = False
) -> tuple[tuple[ModelLabel, ...], NDArray[np.int64]]:
    """Return the labels of labelled pictures, and for each picture the index of its label.

    Parameters
    ----------
    folders : sequence of n str
        The folder name of each picture.
    merge : bool
        Folders that show the same fruit, variety and ripeness become one label.

    Returns
    -------
    labels : tuple of ModelLabel
        Sorted by name.
    index : int array of shape (n,)
    """
    by_name: dict[str, list[str]] = defaultdict(list)
    for folder in sorted(set(folders)):
        known = _known(folder) if merge else []
        by_name[known[0].label if known else folder].append(folder)
    labels = tuple(_describe(name, members) for name, members in sorted(by_name.items()))
    where = {
        folder: i for i, (_, members) in enumerate(sorted(by_name.items())) for folder in members
    }
    return labels, np.array([where[folder] for folder in folders], np.int64)


def check_labels(names: Sequence[str]) -> list[str]:
    """Refuse labels no classifier can tell apart; return warnings.

    Raises
    ------
    TrainingError
        If there are fewer than two labels, or two that differ in case only.
    """
    counts = Counter(names)
    if len(counts) < 2:
        raise TrainingError(
            f"The pictures have '{len(counts)}' label. A classifier tells at least two apart. "
            "Put each kind into a folder of its own, or choose another --label."
        )
    folded: dict[str, str] = {}
    for name in counts:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            raise TrainingError(
                f"The labels '{other}' and '{name}' differ in case only. They look like one and "
                "would be told apart. Rename one of the folders."
            )
    single = sorted(name for name, n in counts.items() if n == 1)
    if not single:
        return []
    few = ", ".join(single[:5]) + (", ..." if len(single) > 5 else "")
    verb = "1 label has" if len(single) == 1 else f"{len(single)} labels have"
    return [f"{verb} one picture only, which is fitted on and not measured: {few}"]


def find_label(folder: str, labels: Sequence[ModelLabel]) -> tuple[int | None, str | None]:
    """Return which label a folder of labelled pictures stands for, and which fruit it shows.

    By the label's name, by the folders it was trained on, by the name the facts give the folder.

    Returns
    -------
    index : int or None
        None if the recogniser does not know the variety.
    fruit : str or None
        As :attr:`ModelLabel.fruit`; None if no label is of that fruit.
    """
    for i, label in enumerate(labels):
        trained = (name for names in label.classes.values() for name in names)
        if folder == label.label or folder in trained:
            return i, label.fruit
    known = _known(folder)
    for i, label in enumerate(labels):
        if any(fruit_class.label == label.label for fruit_class in known):
            return i, label.fruit
        same = {
            fruit_class.label
            for names in label.classes.values()
            for n in names
            for fruit_class in _known(n)
        }
        if any(fruit_class.label in same for fruit_class in known):
            return i, label.fruit
    fruits = {label.fruit_id for label in labels}
    return None, next(
        (fruit_class.fruit_id for fruit_class in known if fruit_class.fruit_id in fruits), None
    )


def _known(folder: str) -> list[FruitClass]:
    classes = (find_class(folder, dataset=dataset) for dataset in DATASETS)
    return [fruit_class for fruit_class in classes if fruit_class is not None]


def _describe(name: str, folders: Sequence[str]) -> ModelLabel:
    known = [fruit_class for folder in folders for fruit_class in _known(folder)]
    if not known:
        return ModelLabel(name, None, {OWN: list(folders)})
    merged = merge_classes(known)[0].as_dict()
    return ModelLabel(name, merged["fruit_id"], merged["classes"])
