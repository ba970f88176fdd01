"""Backbones: networks that turn pixels into features, and the engines that run them."""

from pomona.backbones.loaded import Backbone, load_backbone, open_backbone
from pomona.backbones.registry import (
    DEFAULT_BACKBONE,
    NETWORKS,
    ResolvedBackbone,
    find_backbone,
    find_weights,
    is_shipped,
    resolve_backbone,
)
from pomona.backbones.spec import BackboneSpec
from pomona.backbones.spec_table import read_spec

__all__ = [
    "DEFAULT_BACKBONE",
    "NETWORKS",
    "Backbone",
    "BackboneSpec",
    "ResolvedBackbone",
    "find_backbone",
    "find_weights",
    "is_shipped",
    "load_backbone",
    "open_backbone",
    "read_spec",
    "resolve_backbone",
]
