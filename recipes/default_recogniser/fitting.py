"""Train a network on varied pictures: AdamW, one cycle, mixed pictures, averaged weights."""

import copy
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

from recipes.default_recogniser.augmentation import recolour
from recipes.default_recogniser.network import Lite0, normalise

__all__ = ["Recipe", "Source", "fit_network"]

UInt8Array = NDArray[np.uint8]
Vary = Callable[[Image.Image, random.Random, int], Image.Image]
OnProgress = Callable[[int, int], None]


@dataclass(frozen=True)
class Recipe:
    """How a network is fine-tuned.

    Parameters
    ----------
    sizes : tuple of int
        Sides of the pictures in pixels, one after the other in equal parts of the training.
    n_steps : int
        How many times the weights change.
    n_phone, n_studio, n_strangers : int
        How many pictures of each kind a step sees.
    frozen_blocks : int
        The first blocks stay as they were.
    learning_rate, learning_rate_linear : float
        Highest, for the backbone and for the new layer.
    weight_decay, dropout, label_smoothing : float
    mixup, cutmix : float
        Share of the steps whose pictures are blended, or patched into each other.
    recolour : float
        Share of the pictures whose colours are changed, so that only their fruit is taught.
    fruit_weight : float
        What the right fruit counts beside the right variety.
    averaging : float
        The weights kept are a running mean; this is its memory.
    seed : int
    """

    sizes: tuple[int, ...] = (256,)
    n_steps: int = 720
    n_phone: int = 36
    n_studio: int = 12
    n_strangers: int = 8
    frozen_blocks: int = 3
    learning_rate: float = 3e-4
    learning_rate_linear: float = 2e-3
    weight_decay: float = 0.02
    dropout: float = 0.3
    label_smoothing: float = 0.1
    mixup: float = 0.4
    cutmix: float = 0.2
    recolour: float = 0.15
    fruit_weight: float = 0.5
    averaging: float = 0.995
    seed: int = 0


@dataclass(frozen=True)
class Source:
    """Pictures of one kind.

    Parameters
    ----------
    pictures : sequence of uint8 arrays of shape (height, width, 3)
    y : sequence of int
        Index of the output.
    vary : callable
        From :mod:`recipes.default_recogniser.augmentation`.
    n_per_step : int
        How many of them a step sees; rare outputs as often as the root of their number says.
    is_fruit : bool
        Whether changed colours leave it what it is.
    """

    pictures: Sequence[UInt8Array]
    y: Sequence[int]
    vary: Vary
    n_per_step: int
    is_fruit: bool = True


class _Steps(Dataset[tuple[Tensor, Tensor]]):
    """One item is the pictures of one step, made from the seed and its number alone.

    A picture's target is its output, or of a recoloured one the number of outputs plus its fruit.
    """

    def __init__(
        self, sources: Sequence[Source], fruits: NDArray[np.integer], recipe: Recipe
    ) -> None:
        self.sources, self.fruits, self.recipe = sources, fruits, recipe
        self.shares = [_draw_shares(source.y) for source in sources]

    def __len__(self) -> int:
        return self.recipe.n_steps

    def __getitem__(self, step: int) -> tuple[Tensor, Tensor]:
        recipe = self.recipe
        rng = random.Random(recipe.seed * 1_000_003 + step)
        size = recipe.sizes[step * len(recipe.sizes) // recipe.n_steps]
        pixels, y = [], []
        for source, shares in zip(self.sources, self.shares, strict=True):
            chosen = rng.choices(range(len(source.y)), shares, k=source.n_per_step)
            for i in chosen:
                image = source.vary(Image.fromarray(source.pictures[i]), rng, size)
                target = source.y[i]
                if source.is_fruit and rng.random() < recipe.recolour:
                    image = recolour(image, rng)
                    target = len(self.fruits) + int(self.fruits[target])
                pixels.append(np.asarray(image))
                y.append(target)
        return torch.from_numpy(np.stack(pixels)), torch.tensor(y)


def fit_network(
    network: Lite0,
    sources: Sequence[Source],
    fruits: NDArray[np.integer],
    recipe: Recipe,
    *,
    n_workers: int = 2,
    on_progress: OnProgress | None = None,
) -> Lite0:
    """Train, and return the network with averaged weights, ready to be asked.

    Parameters
    ----------
    network : Lite0
    sources : sequence of Source
    fruits : int array of shape (n_outputs,)
        Which fruit each output is of, from 0 on without gaps.
    recipe : Recipe
    n_workers : int
        Processes that make the pictures.
    on_progress : callable, optional
        Gets the pictures seen and how many it will be.
    """
    torch.manual_seed(recipe.seed)
    rng = random.Random(recipe.seed)
    steps = _Steps(sources, fruits, recipe)
    loss_of = _Loss(fruits, recipe)
    network.freeze(recipe.frozen_blocks)
    network.add_normalisation(torch.cat([normalise(steps[i][0]) for i in range(4)]))
    network = network.to(memory_format=torch.channels_last)
    average = copy.deepcopy(network).eval()
    optimiser, schedule = _make_optimiser(network, recipe)
    loader = DataLoader(steps, batch_size=None, num_workers=n_workers)
    network.train()
    for step, (pixels, y) in enumerate(loader):
        x, y2, share = _mix(normalise(pixels), y, rng, recipe)
        z = network(x)
        loss = share * loss_of(z, y) + (1 - share) * loss_of(z, y2)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 2.0)
        optimiser.step()
        schedule.step()
        _move_average(average, network, min(recipe.averaging, (1 + step) / (10 + step)))
        if on_progress is not None:
            on_progress((step + 1) * len(y), recipe.n_steps * len(y))
    return average


def _make_optimiser(
    network: Lite0, recipe: Recipe
) -> tuple[torch.optim.Optimizer, torch.optim.lr_scheduler.LRScheduler]:
    groups = []
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            is_new = name.startswith("linear")
            groups.append(
                {
                    "params": [parameter],
                    "lr": recipe.learning_rate_linear if is_new else recipe.learning_rate,
                    # Biases and normalisation are not pulled to zero.
                    "weight_decay": recipe.weight_decay if parameter.ndim > 1 else 0.0,
                }
            )
    optimiser = torch.optim.AdamW(groups)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimiser,
        max_lr=[group["lr"] for group in groups],
        total_steps=recipe.n_steps,
        pct_start=0.1,
    )
    return optimiser, schedule


def _mix(x: Tensor, y: Tensor, rng: random.Random, recipe: Recipe) -> tuple[Tensor, Tensor, float]:
    """Return pictures, the labels mixed in, and the share of their own labels."""
    order = torch.tensor(rng.sample(range(len(x)), len(x)))
    kind = rng.random()
    if kind < recipe.mixup:
        share = rng.betavariate(0.2, 0.2)
        return share * x + (1 - share) * x[order], y[order], share
    if kind < recipe.mixup + recipe.cutmix:
        side = x.shape[2]
        half = int(side * math.sqrt(rng.random())) // 2
        row, column = rng.randrange(side), rng.randrange(side)
        top, bottom = max(row - half, 0), min(row + half, side)
        left, right = max(column - half, 0), min(column + half, side)
        x = x.clone(memory_format=torch.channels_last)
        x[:, :, top:bottom, left:right] = x[order][:, :, top:bottom, left:right]
        return x, y[order], 1 - (bottom - top) * (right - left) / side**2
    return x, y, 1.0


class _Loss:
    """Cross-entropy of the variety with smoothed labels, and of the fruit."""

    def __init__(self, fruits: NDArray[np.integer], recipe: Recipe) -> None:
        self.recipe = recipe
        n_fruits = int(fruits.max()) + 1
        is_member = torch.from_numpy(np.arange(n_fruits)[:, None] == fruits)
        self.outside = torch.zeros(is_member.shape).masked_fill(~is_member, -torch.inf)
        # Of each target: a recoloured picture's is already a fruit.
        self.fruit_of = torch.from_numpy(np.concatenate([fruits, np.arange(n_fruits)]))

    def __call__(self, z: Tensor, y: Tensor) -> Tensor:
        log_p = functional.log_softmax(z, dim=1)
        log_p_fruit = torch.logsumexp(log_p[:, None] + self.outside, dim=2)
        smoothing = self.recipe.label_smoothing
        of_target = functional.nll_loss(torch.cat([log_p, log_p_fruit], dim=1), y)
        of_fruit = functional.nll_loss(log_p_fruit, self.fruit_of[y])
        return (
            (1 - smoothing) * of_target
            - smoothing * log_p.mean()
            + self.recipe.fruit_weight * of_fruit
        )


@torch.no_grad()
def _move_average(average: Lite0, network: Lite0, memory: float) -> None:
    pairs = zip(average.state_dict().values(), network.state_dict().values(), strict=True)
    for mean, value in pairs:
        if value.dtype.is_floating_point:
            mean.lerp_(value, 1 - memory)


def _draw_shares(y: Sequence[int]) -> list[float]:
    counts = np.bincount(y)
    return [float(counts[i]) ** -0.5 for i in y]
