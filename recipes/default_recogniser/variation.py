"""Pictures as a camera in any room might have taken them: varied as tensors, many at a time.

Pixels are float32 tensors (n, 3, height, width), 0 to 255, on any device.
"""

import math
import random
from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from recipes.default_recogniser.lessons import Window

__all__ = ["paste", "recolour", "vary"]

# Lighter in all colours is the ground of a studio frame.
GROUND = 232


def vary(
    x: Tensor,
    size: int,
    *,
    area: tuple[float, float] = (0.2, 1.0),
    degrees: float = 25.0,
    windows: Sequence[Window | None] | None = None,
) -> Tensor:
    """Return random parts, turned and mirrored, as squares of ``size``.

    Parameters
    ----------
    x : Tensor
    size : int
        In pixels.
    area : tuple of float
        Share of the picture that is left, least and most.
    degrees : float
        Turned by so much at most.
    windows : sequence of Window or None, optional
        Where the fruit is; the part is then that and what is around it.
    """
    n, device = len(x), x.device
    share = torch.empty(n).uniform_(*area)
    aspect = torch.empty(n).uniform_(-0.35, 0.35).exp()
    half = torch.stack([(share * aspect).sqrt(), (share / aspect).sqrt()], 1).clamp(max=1.0)
    centre = (torch.rand(n, 2) * 2 - 1) * (1 - half)
    for i, window in enumerate(windows or ()):
        if window is not None:
            centre[i], half[i] = _around(window)
    angle = torch.empty(n).uniform_(-degrees, degrees) * math.pi / 180
    flip = (torch.rand(n) < 0.5).float() * 2 - 1
    cos, sin = angle.cos(), angle.sin()
    theta = torch.stack(
        [
            torch.stack([half[:, 0] * cos * flip, -half[:, 1] * sin, centre[:, 0]], 1),
            torch.stack([half[:, 0] * sin * flip, half[:, 1] * cos, centre[:, 1]], 1),
        ],
        1,
    ).to(device)
    grid = functional.affine_grid(theta, [n, 3, size, size], align_corners=False)
    return functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def _around(window: Window) -> tuple[Tensor, Tensor]:
    """Return centre and half sides of a part that holds a window and 10 to 70 % more."""
    x, y, half_x, half_y = window
    more = 1 + random.uniform(0.1, 0.7)
    sides = torch.tensor([half_x, half_y]) * more
    if random.random() < 0.7:
        # A long fruit is not squeezed into a square.
        sides = (sides + sides.max()) / 2
    shift = torch.tensor([random.uniform(-0.2, 0.2) * half_x, random.uniform(-0.2, 0.2) * half_y])
    return torch.tensor([x, y]) + shift, sides.clamp(max=1.2)


def recolour(x: Tensor) -> Tensor:
    """Return pictures in other light: brighter, darker, warm, cold, flat, pale, coarse, noisy."""
    n, device = len(x), x.device

    def draw(low: float, high: float) -> Tensor:
        return torch.empty(n, 1, 1, 1, device=device).uniform_(low, high)

    light = torch.cat([draw(0.65, 1.35), draw(0.88, 1.12), draw(0.65, 1.35)], 1)
    y = x * (draw(0.5, 1.6) * light)
    mean = y.mean((1, 2, 3), keepdim=True)
    y = (y - mean) * draw(0.6, 1.4) + mean
    grey = y.mean(1, keepdim=True)
    y = (y - grey) * draw(0.6, 1.3) + grey
    y = 255 * (y.clamp(0, 255) / 255 + 1e-4) ** draw(0.7, 1.4)
    x = torch.where(torch.rand(n, 1, 1, 1, device=device) < 0.8, y, x)
    coarse = (torch.rand(n) < 0.2).to(device)
    if coarse.any():
        small = functional.interpolate(
            x[coarse], scale_factor=random.uniform(0.25, 0.6), mode="area"
        )
        x[coarse] = functional.interpolate(
            small, size=x.shape[-2:], mode="bilinear", align_corners=False
        )
    noisy = (torch.rand(n) < 0.25).to(device)
    if noisy.any():
        level = torch.empty(int(noisy.sum()), 1, 1, 1, device=device).uniform_(0, 14)
        x[noisy] = x[noisy] + torch.randn_like(x[noisy]) * level
    return x.clamp(0, 255)


def paste(x: Tensor, size: int, draw_rooms: Callable[[int], Tensor]) -> Tensor:
    """Return studio frames cut out and laid, once or several times, on pictures of no fruit.

    Parameters
    ----------
    x : Tensor
        Studio frames on a white ground.
    size : int
    draw_rooms : callable
        Gives so many pictures to lay them on.
    """
    n, device = len(x), x.device
    mask = (x.amin(1, keepdim=True) < GROUND).float()
    # Closed, a little smaller than the fruit, and soft at its edge.
    closed = functional.max_pool2d(mask, 11, 1, 5)
    smaller = -functional.max_pool2d(-closed, 13, 1, 6)
    mask = functional.avg_pool2d(smaller, 9, 1, 4)
    scene = _grounds(n, size, draw_rooms)
    cut = torch.cat([x, mask], 1)
    n_each = random.choice((1, 1, 2, 3))
    for _ in range(n_each):
        share = torch.empty(n).uniform_(0.2, 0.95 if n_each == 1 else 0.6)
        angle = torch.empty(n).uniform_(-math.pi, math.pi)
        place = (torch.rand(n, 2) * 2 - 1) * (1 - share)[:, None]
        cos, sin, more = angle.cos(), angle.sin(), 1 / share
        theta = torch.stack(
            [
                torch.stack([cos * more, -sin * more, -place[:, 0] * more], 1),
                torch.stack([sin * more, cos * more, -place[:, 1] * more], 1),
            ],
            1,
        ).to(device)
        grid = functional.affine_grid(theta, [n, 4, size, size], align_corners=False)
        laid = functional.grid_sample(cut, grid, align_corners=False)
        scene = scene * (1 - laid[:, 3:]) + laid[:, :3] * laid[:, 3:]
    return scene


def _grounds(n: int, size: int, draw_rooms: Callable[[int], Tensor]) -> Tensor:
    rooms = vary(draw_rooms(n), size, area=(0.15, 1.0), degrees=180.0)
    device = rooms.device
    cells = 2 * (1 + random.randrange(5) ** 2) + 2
    texture = torch.randn(n, 3, cells, cells, device=device) * 30
    texture = texture + torch.randn(n, 1, cells, cells, device=device) * 40
    texture = functional.interpolate(
        texture, size=(size, size), mode="bilinear", align_corners=False
    )
    plain = (torch.rand(n, 3, 1, 1, device=device) * 255 + texture).clamp(0, 255)
    return torch.where(torch.rand(n, 1, 1, 1, device=device) < 0.7, rooms, plain)
