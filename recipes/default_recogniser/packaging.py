"""Calibrate, measure and pack: from trained networks to the model folder that is shipped."""

import json
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pomona.backbones import Backbone, BackboneSpec, find_backbone, find_weights
from pomona.backbones.loaded import open_backbone
from pomona.errors import TrainingError
from pomona.features.batch import extract_features
from pomona.recognition.head import Head
from pomona.recognition.views import WHOLE, Preprocessing, View, prepare_views
from pomona.storage.locations import open_location
from pomona.training.packing import write_recogniser
from recipes.default_recogniser.card import write_card
from recipes.default_recogniser.lessons import BACKBONE, Pack, Targets, read_pack
from recipes.default_recogniser.measuring import (
    Calibrated,
    Shown,
    make_head,
    measure,
    score_place,
)
from recipes.default_recogniser.network import (
    N_FEATURES,
    load_network,
    read_linear,
    restore_network,
    write_weights,
)

__all__ = ["SIZE", "package"]

Say = Callable[[str], None]

# Larger than in training, where parts are enlarged.
SIZE: Final = 256
# Each costs a run of the network: photographs of shelves want a closer middle.
VIEWS: Final = (WHOLE, View(flip=True), View(size=0.65, square=True))
# A place with fewer kinds of fruit says little of refusals.
LEAST_KINDS: Final = 3
LICENCES: Final = (
    "Grocery Store Dataset: MIT, Copyright (c) 2019 Marcus Klasson",
    "Fruits-360: MIT, Copyright (c) 2017-2019 Mihai Oltean, Horea Muresan",
    "FruterIA: MIT, Copyright (c) 2019 Jose Luis Rojas Aranda",
    "FruitSeg30: CC BY 4.0, F M J M Shamrat and co-authors, DOI 10.17632/vkht8pfsp3.3",
    "Open Images photographs (6 kinds of fruit): CC BY 2.0; boxes: CC BY 4.0",
    "proyecto-final-fgctm: CC BY 4.0, lorddanietom",
    "mslearn-ai-vision: MIT, Copyright (c) 2023 Microsoft Learn",
    "bananas: MIT, Copyright (c) 2022 Peter Solymos",
    "IoT-For-Beginners: MIT, Copyright (c) 2021 Microsoft",
    "crops-parser photographs: CC0, CC BY and CC BY-SA, their authors",
)


@dataclass(frozen=True)
class _Trained:
    """A network as prediction runs it."""

    about: dict[str, Any]
    weights: Path
    spec: BackboneSpec
    backbone: Backbone
    head: Head


def package(
    pack_file: Path,
    network: Path,
    measured: Path,
    out: Path,
    *,
    size: int = SIZE,
    say: Say = lambda _: None,
) -> dict[str, Any]:
    """Write a model folder and return its measures.

    Parameters
    ----------
    pack_file : Path
    network : Path
        What is shipped.
    measured : Path
        Trained alike without some sets and some groups of phone photographs: temperature, refusal,
        rule and scores are found there.
    out : Path
        Model folder; files of the same names are replaced.
    size : int
        Side of the pictures in prediction.
    say : callable

    Raises
    ------
    TrainingError
        If ``measured`` has learnt from everything.
    """
    pack = read_pack(pack_file)
    targets = Targets.of(pack)
    with TemporaryDirectory() as scratch:
        other = _open(measured, targets, size, Path(scratch) / "measured.onnx")
        left_out = other.about["left_out"]
        if not left_out or not other.about["held_back"]:
            raise TrainingError(
                f"The network '{measured}' has learnt from everything. It cannot be measured on "
                "what it never saw. Train one with --leave-out and --hold-back."
            )
        say(f"Measuring where nothing was learnt: {', '.join(left_out)}")
        places = _find_places(pack, targets, left_out, other)
        strangers = _show(pack, targets, pack.find("none_test"), other)
        found, metrics = measure(other.head, places, strangers, targets.labels)
        shipped = _open(network, targets, size, Path(scratch) / "shipped.onnx")
        head = replace(
            shipped.head,
            temperature=found.head.temperature,
            rejection=found.head.rejection,
        )
        metrics["shipped"] = _score_shipped(Calibrated(head, found.rule), pack, targets, shipped)
        world = {pack.rows[i]["fruit"] for i in pack.find("world")} & set(targets.fruits)
        write_recogniser(
            open_location(out),
            head,
            backbone=shipped.weights,
            spec=shipped.spec,
            labels=targets.labels,
            rule=found.rule,
            metrics=metrics,
            training={
                "shipped": shipped.about,
                "measured": other.about,
                "n_world_fruits": len(world),
            },
            licences=LICENCES,
            preprocessing=Preprocessing.from_backbone(shipped.spec, views=VIEWS),
            half=True,
        )
    write_card(out)
    return metrics


def _open(path: Path, targets: Targets, size: int, target: Path) -> _Trained:
    weights = find_weights(find_backbone(BACKBONE))
    network = load_network(weights, n_outputs=targets.n_outputs, dropout=0.0)
    restore_network(network, path, targets.names)
    write_weights(network, source=weights, target=target)
    spec = replace(find_backbone(BACKBONE), input_size=(size, size))
    with np.load(path, allow_pickle=False) as arrays:
        about = json.loads(str(arrays["__about__"]))
    backbone = open_backbone(spec, target, n_threads=os.cpu_count() or 1, verified=True)
    return _Trained(about, target, spec, backbone, make_head(*read_linear(network)))


def _find_places(
    pack: Pack, targets: Targets, left_out: Sequence[str], trained: _Trained
) -> dict[str, Shown]:
    phone = np.flatnonzero(pack.held_back()).tolist()
    found = {
        "phone": _show(pack, targets, phone, trained),
        "studio": _show(pack, targets, pack.find("studio_test"), trained),
    }
    for name in left_out:
        inside = [i for i in pack.find("world") if pack.rows[i]["set"] == name]
        shown = _show(pack, targets, inside, trained)
        if len(set(shown.fruit.tolist())) >= LEAST_KINDS:
            found[name] = shown
    return found


def _score_shipped(
    one: Calibrated, pack: Pack, targets: Targets, trained: _Trained
) -> dict[str, Any]:
    """Return the scores on what the shipped network did not learn from either."""
    studio = _show(pack, targets, pack.find("studio_test"), trained)
    found = one.apply(studio.features).probabilities.argmax(axis=1)
    strangers = _show(pack, targets, pack.find("none_test"), trained)
    return {
        "studio": {"n": len(studio), "accuracy": float((found == studio.label).mean())},
        "no_fruit": {
            "n": len(strangers),
            "refused": score_place(one, strangers, targets.labels)["refused"],
        },
    }


def _show(pack: Pack, targets: Targets, which: Sequence[int], trained: _Trained) -> Shown:
    """Return those pictures of one kind of fruit, or of none, as a network sees them."""
    rows = [(i, pack.rows[i]) for i in which]
    nothing = int(targets.of_fruit[-1])
    known = [
        (i, row, fruit)
        for i, row in rows
        if (fruit := targets.fruit(row["folder"], row["fruit"])) is not None
    ]
    fruits = [-1 if fruit == nothing else fruit for _, _, fruit in known]
    labels = [targets.of_folder.get(row["folder"] or "", -1) for _, row, _ in known]
    # What has a label of its own stands for itself.
    objects = tuple(
        row["object"] if row["folder"] is None else f"{row['object']}/{i}" for i, row, _ in known
    )
    features = _features(pack, [i for i, _, _ in known], trained)
    return Shown(features, np.array(fruits), np.array(labels), objects)


def _features(pack: Pack, which: Sequence[int], trained: _Trained) -> NDArray[np.float32]:
    """Return what prediction computes, (n, n_views, n_features)."""
    preprocessing = Preprocessing.from_backbone(trained.spec, views=VIEWS)
    found = [np.zeros((0, len(VIEWS), N_FEATURES), np.float32)]
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(which), 32):
            images = pool.map(pack.image, which[start : start + 32])
            pixels = np.stack(list(pool.map(lambda one: prepare_views(one, preprocessing), images)))
            flat = pixels.reshape(-1, *pixels.shape[2:])
            features = extract_features(flat, backbone=trained.backbone)
            found.append(features.reshape(len(pixels), len(VIEWS), N_FEATURES))
    return np.concatenate(found)
