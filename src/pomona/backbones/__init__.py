"""Backbones: networks that turn pixels into features, and the engines that run them."""

from pomona.backbones.loaded import Backbone, backbone_graph, load_backbone, open_backbone
from pomona.backbones.registry import (
    DEFAULT_BACKBONE,
    NETWORKS,
    ResolvedBackbone,
    find_backbone,
    find_weights,
    is_shipped,
    resolve_backbone,
    shipped_weights,
)
from pomona.backbones.spec import BackboneSpec
from pomona.backbones.spec_table import read_spec

__all__ = [
    "DEFAULT_BACKBONE",
    "NETWORKS",
    "Backbone",
    "BackboneSpec",
    "ResolvedBackbone",
    "backbone_graph",
    "find_backbone",
    "find_weights",
    "is_shipped",
    "load_backbone",
    "open_backbone",
    "read_spec",
    "resolve_backbone",
    "shipped_weights",
]
