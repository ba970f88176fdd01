"""Make the default recogniser: hold back, fine-tune, calibrate, measure, pack."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pomona.backbones import load_backbone
from pomona.features import extract_features
from pomona.finetuning.augmentation import vary_phone, vary_stranger, vary_studio
from pomona.finetuning.fitting import Recipe, Source, fit_network
from pomona.finetuning.groups import hold_back_groups
from pomona.finetuning.measuring import Measured, measure
from pomona.finetuning.network import (
    N_FEATURES,
    Lite0,
    compute_features,
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
    resize_all,
)
from pomona.recognition.classifiers import Linear
from pomona.recognition.decisions import ModelLabel
from pomona.recognition.labelling import name_labels
from pomona.recognition.packing import write_recogniser

__all__ = ["Settings", "make_recogniser"]

FloatArray = NDArray[np.floating]
Say = Callable[[str], None]
OnProgress = Callable[[int, int], None]

BACKBONE: Final = "efficientnet_lite0"
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
    size: int = 320
    held_share: float = 0.12
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
    phone_held = data.phone.choose(np.flatnonzero(held))

    def vectors(pictures: Pictures) -> FloatArray:
        return _vectors(network, pictures, size=settings.size)

    found = measure(
        _linear(network, len(labels)),
        labels,
        phone=(vectors(phone_held), y_phone[held]),
        studio_test=(vectors(data.studio_test), data.studio_test.folders),
        learnt=vectors(_sample(data.phone.choose(np.flatnonzero(~held)), data.studio)),
        strangers=vectors(data.strangers),
        strangers_test=vectors(data.strangers_test),
        unseen=(vectors(data.unseen), data.unseen.folders),
        refused_share=settings.refused_share,
    )
    _write(out, network, source, labels, found, settings=settings, recipe=recipe, data=data)
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
    size = backbone.spec.input_size[0]
    features = extract_features(resize_all(phone, size), backbone=backbone)
    return hold_back_groups(features, phone.folders, share=share)


def _source_file() -> Path:
    from pomona.backbones import find_backbone, find_weights

    return find_weights(find_backbone(BACKBONE))


def _sample(phone: Pictures, studio: Pictures) -> Pictures:
    # The probe learns fruit against no fruit; a fifth of the frames shows all of it.
    some = studio.choose(range(0, len(studio), 5))
    return Pictures([*phone.pixels, *some.pixels], [*phone.folders, *some.folders])


def _vectors(network: Lite0, pictures: Pictures, *, size: int) -> FloatArray:
    """Return the features of whole pictures, (n, 1280), as prediction computes them."""
    found = [np.zeros((0, N_FEATURES), np.float32)]
    for start in range(0, len(pictures), 32):
        part = pictures.choose(range(start, min(start + 32, len(pictures))))
        found.append(compute_features(network, resize_all(part, size)))
    return np.concatenate(found)


def _linear(network: Lite0, n_labels: int) -> Linear:
    """Return the layer without its last output, which stands for no fruit."""
    weights, bias = read_linear(network)
    return Linear(weights[:n_labels], bias[:n_labels])


def _write(
    out: Path,
    network: Lite0,
    source: Path,
    labels: Sequence[ModelLabel],
    found: Measured,
    *,
    settings: Settings,
    recipe: Recipe,
    data: _Data,
) -> None:
    from pomona.backbones import find_backbone
    from pomona.finetuning.card import write_card

    spec = find_backbone(BACKBONE)
    training = {
        "recipe": asdict(recipe),
        "size": settings.size,
        "left_out": list(settings.leave_out),
        "n_pictures": {
            "phone": len(data.phone),
            "phone_held_back": found.metrics["phone"]["n"],
            "studio": len(data.studio),
            "no_fruit": len(data.strangers),
        },
    }
    with TemporaryDirectory() as scratch:
        tuned = Path(scratch) / "backbone.onnx"
        write_weights(network, source=source, target=tuned)
        write_recogniser(
            out,
            found.head,
            backbone=tuned,
            spec=replace(spec, input_size=(settings.size, settings.size)),
            labels=labels,
            rule=found.rule,
            metrics=found.metrics,
            training=training,
            licences=LICENCES,
            half=True,
        )
    write_card(out)
