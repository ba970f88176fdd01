"""What a recogniser can answer: labels, and the fruits they belong to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["ModelLabel", "group_fruits", "number_fruits"]


@dataclass(frozen=True)
class ModelLabel:
    """One thing a recogniser can answer.

    Parameters
    ----------
    label : str
        Name for people.
    fruit_id : str or None
        Key of the facts; None where they do not know the fruit.
    classes : mapping from data set to folder names
        The folders that were trained on.
    """

    label: str
    fruit_id: str | None
    classes: Mapping[str, Sequence[str]]

    @property
    def fruit(self) -> str:
        """What it counts as at fruit level; a label without a fruit is one by itself."""
        return self.fruit_id if self.fruit_id is not None else f"label:{self.label}"

    def as_dict(self) -> dict[str, Any]:
        """Return ``label, fruit_id, classes`` for JSON."""
        classes = {name: list(folders) for name, folders in self.classes.items()}
        return {"label": self.label, "fruit_id": self.fruit_id, "classes": classes}


def group_fruits(labels: Sequence[ModelLabel]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the fruits in the order of their first label, and the fruit of each label."""
    fruits = list(dict.fromkeys(label.fruit for label in labels))
    where = {fruit: i for i, fruit in enumerate(fruits)}
    return fruits, np.array([where[label.fruit] for label in labels], np.int64)


def number_fruits(labels: Sequence[ModelLabel]) -> NDArray[np.int64]:
    """Return which fruit each label is of, from 0 on, (n_labels,)."""
    return group_fruits(labels)[1]
