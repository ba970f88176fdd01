"""Synthetic turntable fruit in the manner of Fruits-360: any number of labelled pictures."""

from pomona.samples.varieties import class_name, render_fruit
from pomona.samples.writing import write_samples

__all__ = ["class_name", "render_fruit", "write_samples"]
