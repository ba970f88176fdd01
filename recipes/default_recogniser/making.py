"""Make the default recogniser: hold back, fine-tune, calibrate, measure, pack."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pomona.backbones import Backbone, find_backbone, find_weights, load_backbone
from pomona.backbones.loaded import open_backbone
from pomona.features.batch import extract_features
from pomona.recognition.classifiers import Linear
from pomona.recognition.views import WHOLE, Preprocessing, View
from pomona.storage.locations import open_location
from pomona.training.labelling import name_labels
from pomona.training.packing import Part, write_recogniser
from recipes.default_recogniser.card import write_card
from recipes.default_recogniser.fitting import Recipe
from recipes.default_recogniser.groups import hold_back_groups
from recipes.default_recogniser.measuring import (
    Measured,
    carry_over,
    make_head,
    measure,
    score_shipped,
)
from recipes.default_recogniser.network import N_FEATURES, Lite0, read_linear, write_weights
from recipes.default_recogniser.pictures import Pictures, load_data, prepare_all
from recipes.default_recogniser.training import (
    BACKBONE,
    Lessons,
    Progress,
    fingerprint,
    train_network,
)

__all__ = ["RECIPES", "Settings", "make_recogniser"]

FloatArray = NDArray[np.floating]
Say = Callable[[str], None]
OnProgress = Callable[[int, int], None]

# Each costs a run of the network. The closer middle serves photographs of shelves, both of the
# whole serve studio frames; docs/how-to/default-recogniser.md has what others gave.
VIEWS: Final = (WHOLE, View(flip=True), View(size=0.65, square=True))
# The first knows the studio's varieties best, the second the fruit in other colours and at other
# distances. Their average knows more than either, and still more with the second way once again.
WIDE: Final = Recipe(sizes=(192, 256, 320), n_steps=960)
RECIPES: Final = (
    Recipe(sizes=(256,), n_steps=720, recolour=0.0, fruit_weight=0.0),
    WIDE,
    replace(WIDE, seed=1),
)
# An average is a network nobody trained: what it lost of the studio comes back in a few steps.
POLISH: Final = Recipe(
    sizes=(256,),
    n_studio=24,
    learning_rate=6e-5,
    learning_rate_linear=4e-4,
    recolour=0.0,
    fruit_weight=0.0,
)
LICENCES: Final = (
    "Grocery Store Dataset: MIT, Copyright (c) 2019 Marcus Klasson",
    "Fruits-360: MIT, Copyright (c) 2017-2019 Mihai Oltean, Horea Muresan",
)


@dataclass(frozen=True)
class Settings:
    """What a recogniser is made from.

    Parameters
    ----------
    data : Path
        Holds ``grocery``, ``fruits360/Training`` and ``fruits360/Test``.
    strangers, strangers_test : Path or None
        Pictures of no fruit: to learn from, and to measure with.
    size : int
        Side of the pictures in prediction; larger than in training, where parts are enlarged.
    held_share : float
        Share of each phone class that is held back, in groups of alike photographs.
    leave_out : tuple of str
        Folders nothing is learnt from, to measure how unseen varieties are answered.
    refused_share : float
        Share of held-back phone photographs that may be refused.
    is_trial : bool
        Write the network that was measured; train none on all photographs.
    keep : Path or None
        Finished networks are kept in this folder; a second run goes on behind them.
    """

    data: Path
    strangers: Path | None = None
    strangers_test: Path | None = None
    size: int = 288
    held_share: float = 0.14
    leave_out: tuple[str, ...] = ()
    refused_share: float = 0.03
    is_trial: bool = False
    keep: Path | None = None


def make_recogniser(
    settings: Settings,
    out: Path,
    *,
    recipes: Sequence[Recipe] = RECIPES,
    say: Say = lambda _: None,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Write a model folder and return its measures.

    Parameters
    ----------
    settings : Settings
    out : Path
        Model folder; files of the same names are replaced.
    recipes : sequence of Recipe
        A network is trained by each, and their weights averaged; the first one again for the
        network on all photographs, with another seed.
    say : callable
        Gets one line for each step.
    on_progress : callable, optional
        Gets the pictures seen by all networks so far, and how many it will be.

    Raises
    ------
    TrainingError
        If a data set is missing.
    """
    say("Decoding the pictures")
    data = load_data(
        settings.data,
        strangers=settings.strangers,
        strangers_test=settings.strangers_test,
        leave_out=settings.leave_out,
    )
    labels, y = name_labels([*data.phone.folders, *data.studio.folders], merge=True)
    polish = replace(POLISH, n_steps=max(recipes[0].n_steps // 4, 4))
    lessons = Lessons(
        data,
        fingerprint(data),
        labels,
        y[: len(data.phone)],
        y[len(data.phone) :],
        settings.keep,
    )
    work = _Work(settings, recipes, polish, lessons)
    say("Finding groups of alike photographs")
    held = _hold_back(data.phone, settings.held_share)
    another = replace(recipes[0], seed=recipes[0].seed + 1)
    of_shipped = [] if settings.is_trial else [another, polish]
    progress = Progress([*recipes, polish, *of_shipped], data, on_progress)
    with TemporaryDirectory() as scratch:
        say(f"Fine-tuning without {held.sum()} photographs, which are held back to measure")
        networks = [train_network(lessons, ~held, recipe, progress) for recipe in recipes]
        mended = train_network(lessons, ~held, polish, progress, start=networks)
        trained = _open(work, mended.network, ~held, Path(scratch) / "measured.onnx")
        say("Measuring")
        found = _measure(work, trained, held)
        if not settings.is_trial:
            say("Fine-tuning on all photographs")
            everything = np.ones_like(held)
            networks.append(train_network(lessons, everything, another, progress))
            mended = train_network(lessons, everything, polish, progress, start=networks)
            trained = _open(work, mended.network, everything, Path(scratch) / "shipped.onnx")
            found = _carry_over(work, trained, found)
        _write(out, work, trained, found)
    return found.metrics


@dataclass(frozen=True)
class _Work:
    settings: Settings
    recipes: Sequence[Recipe]
    polish: Recipe
    lessons: Lessons


@dataclass(frozen=True)
class _Trained:
    """A network as prediction runs it, and the phone photographs it learnt from."""

    weights: Path
    backbone: Backbone
    linear: Linear
    learnt: NDArray[np.bool_]


def _hold_back(phone: Pictures, share: float) -> NDArray[np.bool_]:
    backbone = load_backbone(BACKBONE)
    pixels = prepare_all(phone, Preprocessing.from_backbone(backbone.spec))[:, 0]
    features = extract_features(pixels, backbone=backbone)
    return hold_back_groups(features, phone.folders, share=share)


def _open(work: _Work, network: Lite0, learnt: NDArray[np.bool_], target: Path) -> _Trained:
    """Write a network to ``target`` and open it as prediction does."""
    write_weights(network, source=find_weights(find_backbone(BACKBONE)), target=target)
    size = work.settings.size
    spec = replace(find_backbone(BACKBONE), input_size=(size, size))
    backbone = open_backbone(spec, target, n_threads=os.cpu_count() or 1, verified=True)
    weights, bias = read_linear(network)
    n_labels = len(work.lessons.labels)
    return _Trained(target, backbone, Linear(weights[:n_labels], bias[:n_labels]), learnt)


def _measure(work: _Work, trained: _Trained, held: NDArray[np.bool_]) -> Measured:
    data = work.lessons.data
    phone = data.phone.choose(np.flatnonzero(held))
    return measure(
        trained.linear,
        work.lessons.labels,
        phone=(_views(trained, phone), work.lessons.y_phone[held]),
        learnt=_learnt(work, trained),
        refused_share=work.settings.refused_share,
        **_never_learnt(work, trained),
    )


def _carry_over(work: _Work, trained: _Trained, found: Measured) -> Measured:
    head = carry_over(
        found.head, make_head(trained.linear, work.lessons.labels, _learnt(work, trained))
    )
    shipped = score_shipped(head, found.rule, work.lessons.labels, **_never_learnt(work, trained))
    return replace(found, head=head, metrics=found.metrics | {"shipped": shipped})


def _never_learnt(work: _Work, trained: _Trained) -> dict[str, Any]:
    data = work.lessons.data
    return {
        "studio_test": (_views(trained, data.studio_test), data.studio_test.folders),
        "strangers_test": _views(trained, data.strangers_test),
        "unseen": (_views(trained, data.unseen), data.unseen.folders),
    }


def _learnt(work: _Work, trained: _Trained) -> tuple[Part, Part]:
    """Return whole phone photographs and studio frames that the network learnt from."""
    data = work.lessons.data
    phone = data.phone.choose(np.flatnonzero(trained.learnt))
    # Frames of one turning fruit: a third shows all of it.
    some = range(0, len(data.studio), 3)
    return (
        Part(_views(trained, phone, (WHOLE,))[:, 0], work.lessons.y_phone[trained.learnt]),
        Part(
            _views(trained, data.studio.choose(some), (WHOLE,))[:, 0], work.lessons.y_studio[some]
        ),
    )


def _views(trained: _Trained, pictures: Pictures, views: Sequence[View] = VIEWS) -> FloatArray:
    """Return the features of all views as prediction computes them, (n, n_views, 1280)."""
    preprocessing = Preprocessing.from_backbone(trained.backbone.spec, views=tuple(views))
    found = [np.zeros((0, len(views), N_FEATURES), np.float32)]
    for start in range(0, len(pictures), 16):
        part = pictures.choose(range(start, min(start + 16, len(pictures))))
        pixels = prepare_all(part, preprocessing)
        features = extract_features(
            pixels.reshape(-1, *pixels.shape[2:]), backbone=trained.backbone
        )
        found.append(features.reshape(len(part), len(views), N_FEATURES))
    return np.concatenate(found)


def _write(out: Path, work: _Work, trained: _Trained, found: Measured) -> None:
    data = work.lessons.data
    spec = trained.backbone.spec
    training = {
        "recipes": [asdict(recipe) for recipe in work.recipes],
        "mending": asdict(work.polish),
        "left_out": list(work.settings.leave_out),
        "n_pictures": {
            "phone": int(trained.learnt.sum()),
            "phone_held_back": found.metrics["phone"]["n"],
            "studio": len(data.studio),
            "no_fruit": len(data.strangers),
        },
    }
    write_recogniser(
        open_location(out),
        found.head,
        backbone=trained.weights,
        spec=spec,
        labels=work.lessons.labels,
        rule=found.rule,
        metrics=found.metrics,
        training=training,
        licences=LICENCES,
        preprocessing=Preprocessing.from_backbone(spec, views=VIEWS),
        half=True,
    )
    write_card(out)
