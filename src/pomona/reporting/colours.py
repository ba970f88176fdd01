"""Colours of the report: its palette, and a colour and a marker for every label."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from bokeh.palettes import Colorblind8

__all__ = [
    "CORAL",
    "INK",
    "LEAF",
    "LEAF_SOFT",
    "MUTED",
    "RULE",
    "LabelStyle",
    "style_labels",
]

INK, MUTED, RULE = "#1f2a24", "#56635b", "#e4e4dc"
LEAF, LEAF_SOFT, CORAL = "#2f6b3a", "#dcebdc", "#b3441e"

# Shapes repeat with a period prime to the hue walk, so that colour is never the only difference.
MARKERS = ("circle", "square", "triangle", "diamond")
# Yellow and black are left out: the one vanishes on white, the other reads as an axis.
FEW_COLOURS = tuple(c for c in Colorblind8 if c not in ("#F0E442", "#000000"))
GOLDEN_ANGLE_DEG = 137.508


@dataclass(frozen=True)
class LabelStyle:
    """Colour (``#rrggbb``) and marker of one label on the map."""

    colour: str
    marker: str


def style_labels(labels: Sequence[str]) -> dict[str, LabelStyle]:
    """Give every label a colour and a marker, the same ones for the same set of labels.

    Parameters
    ----------
    labels : sequence of str
        May repeat; the order does not matter.

    Returns
    -------
    dict from label to LabelStyle
        In alphabetical order. Up to six labels use the Okabe-Ito colours, which colour-blind
        readers can tell apart; more walk the OKLCH hue circle by the golden angle.
    """
    names = sorted(set(labels))
    few = len(names) <= len(FEW_COLOURS)
    return {
        name: LabelStyle(
            colour=FEW_COLOURS[i] if few else _walk_colour(i), marker=MARKERS[i % len(MARKERS)]
        )
        for i, name in enumerate(names)
    }


def _walk_colour(i: int) -> str:
    lightness = (0.62, 0.48, 0.73)[i % 3]
    return _oklch_hex(lightness, 0.15, math.radians(20.0 + i * GOLDEN_ANGLE_DEG))


def _oklch_hex(lightness: float, chroma: float, hue_rad: float) -> str:
    # Matrices of B. Ottosson, "A perceptual color space for image processing" (2020).
    a, b = chroma * math.cos(hue_rad), chroma * math.sin(hue_rad)
    lms = (
        np.array(
            [
                lightness + 0.3963377774 * a + 0.2158037573 * b,
                lightness - 0.1055613458 * a - 0.0638541728 * b,
                lightness - 0.0894841775 * a - 1.2914855480 * b,
            ]
        )
        ** 3
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.7076147010],
        ]
    )
    linear = np.clip(to_rgb @ lms, 0.0, 1.0)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return "#" + "".join(f"{round(float(v) * 255):02x}" for v in srgb)
