"""Train one network from a pack, and keep it in a file with what it was made from."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from pomona.backbones import find_backbone, find_weights
from recipes.default_recogniser.fitting import Recipe, fit_network
from recipes.default_recogniser.lessons import BACKBONE, Targets, find_examples, read_pack
from recipes.default_recogniser.network import (
    Lite0,
    average_networks,
    load_network,
    read_answers,
    restore_network,
    save_network,
)

__all__ = ["SIDE", "train"]

Say = Callable[[str], None]
OnProgress = Callable[[int, int], None]

# Pictures are held as squares of this side.
SIDE = 256


def train(
    pack_file: Path,
    target: Path,
    recipe: Recipe,
    *,
    leave_out: Sequence[str] = (),
    hold_back: bool = False,
    start: Sequence[Path] = (),
    device: str = "cpu",
    say: Say = lambda _: None,
    on_progress: OnProgress | None = None,
) -> None:
    """Fine-tune the shipped backbone, or go on from the mean of some networks.

    Parameters
    ----------
    pack_file : Path
    target : Path
        ``.npz``: the weights, and ``__about__``.
    recipe : Recipe
    leave_out : sequence of str
        Sets nothing is learnt from.
    hold_back : bool
        Learn nothing from some groups of phone photographs: they measure.
    start : sequence of Path
        Networks that this command wrote, or others with the same outputs.
    device : str
    say, on_progress : callable
    """
    say("Reading the pictures")
    pack = read_pack(pack_file)
    targets = Targets.of(pack)
    held = pack.held_back() if hold_back else None
    examples = find_examples(pack, targets, without=leave_out, held=held)
    weights = find_weights(find_backbone(BACKBONE))

    def load(path: Path | None) -> Lite0:
        network = load_network(weights, n_outputs=targets.n_outputs, dropout=recipe.dropout)
        return restore_network(network, path, targets.names) if path else network

    networks = [load(path) for path in start] or [load(None)]
    teacher = load_network(weights, n_outputs=1, dropout=0.0)
    say(f"Training on {', '.join(f'{len(some)} {kind}' for kind, some in examples.items())}")
    network = fit_network(
        average_networks(networks),
        pack.squares(SIDE),
        examples,
        targets,
        recipe,
        teacher=teacher,
        answers=read_answers(weights),
        device=device,
        on_progress=on_progress,
    )
    about = {
        "recipe": asdict(recipe),
        "left_out": list(leave_out),
        "held_back": hold_back,
        "start": [path.name for path in start],
        "n_pictures": {kind: len({one.picture for one in some}) for kind, some in examples.items()},
    }
    names = np.array(targets.names)
    save_network(network, target, about=np.array(json.dumps(about)), names=names)
