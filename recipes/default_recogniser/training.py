"""Train the networks of a recogniser; those that were finished before are taken as they are."""

import hashlib
import inspect
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pomona.backbones import find_backbone, find_weights
from pomona.recognition.labels import ModelLabel, number_fruits
from recipes.default_recogniser import augmentation, fitting
from recipes.default_recogniser import network as lite0
from recipes.default_recogniser.augmentation import vary_phone, vary_stranger, vary_studio
from recipes.default_recogniser.fitting import Recipe, Source, fit_network
from recipes.default_recogniser.network import (
    Lite0,
    average_networks,
    load_network,
    restore_network,
    save_network,
)
from recipes.default_recogniser.pictures import Data

__all__ = ["BACKBONE", "Fitted", "Lessons", "Progress", "fingerprint", "train_network"]

IntArray = NDArray[np.integer]
OnProgress = Callable[[int, int], None]

BACKBONE: Final = "efficientnet_lite0"


@dataclass(frozen=True)
class Lessons:
    """What the networks learn from.

    Parameters
    ----------
    data : Data
    fingerprint : str
        Of all pictures that are learnt from.
    labels : sequence of ModelLabel
    y_phone, y_studio : int arrays of shape (n,)
        Index of each picture's label.
    keep : Path or None
        Finished networks are kept in this folder, and taken from it.
    """

    data: Data
    fingerprint: str
    labels: Sequence[ModelLabel]
    y_phone: IntArray
    y_studio: IntArray
    keep: Path | None


class Progress:
    """Counts what several networks see as one."""

    def __init__(self, recipes: Sequence[Recipe], data: Data, tell: OnProgress | None) -> None:
        self._has_strangers = len(data.strangers) > 0
        self._total = sum(self._count(recipe) for recipe in recipes)
        self._before, self._tell = 0, tell

    def __call__(self, n_seen: int, n_all: int) -> None:
        if self._tell is not None:
            self._tell(self._before + n_seen, self._total)
        if n_seen == n_all:
            self._before += n_all

    def skip(self, recipe: Recipe) -> None:
        """Count a network that was finished before."""
        self(self._count(recipe), self._count(recipe))

    def _count(self, recipe: Recipe) -> int:
        n_strangers = recipe.n_strangers if self._has_strangers else 0
        return recipe.n_steps * (recipe.n_phone + recipe.n_studio + n_strangers)


@dataclass(frozen=True)
class Fitted:
    """A network, and a number of all that it was made from."""

    network: Lite0
    digest: str


def train_network(
    lessons: Lessons,
    learnt: NDArray[np.bool_],
    recipe: Recipe,
    progress: Progress,
    *,
    start: Sequence[Fitted] = (),
) -> Fitted:
    """Train the shipped backbone, or go on from the average of some networks.

    Parameters
    ----------
    lessons : Lessons
    learnt : bool array of shape (n_phone,)
        The phone photographs that are learnt from.
    recipe : Recipe
    progress : Progress
    start : sequence of Fitted
        Networks to go on from.
    """
    keep, data, n_labels = lessons.keep, lessons.data, len(lessons.labels)
    # The last output stands for no fruit.
    network = load_network(
        find_weights(find_backbone(BACKBONE)), n_outputs=n_labels + 1, dropout=recipe.dropout
    )
    digest = _digest(
        lessons.fingerprint,
        _code(),
        learnt.tobytes(),
        asdict(recipe),
        [each.digest for each in start],
    )
    kept = keep / f"{digest}.npz" if keep else None
    if kept and kept.exists():
        restore_network(network, kept, frozen_blocks=recipe.frozen_blocks)
        progress.skip(recipe)
        return Fitted(network, digest)
    if start:
        network = average_networks([each.network for each in start])
    phone = data.phone.choose(np.flatnonzero(learnt))
    sources = [
        Source(phone.pixels, lessons.y_phone[learnt].tolist(), vary_phone, recipe.n_phone),
        Source(data.studio.pixels, lessons.y_studio.tolist(), vary_studio, recipe.n_studio),
    ]
    if data.strangers:
        y = [n_labels] * len(data.strangers)
        n = recipe.n_strangers
        sources.append(Source(data.strangers.pixels, y, vary_stranger, n, is_fruit=False))
    # The output for no fruit is one by itself.
    fruits = number_fruits(lessons.labels)
    fruits = np.append(fruits, fruits.max() + 1)
    network = fit_network(network, sources, fruits, recipe, on_progress=progress)
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        save_network(network, kept)
    return Fitted(network, digest)


def _code() -> str:
    """Return what a network is made by, so that another code finds none of its networks kept."""
    return "".join(
        inspect.getsource(part) for part in (augmentation, fitting, lite0, train_network)
    )


def _digest(*parts: Any) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]


def fingerprint(data: Data) -> str:
    """Return a number of all pictures that are learnt from."""
    pixels = hashlib.sha256()
    for pictures in (data.phone, data.studio, data.strangers):
        for each in pictures.pixels:
            pixels.update(each.tobytes())
        pixels.update(repr(pictures.folders).encode())
    return pixels.hexdigest()
