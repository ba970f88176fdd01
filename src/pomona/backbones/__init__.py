"""Backbones: networks that turn pixels into features, and the engines that run them."""

from pomona.backbones.loaded import Backbone, load_backbone
from pomona.backbones.registry import BACKBONES, DEFAULT_BACKBONE, find_backbone, find_weights
from pomona.backbones.spec import BackboneSpec

__all__ = [
    "BACKBONES",
    "DEFAULT_BACKBONE",
    "Backbone",
    "BackboneSpec",
    "find_backbone",
    "find_weights",
    "load_backbone",
]
