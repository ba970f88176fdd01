"""Train a network on varied pictures: AdamW, one cycle, blended pictures, averaged weights."""

import copy
import math
import random
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from recipes.default_recogniser.lessons import Example, Targets
from recipes.default_recogniser.network import Lite0, normalise
from recipes.default_recogniser.variation import paste, recolour, vary

__all__ = ["Recipe", "fit_network"]

OnProgress = Callable[[int, int], None]

# Pictures of one step, by kind.
SHARES: Final = {"phone": 0.28, "studio": 0.18, "world": 0.42, "none": 0.12}
# Studio frames that are laid on other pictures.
PASTED: Final = 0.6
# How much rarer ones are drawn oftener.
EVENNESS: Final = 0.6
SMOOTHING: Final = 0.1
FRUIT_WEIGHT: Final = 0.7
SOFTNESS: Final = 2.0


@dataclass(frozen=True)
class Recipe:
    """How a network is fine-tuned.

    Parameters
    ----------
    n_steps : int
        How many times the weights change.
    minutes : float or None
        Ends after so long instead; the steps are then as many as the machine makes.
    size : int
        Side of the pictures in pixels; prediction takes larger ones.
    batch : int
        Pictures of one step.
    frozen_blocks : int
        The first blocks stay as they were.
    filters : bool
        Whether the filters of depthwise convolutions stay too.
    learning_rate : float
        Highest, for the backbone; the new layer has four times as much.
    distilled : float
        What the untouched network's answers to ImageNet's classes count: it forgets less.
    blended : float
        Share of the steps whose pictures are blended with each other.
    dropout, weight_decay, averaging : float
    seed : int
    """

    n_steps: int = 900
    minutes: float | None = None
    size: int = 192
    batch: int = 96
    frozen_blocks: int = 4
    filters: bool = True
    learning_rate: float = 5e-4
    distilled: float = 0.5
    blended: float = 0.4
    dropout: float = 0.2
    weight_decay: float = 0.03
    averaging: float = 0.995
    seed: int = 0


class _Batches:
    """Pictures of a step and their targets, made where the network is."""

    def __init__(
        self,
        squares: NDArray[np.uint8],
        examples: Mapping[str, Sequence[Example]],
        targets: Targets,
        recipe: Recipe,
        device: str,
    ) -> None:
        self._pixels = torch.from_numpy(squares)
        if device != "cpu":
            self._pixels = self._pixels.to(device)
        self._examples, self._recipe, self._device = examples, recipe, device
        n = targets.n_outputs
        self._weights: dict[str, list[float]] = {}
        for kind, some in examples.items():
            # Of the world's pictures the fruit is what is even, whatever they are called.
            keys = [
                int(targets.of_fruit[one.target]) + n
                if kind == "world" and one.target < n
                else one.target
                for one in some
            ]
            counts = Counter(keys)
            self._weights[kind] = [counts[key] ** -EVENNESS for key in keys]
        shares = {kind: SHARES[kind] for kind in examples}
        whole = sum(shares.values())
        self._n = {kind: round(recipe.batch * share / whole) for kind, share in shares.items()}

    def make(self) -> tuple[Tensor, Tensor]:
        """Return pixels (n, 3, size, size) and targets (n,)."""
        size = self._recipe.size
        pixels, targets = [], []
        for kind, n in self._n.items():
            some = random.choices(self._examples[kind], self._weights[kind], k=n)
            x = self._take([one.picture for one in some])
            if kind == "studio":
                cut = int(n * PASTED)
                laid = paste(x[:cut], size, self._draw_rooms)
                pixels.append(torch.cat([laid, vary(x[cut:], size, area=(0.5, 1.0), degrees=15.0)]))
            else:
                area = (0.1, 1.0) if kind == "none" else (0.2, 1.0)
                windows = [one.window for one in some]
                pixels.append(vary(x, size, area=area, windows=windows))
            targets += [one.target for one in some]
        return recolour(torch.cat(pixels)), torch.tensor(targets, device=self._device)

    def _draw_rooms(self, n: int) -> Tensor:
        rooms = self._examples.get("none") or self._examples["studio"]
        return self._take([one.picture for one in random.choices(rooms, k=n)])

    def _take(self, which: Sequence[int]) -> Tensor:
        index = torch.tensor(which, device=self._pixels.device)
        return self._pixels[index].permute(0, 3, 1, 2).float().to(self._device)


def fit_network(
    network: Lite0,
    squares: NDArray[np.uint8],
    examples: Mapping[str, Sequence[Example]],
    targets: Targets,
    recipe: Recipe,
    *,
    teacher: Lite0,
    answers: nn.Linear,
    device: str = "cpu",
    on_progress: OnProgress | None = None,
) -> Lite0:
    """Train, and return the network with averaged weights, ready to be asked.

    Parameters
    ----------
    network : Lite0
        Changed in place.
    squares : uint8 array of shape (n, side, side, 3)
    examples : dict of str to sequence of Example
    targets : Targets
    recipe : Recipe
    teacher : Lite0
        The untouched network.
    answers : Linear
        Its last layer.
    device : str
    on_progress : callable, optional
        Gets the steps done, and how many it will be; or seconds, where minutes are given.
    """
    torch.manual_seed(recipe.seed)
    random.seed(recipe.seed)
    rng = random.Random(recipe.seed)
    batches = _Batches(squares, examples, targets, recipe, device)
    network.to(device).freeze(recipe.frozen_blocks, filters=recipe.filters)
    with torch.no_grad():
        network.add_normalisation(normalise(batches.make()[0]))
    network.freeze(recipe.frozen_blocks, filters=recipe.filters)
    network = network.to(device, memory_format=torch.channels_last)
    teacher = teacher.to(device, memory_format=torch.channels_last).eval()
    fixed, moving = answers.to(device), copy.deepcopy(answers).to(device)
    average = copy.deepcopy(network).eval()
    optimiser = _make_optimiser(network, moving, recipe)
    highest = [group["lr"] for group in optimiser.param_groups]
    loss_of = _Loss(targets, device)
    began = time.monotonic()
    network.learn()
    step = 0
    while (share := _share_done(step, began, recipe)) < 1:
        rate = min(1.0, (step + 1) / 60) * 0.5 * (1 + math.cos(math.pi * share))
        for group, most in zip(optimiser.param_groups, highest, strict=True):
            group["lr"] = rate * most
        with torch.no_grad():
            pixels, y = batches.make()
            x = normalise(pixels)
        order = torch.tensor(rng.sample(range(len(x)), len(x)), device=device)
        own = rng.betavariate(0.3, 0.3) if rng.random() < recipe.blended else 1.0
        if own < 1:
            x = own * x + (1 - own) * x[order]
        with torch.autocast(device, torch.bfloat16):
            features = network.features(x)
        features = features.float()
        z = network.linear(network.dropout(features))
        loss = own * loss_of(z, y) + (1 - own) * loss_of(z, y[order])
        if recipe.distilled:
            with torch.no_grad(), torch.autocast(device, torch.bfloat16):
                seen = teacher.features(x)
            loss = loss + recipe.distilled * _forget_less(moving(features), fixed(seen.float()))
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        step += 1
        _move_average(average, network, min(recipe.averaging, (1 + step) / (10 + step)))
        if on_progress is not None:
            on_progress(*_progress(step, began, recipe))
    return average.cpu()


def _share_done(step: int, began: float, recipe: Recipe) -> float:
    if recipe.minutes is None:
        return step / recipe.n_steps
    return (time.monotonic() - began) / (60 * recipe.minutes)


def _progress(step: int, began: float, recipe: Recipe) -> tuple[int, int]:
    if recipe.minutes is None:
        return step, recipe.n_steps
    return int(time.monotonic() - began), int(60 * recipe.minutes)


def _forget_less(z: Tensor, wanted: Tensor) -> Tensor:
    """Return how far answers are from those of the untouched network.

    References
    ----------
    Li and Hoiem, Learning without Forgetting, 2016.
    """
    target = functional.softmax(wanted.detach() / SOFTNESS, dim=1)
    given = functional.log_softmax(z / SOFTNESS, dim=1)
    return SOFTNESS**2 * functional.kl_div(given, target, reduction="batchmean")


def _make_optimiser(network: Lite0, answers: nn.Linear, recipe: Recipe) -> torch.optim.Optimizer:
    rate = recipe.learning_rate
    backbone = [
        parameter
        for name, parameter in network.named_parameters()
        if parameter.requires_grad and not name.startswith("linear")
    ]
    groups: list[dict[str, Any]] = [
        {"params": backbone, "lr": rate},
        {"params": list(network.linear.parameters()), "lr": 4 * rate},
        {"params": list(answers.parameters()), "lr": rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=recipe.weight_decay)


class _Loss:
    """Cross-entropy of the label with smoothing, and of the fruit; or of the fruit alone."""

    def __init__(self, targets: Targets, device: str) -> None:
        of_fruit = targets.of_fruit
        n_fruits = int(of_fruit.max()) + 1
        is_member = torch.from_numpy(np.arange(n_fruits)[:, None] == of_fruit)
        self._outside = torch.zeros(is_member.shape).masked_fill(~is_member, -1e9).to(device)
        # Of each target: some are a fruit already.
        both = np.concatenate([of_fruit, np.arange(n_fruits)])
        self._fruit_of = torch.from_numpy(both).to(device)

    def __call__(self, z: Tensor, y: Tensor) -> Tensor:
        log_p = functional.log_softmax(z, dim=1)
        of_fruits = torch.logsumexp(log_p[:, None] + self._outside, dim=2)
        of_target = functional.nll_loss(torch.cat([log_p, of_fruits], dim=1), y)
        of_fruit = functional.nll_loss(of_fruits, self._fruit_of[y])
        return (1 - SMOOTHING) * of_target - SMOOTHING * log_p.mean() + FRUIT_WEIGHT * of_fruit


@torch.no_grad()
def _move_average(average: Lite0, network: Lite0, memory: float) -> None:
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    for mean, value in pairs:
        if value.dtype.is_floating_point:
            mean.lerp_(value, 1 - memory)
        else:
            mean.copy_(value)
