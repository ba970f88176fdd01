"""The classes of both data sets: which fruit a folder shows, and which folders show the same."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Literal

from pomona.facts.tables import load_facts, read_table

__all__ = [
    "DATASETS",
    "Dataset",
    "FruitClass",
    "Label",
    "find_class",
    "load_classes",
    "merge_classes",
]

Dataset = Literal["fruits360", "grocery"]
DATASETS: Final[tuple[Dataset, ...]] = ("fruits360", "grocery")


@dataclass(frozen=True)
class FruitClass:
    """One folder of a data set and what it shows.

    Parameters
    ----------
    dataset : {"fruits360", "grocery"}
        Studio frames (Fruits-360) or phone photographs (Grocery Store Dataset).
    class_name : str
        The folder's name, exactly.
    fruit_id : str
        Key of the facts.
    label : str
        Name of the variety for people; the same for all folders that show the same thing.
    variety : str or None
        What the folder's name says beside the fruit; ``None`` if nothing.
    ripeness : str or None
        ``"ripe"`` where the folder's name says so.
    """

    dataset: Dataset
    class_name: str
    fruit_id: str
    label: str
    variety: str | None = None
    ripeness: str | None = None


@dataclass(frozen=True)
class Label:
    """One thing a recogniser can answer, and the folders that show it."""

    label: str
    fruit_id: str
    variety: str | None
    ripeness: str | None
    classes: tuple[FruitClass, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return ``label, fruit_id, classes`` as a model folder states them."""
        names: dict[str, list[str]] = defaultdict(list)
        for fruit_class in self.classes:
            names[fruit_class.dataset].append(fruit_class.class_name)
        return {"label": self.label, "fruit_id": self.fruit_id, "classes": dict(names)}


@cache
def load_classes() -> tuple[FruitClass, ...]:
    """Return all classes of both data sets, in the order of the table."""
    names = {fruit_id: facts.name_en for fruit_id, facts in load_facts().items()}
    return tuple(_parse_class(row, names[row["fruit_id"]]) for row in read_table("classes.csv"))


def find_class(class_name: str, *, dataset: Dataset | None = None) -> FruitClass | None:
    """Return the class with exactly this folder name, or ``None`` if no data set has it.

    Parameters
    ----------
    class_name : str
        Name of the folder.
    dataset : {"fruits360", "grocery"}, optional
        Where to look; both if not given. A name that both have means the same in both.
    """
    for name in DATASETS if dataset is None else (dataset,):
        fruit_class = _classes_by_name().get((name, class_name))
        if fruit_class is not None:
            return fruit_class
    return None


def merge_classes(classes: Iterable[FruitClass] | None = None) -> tuple[Label, ...]:
    """Return one label for all classes that show the same thing, sorted by label.

    The same thing means: the same fruit, variety and ripeness. The running numbers of Fruits-360
    ("Tomato 1" to "Tomato 4") are different fruits on the turntable, not varieties, so they merge.

    Parameters
    ----------
    classes : iterable of FruitClass, optional
        The classes to merge, such as those that were trained on; all if not given.
    """
    groups: dict[str, list[FruitClass]] = defaultdict(list)
    for fruit_class in load_classes() if classes is None else classes:
        groups[fruit_class.label].append(fruit_class)
    return tuple(
        Label(label, group[0].fruit_id, group[0].variety, group[0].ripeness, tuple(group))
        for label, group in sorted(groups.items())
    )


@cache
def _classes_by_name() -> dict[tuple[str, str], FruitClass]:
    return {
        (fruit_class.dataset, fruit_class.class_name): fruit_class for fruit_class in load_classes()
    }


def _parse_class(row: dict[str, str], name_en: str) -> FruitClass:
    variety = row["variety_en"] or None
    ripeness = None if row["ripeness"] == "unknown" else row["ripeness"]
    words = [name_en[0].upper() + name_en[1:], variety, ripeness]
    return FruitClass(
        dataset=row["dataset"],  # type: ignore[arg-type]  # a test reads every row
        class_name=row["class_name"],
        fruit_id=row["fruit_id"],
        label=" ".join(word for word in words if word),
        variety=variety,
        ripeness=ripeness,
    )
