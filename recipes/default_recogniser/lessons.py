"""What a network learns from: the pictures of a pack as squares, and what each of them shows."""

import io
from collections import Counter
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image

from pomona.backbones import load_backbone
from pomona.features.batch import extract_features
from pomona.recognition.labels import ModelLabel, number_fruits
from pomona.recognition.views import Preprocessing, prepare_views
from pomona.training.labelling import name_labels
from recipes.default_recogniser.groups import hold_back_groups
from recipes.default_recogniser.packing import NOTHING

__all__ = [
    "BACKBONE",
    "LEARNT",
    "Example",
    "Pack",
    "Targets",
    "Window",
    "find_examples",
    "read_pack",
]

# Centre and half sides of a part of a picture, -1 to 1.
Window = tuple[float, float, float, float]

BACKBONE: Final = "efficientnet_lite0"
# Kinds that are learnt from.
WORLD: Final = "world"
LEARNT: Final = ("phone", "studio", "world", "none")
HELD_SHARE: Final = 0.14
# Of a bowl: its boxes say what is in it.
MIXED: Final = "mixed"
# A fruit with fewer pictures and no folder gets no name.
LEAST_PICTURES: Final = 20
# A box that is smaller, as a share of the picture's side, shows too little.
SMALLEST_BOX: Final = 0.06


@dataclass(frozen=True)
class Pack:
    """What :func:`recipes.default_recogniser.packing.pack` wrote.

    Parameters
    ----------
    rows : list of dict
        The columns of ``PACKED``, without the pictures.
    jpegs : list of bytes
    """

    rows: list[dict[str, Any]]
    jpegs: list[bytes]

    def image(self, i: int) -> Image.Image:
        """Return a picture."""
        return Image.open(io.BytesIO(self.jpegs[i])).convert("RGB")

    def find(self, *kinds: str) -> list[int]:
        """Return the pictures of some kinds."""
        return [i for i, row in enumerate(self.rows) if row["kind"] in kinds]

    def squares(self, side: int) -> NDArray[np.uint8]:
        """Return all pictures squeezed into squares, (n, side, side, 3)."""

        def load(i: int) -> NDArray[np.uint8]:
            return np.asarray(self.image(i).resize((side, side), Image.Resampling.BICUBIC))

        with ThreadPoolExecutor() as pool:
            return np.stack(list(pool.map(load, range(len(self.rows)))))

    def held_back(self) -> NDArray[np.bool_]:
        """Return which phone photographs measure where others of the same shops teach."""
        backbone = load_backbone(BACKBONE)
        preprocessing = Preprocessing.from_backbone(backbone.spec)
        phone = self.find("phone")
        pixels = np.concatenate([prepare_views(self.image(i), preprocessing) for i in phone])
        features = extract_features(pixels, backbone=backbone)
        folders = [self.rows[i]["folder"] for i in phone]
        held = np.zeros(len(self.rows), np.bool_)
        held[phone] = hold_back_groups(features, folders, share=HELD_SHARE)
        return held


def read_pack(path: Path) -> Pack:
    """Read all pictures of a pack, still as JPEG."""
    table = pq.read_table(path)
    rows = table.drop_columns(["jpeg"]).to_pylist()
    return Pack(rows, table["jpeg"].to_pylist())


@dataclass(frozen=True)
class Targets:
    """The outputs of a network: one per label, the last for no fruit.

    A picture's target is an output, or, where only its fruit is known, the number of outputs plus
    that of its fruit.

    Parameters
    ----------
    labels : tuple of ModelLabel
        Of the folders, and one for each fruit that has pictures and no folder.
    of_folder : dict of str to int
        The label of each folder.
    fruits : dict of str to int
        Number of each fruit.
    of_fruit : int array of shape (n_outputs,)
        The fruit of each output; no fruit is the last.
    """

    labels: tuple[ModelLabel, ...]
    of_folder: dict[str, int]
    fruits: dict[str, int]
    of_fruit: NDArray[np.int64]

    @property
    def n_outputs(self) -> int:
        """Labels, and one for no fruit."""
        return len(self.of_fruit)

    @property
    def names(self) -> list[str]:
        """Names of the outputs, by which the files of networks know them."""
        labels = (
            f"fruit:{label.classes[WORLD][0]}" if WORLD in label.classes else label.label
            for label in self.labels
        )
        return [*labels, NOTHING]

    def find(self, folder: str | None, fruit: str | None) -> int | None:
        """Return the target of a picture; None where nothing is known of it."""
        if folder is not None:
            return self.of_folder.get(folder)
        if fruit == NOTHING:
            return self.n_outputs - 1
        return self.n_outputs + self.fruits[fruit] if fruit in self.fruits else None

    def fruit(self, folder: str | None, fruit: str | None) -> int | None:
        """Return the number of the fruit a picture shows."""
        target = self.find(folder, fruit)
        if target is None:
            return None
        n = self.n_outputs
        return int(self.of_fruit[target]) if target < n else target - n

    @classmethod
    def of(cls, pack: Pack) -> "Targets":
        """Return the outputs for all that a pack teaches."""
        folders = [pack.rows[i]["folder"] for i in pack.find("phone", "studio")]
        found, index = name_labels(folders, merge=True)
        known = {label.fruit_id for label in found}
        of_folder = dict(zip(folders, index.tolist(), strict=True))
        counts = Counter(pack.rows[i]["fruit"] for i in pack.find(WORLD))
        more = sorted(
            fruit
            for fruit, n in counts.items()
            if fruit not in known and fruit != MIXED and n >= LEAST_PICTURES
        )
        new = {fruit: _new_label(fruit) for fruit in more}
        labels = (*found, *new.values())
        # As prediction numbers them.
        of_fruit = number_fruits(labels)
        numbers = dict(zip((label.fruit for label in labels), of_fruit.tolist(), strict=True))
        numbers |= {fruit: numbers[label.fruit] for fruit, label in new.items()}
        return cls(labels, of_folder, numbers, np.append(of_fruit, of_fruit.max() + 1))


def _new_label(fruit: str) -> ModelLabel:
    from pomona.facts import load_facts

    facts = load_facts("en").get(fruit)
    name = facts.name_en if facts else fruit.replace("_", " ")
    return ModelLabel(name[0].upper() + name[1:], fruit if facts else None, {WORLD: [fruit]})


@dataclass(frozen=True)
class Example:
    """One picture to learn from, or a part of one."""

    picture: int
    target: int
    window: Window | None = None


def find_examples(
    pack: Pack, targets: Targets, *, without: Collection[str], held: NDArray[np.bool_] | None
) -> dict[str, list[Example]]:
    """Return what is learnt from, by kind.

    Parameters
    ----------
    pack : Pack
    targets : Targets
    without : collection of str
        Sets nothing is learnt from.
    held : bool array, optional
        Pictures nothing is learnt from.
    """
    found: dict[str, list[Example]] = {kind: [] for kind in LEARNT}
    for i in pack.find(*LEARNT):
        row = pack.rows[i]
        if row["set"] in without or (held is not None and held[i]):
            continue
        target = targets.find(row["folder"], row["fruit"])
        if target is not None:
            found[row["kind"]].append(Example(i, target))
        for box in row["boxes"]:
            half_x, half_y = box["x1"] - box["x0"], box["y1"] - box["y0"]
            of_box = targets.find(None, box["fruit"])
            if of_box is not None and min(half_x, half_y) > 2 * SMALLEST_BOX:
                window = (box["x0"] + box["x1"] - 1, box["y0"] + box["y1"] - 1, half_x, half_y)
                found[row["kind"]].append(Example(i, of_box, window))
    return {kind: examples for kind, examples in found.items() if examples}
