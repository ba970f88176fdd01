"""``pomona backbones``: which networks there are, and how they come to this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pomona.cli.options import command, group
from pomona.errors import SettingsError
from pomona.settings import CacheSettings, NetworkSettings, Option, PullSettings

if TYPE_CHECKING:
    from pomona.backbones.cache import Entry

__all__ = ["app"]

app = group(
    "List, show, pull, add, verify and remove the networks that make the features.",
    example="pomona backbones pull vgg16",
)

Name = Annotated[str, Option("Name of the network, as 'list' shows it.", positional=True)]


@command(app, "list", example="pomona backbones list")
def list_(place: CacheSettings) -> None:
    """List the networks: known ones, own ones, and which are on this machine."""
    from pomona.backbones.cache import Entry, default_cache, list_entries
    from pomona.backbones.registry import NETWORKS, is_shipped

    entries = list(list_entries(place.cache or default_cache()))
    here = {entry.name: entry for entry in entries if isinstance(entry, Entry)}
    row = "{:<22}{:<12}{:>9}{:>11}{:>9}  {}".format
    typer.echo(row("name", "state", "input", "n_features", "MB", "outputs"))
    for name, network in NETWORKS.items():
        entry = here.pop(name, None)
        spec = entry.spec if entry else network.spec
        state = "shipped" if is_shipped(spec) else "here" if entry else "to pull"
        outputs = [output.pooling for output in spec.outputs] + list(network.layers)
        size = f"{entry.manifest['bytes'] / 1e6 if entry else network.size_mb:.1f}"
        typer.echo(
            row(name, state, _size(spec), spec.n_features, size, ", ".join(outputs)).rstrip()
        )
    for name, own in here.items():
        spec, size = own.spec, f"{own.manifest['bytes'] / 1e6:.1f}"
        outputs = [output.pooling for output in spec.outputs]
        typer.echo(row(name, "here", _size(spec), spec.n_features, size, ", ".join(outputs)))
    for damaged in entries:
        if not isinstance(damaged, Entry):
            typer.echo(f"damaged: {damaged}")


@command(app, example="pomona backbones show vgg16 --pooling fc2")
def show(
    name: Name,
    asked: NetworkSettings,
) -> None:
    """Show the record of a network: size, resize rule, channels, outputs, licence, source."""
    from pomona.backbones.registry import NETWORKS, find_backbone
    from pomona.errors import SetupError

    try:
        spec = find_backbone(name, pooling=asked.pooling, cache=asked.cache)
    except SetupError:
        if name not in NETWORKS:
            raise
        spec = NETWORKS[name].spec
    values: dict[str, Any] = spec.to_dict()
    values["outputs"] = {item["pooling"]: item["n_features"] for item in values["outputs"]}
    if name in NETWORKS:
        values["outputs"] |= NETWORKS[name].layers
    if spec.sha256:
        values["fingerprint"] = spec.fingerprint()
        values["fingerprint_crop"] = spec.vary(resize="crop").fingerprint()
    else:
        values["state"] = f"not here: run 'pomona backbones pull {name}'"
    for key, value in values.items():
        shown = ", ".join(f"{k} {v}" for k, v in value.items()) if key == "outputs" else value
        typer.echo(f"{key:>16}  {shown}")


@command(app, example="pomona backbones pull vgg16 --pooling fc2 --weights vgg16.weights.h5")
def pull(
    name: Name,
    asked: PullSettings,
) -> None:
    """Make a known network with Keras, check it against Keras and store it in the cache."""
    from pomona.backbones.cache import default_cache
    from pomona.backbones.making.keras import pull_network
    from pomona.backbones.making.transfer import pack_entry

    entry = pull_network(
        name,
        pooling=asked.pooling,
        weights=asked.weights,
        cache=asked.cache or default_cache(),
    )
    _print_entry(entry)
    if asked.to is not None:
        typer.echo(f"{'packed':>11}  {pack_entry(entry, asked.to)}")


@command(app, example="pomona backbones add mine model.onnx spec.toml")
def add(
    place: CacheSettings,
    name: Annotated[str, Option("New name; or a FILE that 'pull --to' wrote.", positional=True)],
    model: Annotated[Path | None, Option("ONNX file.", unit="MODEL.onnx", positional=True)] = None,
    spec: Annotated[
        Path | None, Option("Record of the network.", unit="SPEC.toml", positional=True)
    ] = None,
) -> None:
    """Add a network of your own, or one that was pulled on another machine."""
    from pomona.backbones.cache import default_cache
    from pomona.backbones.making.own import add_network
    from pomona.backbones.making.transfer import unpack_entry

    folder = place.cache or default_cache()
    if model is None:
        _print_entry(unpack_entry(Path(name), cache=folder))
        return
    if spec is None:
        raise SettingsError(
            f"The network '{name}' has no record. Its numbers (input_size, mean, outputs) "
            "must be known. Run: pomona backbones add NAME MODEL.onnx SPEC.toml."
        )
    _print_entry(add_network(name, model, spec, cache=folder))


@command(app, example="pomona backbones verify vgg16")
def verify(name: Name, place: CacheSettings) -> None:
    """Check the sha256 of a network and run it on a test picture."""
    from pomona.backbones.making.own import run_once
    from pomona.backbones.registry import find_backbone, find_weights

    network, _, layer = name.partition(".")
    spec = find_backbone(network, pooling=layer or None, cache=place.cache)
    run_once(spec, find_weights(spec, cache=place.cache))
    typer.echo(f"{name}: sha256 {spec.sha256} as recorded; it runs.")


@command(app, example="pomona backbones remove vgg16")
def remove(name: Name, place: CacheSettings) -> None:
    """Delete a network from the cache."""
    from pomona.backbones.cache import default_cache, remove_entry

    remove_entry(place.cache or default_cache(), name)
    typer.echo(f"{name}: removed")


def _size(spec: Any) -> str:
    return "x".join(str(side) for side in spec.input_size)


def _print_entry(entry: "Entry") -> None:
    spec = entry.spec
    outputs = ", ".join(f"{output.pooling} {output.n_features}" for output in spec.outputs)
    lines = [
        ("name", entry.name),
        ("outputs", outputs),
        ("size", f"{entry.manifest['bytes'] / 1e6:.1f} MB"),
        ("sha256", spec.sha256),
        ("fingerprint", spec.fingerprint()),
    ]
    check = entry.manifest.get("check")
    if check:
        worst = max(check["largest_relative_difference"].values())
        lines.append(("to Keras", f"{worst:.1e} largest relative difference"))
    lines.append(("stored in", str(entry.folder)))
    for name, text in lines:
        typer.echo(f"{name:>11}  {text}")
