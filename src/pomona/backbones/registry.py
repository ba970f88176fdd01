"""The networks Pomona knows, where each is on this machine, and their verified weights."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pomona.backbones.cache import (
    default_cache,
    entry_name,
    find_entry,
    hash_file,
    verify_entry,
)
from pomona.backbones.spec import POOLINGS, BackboneSpec
from pomona.backbones.spec_table import read_spec
from pomona.errors import SettingsError, SetupError
from pomona.settings import ExtractSettings
from pomona.storage.locations import LocalLocation

__all__ = [
    "DEFAULT_BACKBONE",
    "NETWORKS",
    "Network",
    "ResolvedBackbone",
    "find_backbone",
    "find_network",
    "find_weights",
    "is_shipped",
    "resolve_backbone",
    "shipped_weights",
]

DEFAULT_BACKBONE: Final = "efficientnet_lite0"
HERE: Final = Path(__file__).parent


@dataclass(frozen=True)
class Network:
    """A known network: its record, and how to get it.

    Parameters
    ----------
    spec : BackboneSpec
        With the pooled outputs; ``weights`` is empty where the file is not shipped.
    keras : str, optional
        Class in ``keras.applications``.
    layers : mapping of str to int
        Layers behind the pooled outputs, and their numbers of features.
    size_mb : float
        Of the ONNX file.
    """

    spec: BackboneSpec
    keras: str | None
    layers: Mapping[str, int]
    size_mb: float


def _read_networks() -> dict[str, Network]:
    tables: dict[str, dict[str, Any]] = tomllib.loads(
        (HERE / "networks.toml").read_text(encoding="utf-8")
    )
    return {name: _read_network(name, dict(table)) for name, table in tables.items()}


def _read_network(name: str, table: dict[str, Any]) -> Network:
    keras, layers = table.pop("keras", None), table.pop("layers", {})
    size_mb = table.pop("size_mb")
    return Network(read_spec(table, name=name, origin=f"Network '{name}'"), keras, layers, size_mb)


NETWORKS: Final[Mapping[str, Network]] = MappingProxyType(_read_networks())


def find_network(name: str) -> Network:
    """Return what is known of a network.

    Raises
    ------
    SettingsError
        If there is no such network.
    """
    if name not in NETWORKS:
        raise _unknown(name, sorted(NETWORKS))
    return NETWORKS[name]


def find_backbone(
    name: str = DEFAULT_BACKBONE,
    *,
    pooling: str | None = None,
    resize: str | None = None,
    cache: Path | None = None,
) -> BackboneSpec:
    """Return the record of a backbone that is on this machine.

    Parameters
    ----------
    name : str
        Shipped, or in the cache.
    pooling : str, optional
        Output to take: avg, max, flatten or a layer; None is the record's own.
    resize : {"squash", "crop"}, optional
        None is the record's own.
    cache : Path, optional
        Cache folder; :func:`pomona.backbones.cache.default_cache` by default.

    Raises
    ------
    SettingsError
        If there is no such backbone, output or resize rule.
    SetupError
        If the network is known and not on this machine, or its cache entry is damaged.
    """
    folder = cache or default_cache()
    if name in NETWORKS and is_shipped(NETWORKS[name].spec):
        return NETWORKS[name].spec.vary(pooling=pooling, resize=resize)
    own = find_entry(folder, name)
    if own is not None and (pooling is None or pooling in {o.pooling for o in own.spec.outputs}):
        return own.spec.vary(pooling=pooling, resize=resize)
    # A layer of a network is an entry of its own.
    layer = find_entry(folder, entry_name(name, pooling))
    if layer is not None:
        return layer.spec.vary(pooling=pooling, resize=resize)
    if name in NETWORKS:
        command = f"pomona backbones pull {name}"
        if pooling and pooling not in POOLINGS:
            command += f" --pooling {pooling}"
        raise SetupError(
            f"The backbone '{name}' is not on this machine{_output(pooling)}. Looked in "
            f"'{folder}'. Run '{command}', or 'pomona backbones add FILE' with one pulled "
            "elsewhere."
        )
    if own is not None:
        return own.spec.vary(pooling=pooling, resize=resize)
    raise _unknown(name, sorted({*NETWORKS, *_cached_names(folder)}))


@dataclass(frozen=True)
class ResolvedBackbone:
    """A network that is on this machine, its weights checked.

    Parameters
    ----------
    spec : BackboneSpec
    weights : Path
        ONNX file.
    """

    spec: BackboneSpec
    weights: Path


def resolve_backbone(settings: ExtractSettings) -> ResolvedBackbone:
    """Return the network that the settings ask for, after checking its sha256.

    Raises
    ------
    SettingsError
        If backbone, pooling or resize is unknown.
    SetupError
        If the network is not on this machine, or its weights are damaged.
    """
    spec = find_backbone(
        settings.backbone, pooling=settings.pooling, resize=settings.resize, cache=settings.cache
    )
    return ResolvedBackbone(spec, find_weights(spec, cache=settings.cache))


def find_weights(spec: BackboneSpec, *, cache: Path | None = None) -> Path:
    """Return the weights file of ``spec`` after checking its sha256.

    Raises
    ------
    SetupError
        If the file is missing or not the one the record names.
    """
    if is_shipped(spec):
        return _check_shipped(spec)
    entries = (entry_name(spec.name, spec.pooling), spec.name)
    for entry in (find_entry(cache or default_cache(), name) for name in entries):
        if entry is not None and entry.spec.sha256 == spec.sha256:
            return verify_entry(entry)
    raise SetupError(
        f"The weights of backbone '{spec.name}' are not in '{cache or default_cache()}'. They were "
        f"removed or replaced. Run 'pomona backbones list' for what is there."
    )


def is_shipped(spec: BackboneSpec) -> bool:
    """Return whether the weights are in the package, on every machine that has Pomona."""
    network = NETWORKS.get(spec.name)
    return network is not None and network.keras is None


def shipped_weights(spec: BackboneSpec) -> Path:
    """Return where the package has the weights of a shipped network, without reading them."""
    return HERE / "weights" / spec.weights


def _check_shipped(spec: BackboneSpec) -> Path:
    path = shipped_weights(spec)
    if not path.is_file():
        raise SetupError(
            f"The weights '{spec.weights}' of backbone '{spec.name}' are missing. "
            f"They belong in '{path.parent}'. Install pomona again."
        )
    sha256 = hash_file(path)
    if sha256 != spec.sha256:
        raise SetupError(
            f"The weights '{path}' have sha256 '{sha256}'. The record of '{spec.name}' says "
            f"'{spec.sha256}', so the file is damaged or replaced. Install pomona again."
        )
    return path


def _cached_names(cache: Path) -> list[str]:
    folder = cache / "backbones"
    names = LocalLocation(folder).list()
    return [name.partition(".")[0] for name in names if not name.startswith(".")]


def _output(pooling: str | None) -> str:
    return f" with the output '{pooling}'" if pooling else ""


def _unknown(name: str, names: list[str]) -> SettingsError:
    known = ", ".join(f"'{known}'" for known in names)
    return SettingsError(
        f"Unknown backbone '{name}'. Known: {known}. Run 'pomona backbones list' for details."
    )
