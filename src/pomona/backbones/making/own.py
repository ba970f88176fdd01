"""Add an ONNX network of one's own: what the file must be, checked before it is stored."""

import shutil
import tomllib
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from pomona.backbones.cache import Entry, check_name, check_writable, store_entry
from pomona.backbones.engines import open_engine
from pomona.backbones.engines.openvino import import_openvino
from pomona.backbones.loaded import backbone_graph
from pomona.backbones.registry import NETWORKS
from pomona.backbones.spec import BackboneSpec
from pomona.backbones.spec_table import read_spec
from pomona.errors import SettingsError, SetupError

__all__ = ["add_network", "run_once", "smoke_pictures"]

CHANNELS: Final = 3
FOUND_OUT: Final = (
    "name",
    "layout",
    "input_name",
    "output_name",
    "n_features",
    "weights",
    "sha256",
)


def add_network(name: str, model: Path, spec_file: Path, *, cache: Path) -> Entry:
    """Validate an ONNX network and its record, run it once, and store both in the cache.

    Parameters
    ----------
    name : str
        New name; those of known networks are refused.
    model : Path
        ONNX file: one float32 input (n, 3, height, width) or (n, height, width, 3) with a free
        batch, and the outputs the record names.
    spec_file : Path
        TOML file with the fields of :class:`pomona.backbones.BackboneSpec`; what the file
        says itself (layout, input_name, weights, sha256) is found out.
    cache : Path

    Raises
    ------
    SettingsError
        If name, file or record cannot be used.
    SetupError
        If the cache cannot be written.
    """
    check_name(name)
    if name in NETWORKS or "." in name:
        raise SettingsError(
            f"The backbone name '{name}' is taken or holds a dot. Known networks keep their names. "
            "Choose another."
        )
    spec = _read_spec_file(spec_file, name)
    if not model.is_file():
        raise SettingsError(
            f"The network '{model}' does not exist. An ONNX file is needed. Correct the path."
        )
    check_writable(cache)
    spec = _fit(spec, model)
    facts = {"origin": "added", "versions": {"pomona": version("pomona")}}
    return store_entry(
        cache,
        spec,
        lambda path: _copy(model, path),
        name=name,
        facts=facts,
        check=run_once,
    )


def smoke_pictures(input_size: tuple[int, int], n: int = 4) -> np.ndarray:
    """Return ``n`` smooth coloured pictures, uint8 (n, height, width, 3), always the same."""
    from PIL import Image

    height, width = input_size
    small = np.random.default_rng(0).integers(0, 256, (n, 9, 9, CHANNELS), dtype=np.uint8)
    bicubic = Image.Resampling.BICUBIC
    return np.stack(
        [np.asarray(Image.fromarray(s).resize((width, height), bicubic)) for s in small]
    )


def _copy(model: Path, path: Path) -> None:
    shutil.copyfile(model, path)


def _read_spec_file(path: Path, name: str) -> BackboneSpec:
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The record '{path}' cannot be read: {error}. It must be a TOML file. "
            "See docs/how-to/backbones.md for an example."
        ) from error
    for key in FOUND_OUT:
        if key in table:
            raise SettingsError(
                f"The record '{path}' has the key '{key}'. Pomona finds it out itself. Remove it."
            )
    return read_spec(table, name=name, origin=f"The record '{path}'")


def _fit(spec: BackboneSpec, model: Path) -> BackboneSpec:
    """Return the record with input name and layout as the file has them; refuse what cannot fit."""
    ov = import_openvino()

    try:
        graph = ov.Core().read_model(model)
    except RuntimeError as error:
        raise SettingsError(
            f"The file '{model}' is not an ONNX network: {str(error).splitlines()[0][:120]}. "
            "A graph in one file is needed. Export it again."
        ) from error
    if len(graph.inputs) != 1:
        names = [item.any_name for item in graph.inputs]
        raise _unfit(model, f"the inputs {names}", "exactly one, of pictures")
    source = graph.inputs[0]
    shape = _sides(source)
    element_type = source.get_element_type().to_string()
    if element_type != "f32" or len(shape) != 4 or CHANNELS not in (shape[1], shape[3]):
        raise _unfit(
            model,
            f"an input of {element_type} {_show(shape)}",
            "float32 pictures (n, 3, height, width) or (n, height, width, 3)",
        )
    layout: Literal["nchw", "nhwc"] = "nchw" if shape[1] == CHANNELS else "nhwc"
    if shape[0] is not None:
        raise _unfit(
            model,
            f"the fixed batch {shape[0]}",
            "a free first axis (torch.onnx.export: dynamic_axes; tf2onnx: None)",
        )
    sides = shape[2:] if layout == "nchw" else shape[1:3]
    if any(side not in (None, want) for side, want in zip(sides, spec.input_size, strict=True)):
        raise _unfit(model, f"an input of {_show(shape)}", f"input_size {spec.input_size}")
    _check_outputs(graph, spec, model)
    return replace(spec, layout=layout, input_name=source.any_name)


def _check_outputs(graph: Any, spec: BackboneSpec, model: Path) -> None:
    outputs_by_name = {name: item for item in graph.outputs for name in item.names}
    for output in spec.outputs:
        if output.name not in outputs_by_name:
            raise _unfit(
                model, f"the outputs {sorted(outputs_by_name)}", f"the record's '{output.name}'"
            )
        numbers = [side for side in _sides(outputs_by_name[output.name])[1:] if side != 1]
        known = [side for side in numbers if side is not None]
        if len(known) == len(numbers) and int(np.prod(known)) != output.n_features:
            raise _unfit(
                model,
                f"{int(np.prod(known))} numbers per picture in '{output.name}'",
                f"the record's n_features {output.n_features}",
            )


def _sides(tensor: Any) -> list[int | None]:
    shape = tensor.get_partial_shape()
    if shape.rank.is_dynamic:
        return []
    return [None if side.is_dynamic else side.get_length() for side in shape]


def _show(shape: Sequence[int | None]) -> str:
    return "(" + ", ".join("any" if side is None else str(side) for side in shape) + ")"


def _unfit(model: Path, has: str, needs: str) -> SettingsError:
    return SettingsError(
        f"The network '{model}' has {has}. Pomona needs {needs}. Export it again or correct the "
        "record."
    )


def run_once(spec: BackboneSpec, file: Path) -> None:
    """Refuse a network that fails on a test picture, or gives numbers that are not finite.

    Raises
    ------
    SetupError
    """
    pictures = smoke_pictures(spec.input_size, n=1)
    for output in spec.outputs:
        variant = spec.vary(pooling=output.pooling)
        try:
            features = open_engine(backbone_graph(variant, file))(pictures)
        except (RuntimeError, ValueError) as error:
            raise SetupError(
                f"The network '{spec.name}' failed on a test picture: "
                f"{str(error).splitlines()[0][:200]}. Nothing was stored. Export it again."
            ) from error
        if not np.isfinite(features).all():
            raise SetupError(
                f"The network '{spec.name}' gave numbers that are not finite in '{output.name}'. "
                "A test picture must give finite ones. Check mean and scale in the record."
            )
