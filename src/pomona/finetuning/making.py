"""Make the default recogniser: hold back, fine-tune, calibrate, measure, pack."""

import os
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pomona.backbones import (
    Backbone,
    BackboneSpec,
    find_backbone,
    find_weights,
    load_backbone,
)
from pomona.backbones.loaded import open_backbone
from pomona.features import extract_features
from pomona.finetuning.augmentation import vary_phone, vary_stranger, vary_studio
from pomona.finetuning.fitting import Recipe, Source, fit_network
from pomona.finetuning.groups import hold_back_groups
from pomona.finetuning.measuring import Measured, measure
from pomona.finetuning.network import (
    N_FEATURES,
    Lite0,
    load_network,
    read_linear,
    write_weights,
)
from pomona.finetuning.pictures import (
    PHONE,
    STUDIO,
    STUDIO_TEST,
    Pictures,
    check_data,
    load_pictures,
    prepare_all,
)
from pomona.recognition.classifiers import Linear
from pomona.recognition.decisions import ModelLabel
from pomona.recognition.labelling import name_labels
from pomona.recognition.packing import write_recogniser
from pomona.recognition.preprocessing import WHOLE, Preprocessing, View

__all__ = ["Settings", "make_recogniser"]

FloatArray = NDArray[np.floating]
Say = Callable[[str], None]
OnProgress = Callable[[int, int], None]

BACKBONE: Final = "efficientnet_lite0"
# Each costs a run of the network; docs/how-to/default-recogniser.md has what others gave.
VIEWS: Final = (WHOLE, View(flip=True), View(size=0.8, square=True))
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
    phone_per_step, studio_per_step, strangers_per_step : int
    """

    data: Path
    strangers: Path | None = None
    strangers_test: Path | None = None
    size: int = 288
    held_share: float = 0.14
    leave_out: tuple[str, ...] = ()
    refused_share: float = 0.03
    phone_per_step: int = 36
    studio_per_step: int = 12
    strangers_per_step: int = 8


def make_recogniser(
    settings: Settings,
    out: Path,
    *,
    recipe: Recipe | None = None,
    say: Say = lambda _: None,
    on_progress: OnProgress | None = None,
) -> dict[str, Any]:
    """Write a model folder and return its measures.

    Parameters
    ----------
    settings : Settings
    out : Path
        Model folder; files of the same names are replaced.
    recipe : Recipe, optional
    say : callable
        Gets one line for each step.
    on_progress : callable, optional
        As for :func:`fit_network`.

    Raises
    ------
    TrainingError
        If a data set is missing.
    """
    recipe = recipe or Recipe()
    check_data(settings.data)
    say("Decoding the pictures")
    data = _load(settings)
    labels, index = name_labels([*data.phone.folders, *data.studio.folders], merge=True)
    y_phone, y_studio = index[: len(data.phone)], index[len(data.phone) :]
    say("Finding groups of alike photographs")
    held = _hold_back(data.phone, settings.held_share)
    source = _source_file()
    network = load_network(source, n_outputs=len(labels) + 1, dropout=recipe.dropout)
    sources = [
        Source(
            data.phone.choose(np.flatnonzero(~held)).pixels,
            y_phone[~held].tolist(),
            vary_phone,
            settings.phone_per_step,
        ),
        Source(data.studio.pixels, y_studio.tolist(), vary_studio, settings.studio_per_step),
    ]
    if data.strangers:
        no_fruit = [len(labels)] * len(data.strangers)
        sources.append(
            Source(data.strangers.pixels, no_fruit, vary_stranger, settings.strangers_per_step)
        )
    say(f"Fine-tuning on {sum(len(each.y) for each in sources)} pictures, {len(labels)} labels")
    network = fit_network(network, sources, recipe, on_progress=on_progress)
    say("Measuring")
    with TemporaryDirectory() as scratch:
        weights = Path(scratch) / "backbone.onnx"
        write_weights(network, source=source, target=weights)
        spec = replace(find_backbone(BACKBONE), input_size=(settings.size, settings.size))
        found = _measure(
            _linear(network, len(labels)),
            labels,
            data,
            (y_phone, held),
            backbone=open_backbone(spec, weights, n_threads=os.cpu_count() or 1, verified=True),
            refused_share=settings.refused_share,
        )
        training = _describe(settings, recipe, data, found)
        _write(out, weights, spec, labels, found, training)
    return found.metrics


@dataclass(frozen=True)
class _Data:
    phone: Pictures
    studio: Pictures
    studio_test: Pictures
    strangers: Pictures
    strangers_test: Pictures
    unseen: Pictures


def _load(settings: Settings) -> _Data:
    phone, studio, test = (
        load_pictures(settings.data / name) for name in (PHONE, STUDIO, STUDIO_TEST)
    )
    left_out = set(settings.leave_out)
    nothing = Pictures([], [])
    unseen = [_with(each, left_out) for each in (phone, test)]
    known = set(phone.folders) | set(studio.folders)
    unknown = {folder for folder in test.folders if folder not in known}
    unseen.append(_with(test, unknown - left_out))
    return _Data(
        _without(phone, left_out),
        _without(studio, left_out),
        _without(test, left_out | unknown),
        load_pictures(settings.strangers) if settings.strangers else nothing,
        load_pictures(settings.strangers_test) if settings.strangers_test else nothing,
        Pictures(
            [pixels for each in unseen for pixels in each.pixels],
            [folder for each in unseen for folder in each.folders],
        ),
    )


def _with(pictures: Pictures, folders: set[str]) -> Pictures:
    return pictures.choose([i for i, name in enumerate(pictures.folders) if name in folders])


def _without(pictures: Pictures, folders: set[str]) -> Pictures:
    return pictures.choose([i for i, name in enumerate(pictures.folders) if name not in folders])


def _hold_back(phone: Pictures, share: float) -> NDArray[np.bool_]:
    backbone = load_backbone(BACKBONE)
    pixels = prepare_all(phone, Preprocessing.from_backbone(backbone.spec))[:, 0]
    features = extract_features(pixels, backbone=backbone)
    return hold_back_groups(features, phone.folders, share=share)


def _source_file() -> Path:
    return find_weights(find_backbone(BACKBONE))


def _sample(phone: Pictures, studio: Pictures) -> Pictures:
    # The probe learns fruit against no fruit; a fifth of the frames shows all of it.
    some = studio.choose(range(0, len(studio), 5))
    return Pictures([*phone.pixels, *some.pixels], [*phone.folders, *some.folders])


def _measure(
    linear: Linear,
    labels: Sequence[ModelLabel],
    data: _Data,
    phone: tuple[NDArray[np.integer], NDArray[np.bool_]],
    *,
    backbone: Backbone,
    refused_share: float,
) -> Measured:
    all_views = Preprocessing.from_backbone(backbone.spec, views=VIEWS)
    one_view = Preprocessing.from_backbone(backbone.spec)
    y, held = phone

    def vectors(pictures: Pictures) -> FloatArray:
        return _compute_views(backbone, pictures, all_views)

    def vectors_of_one(pictures: Pictures) -> FloatArray:
        return _compute_views(backbone, pictures, one_view)[:, 0]

    return measure(
        linear,
        labels,
        phone=(vectors(data.phone.choose(np.flatnonzero(held))), y[held]),
        studio_test=(vectors(data.studio_test), data.studio_test.folders),
        learnt=vectors_of_one(_sample(data.phone.choose(np.flatnonzero(~held)), data.studio)),
        strangers=vectors_of_one(data.strangers),
        strangers_test=vectors(data.strangers_test),
        unseen=(vectors(data.unseen), data.unseen.folders),
        refused_share=refused_share,
    )


def _compute_views(
    backbone: Backbone, pictures: Pictures, preprocessing: Preprocessing
) -> FloatArray:
    """Return the features of all views as prediction computes them, (n, n_views, 1280)."""
    n_views = len(preprocessing.views)
    found = [np.zeros((0, n_views, N_FEATURES), np.float32)]
    for start in range(0, len(pictures), 16):
        part = pictures.choose(range(start, min(start + 16, len(pictures))))
        pixels = prepare_all(part, preprocessing)
        features = extract_features(pixels.reshape(-1, *pixels.shape[2:]), backbone=backbone)
        found.append(features.reshape(len(part), n_views, N_FEATURES))
    return np.concatenate(found)


def _linear(network: Lite0, n_labels: int) -> Linear:
    """Return the layer without its last output, which stands for no fruit."""
    weights, bias = read_linear(network)
    return Linear(weights[:n_labels], bias[:n_labels])


def _describe(settings: Settings, recipe: Recipe, data: _Data, found: Measured) -> dict[str, Any]:
    return {
        "recipe": asdict(recipe),
        "left_out": list(settings.leave_out),
        "n_pictures": {
            "phone": len(data.phone),
            "phone_measuring": found.metrics["phone"]["n"],
            "phone_held_back": found.n_held_back,
            "studio": len(data.studio),
            "no_fruit": len(data.strangers),
        },
    }


def _write(
    out: Path,
    weights: Path,
    spec: BackboneSpec,
    labels: Sequence[ModelLabel],
    found: Measured,
    training: dict[str, Any],
) -> None:
    from pomona.finetuning.card import write_card

    write_recogniser(
        out,
        found.head,
        backbone=weights,
        spec=spec,
        labels=labels,
        rule=found.rule,
        metrics=found.metrics,
        training=training,
        licences=LICENCES,
        preprocessing=Preprocessing.from_backbone(spec, views=VIEWS),
        half=True,
    )
    write_card(out)
