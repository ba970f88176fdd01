"""Read a backbone's record from TOML or JSON, and say exactly what is wrong with it."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any, Final, get_args

from pomona.backbones.spec import POOLINGS, BackboneSpec, Interpolation, Output, ResizeRule
from pomona.errors import SettingsError

__all__ = ["read_spec"]

CHOICES: Final = {
    "interpolation": get_args(Interpolation),
    "resize": get_args(ResizeRule),
    "channel_order": ("rgb", "bgr"),
    "layout": ("nchw", "nhwc"),
}
DEFAULTS: Final[dict[str, Any]] = {
    "interpolation": "bicubic",
    "resize": "squash",
    "channel_order": "rgb",
    "layout": "nchw",
    "mean": 0.0,
    "scale": 1.0,
    "input_name": "",
    "weights": "",
    "sha256": "",
    "licence": "",
    "source": "",
    "reference": "",
}
REQUIRED: Final = ("input_size", "outputs")


def read_spec(table: Mapping[str, Any], *, name: str, origin: str) -> BackboneSpec:
    """Return the record that ``table`` describes.

    Parameters
    ----------
    table : mapping
        Keys are the fields of :class:`BackboneSpec`. ``outputs`` is a table from pooling to number
        of features, or a list of ``{pooling, name, n_features}``; ``mean`` and ``scale`` are one
        number or three.
    name : str
        Of the backbone.
    origin : str
        Where the table stands, for messages.

    Raises
    ------
    SettingsError
        If a key is unknown or missing, or a value cannot be used.
    """
    known = {field.name for field in fields(BackboneSpec)}
    unknown = sorted(set(table) - known)
    if unknown:
        raise SettingsError(
            f"{origin} has the unknown key '{unknown[0]}'. Known: {', '.join(sorted(known))}. "
            "Correct the key."
        )
    for key in REQUIRED:
        if key not in table:
            raise SettingsError(f"{origin} has no key '{key}'. It is required. Add it.")
    values = DEFAULTS | dict(table)
    for key, choices in CHOICES.items():
        if values[key] not in choices:
            raise _wrong(origin, key, values[key], f"one of {', '.join(choices)}")
    outputs = _read_outputs(values["outputs"], origin)
    texts = {
        key: values[key]
        for key in ("input_name", "weights", "sha256", "licence", "source", "reference")
    }
    for key, text in texts.items():
        if not isinstance(text, str):
            raise _wrong(origin, key, text, "a text")
    spec = BackboneSpec(
        name=name,
        input_size=_read_size(values["input_size"], origin),
        mean=_read_triple("mean", values["mean"], origin),
        scale=_read_triple("scale", values["scale"], origin),
        **{key: values[key] for key in CHOICES},
        **texts,
        outputs=outputs,
        output_name=outputs[0].name,
        pooling=outputs[0].pooling,
        n_features=outputs[0].n_features,
    )
    # `output_name` and `n_features` follow from the output that is chosen.
    return spec.vary(pooling=values.get("pooling"))


def _wrong(origin: str, key: str, value: object, wanted: str) -> SettingsError:
    return SettingsError(f"{origin} has {key} = '{value}'. It must be {wanted}. Correct it.")


def _read_size(value: Any, origin: str) -> tuple[int, int]:
    if isinstance(value, int) and not isinstance(value, bool):
        value = [value, value]
    whole = isinstance(value, list) and len(value) == 2 and all(type(v) is int for v in value)
    if not whole or not all(2 <= side <= 4096 for side in value):
        raise _wrong(origin, "input_size", value, "height and width, each from 2 to 4096")
    return value[0], value[1]


def _read_triple(key: str, value: Any, origin: str) -> tuple[float, float, float]:
    numbers = value if isinstance(value, list) else [value] * 3
    if len(numbers) != 3 or not all(type(number) in (int, float) for number in numbers):
        raise _wrong(origin, key, value, "one number, or three in the order of channel_order")
    if key == "scale" and 0 in numbers:
        raise _wrong(origin, key, value, "other than 0")
    return float(numbers[0]), float(numbers[1]), float(numbers[2])


def _read_outputs(value: Any, origin: str) -> tuple[Output, ...]:
    if isinstance(value, Mapping):
        value = [{"pooling": key, "name": key, "n_features": n} for key, n in value.items()]
    wanted = "a table such as {avg = 512}, or a list of {pooling, name, n_features}"
    try:
        outputs = tuple(Output(**item) for item in value)
    except TypeError as error:
        raise _wrong(origin, "outputs", value, wanted) from error
    good = all(
        isinstance(o.pooling, str)
        and isinstance(o.name, str)
        and type(o.n_features) is int
        and o.n_features > 0
        for o in outputs
    )
    if not outputs or not good or len({o.pooling for o in outputs}) < len(outputs):
        raise _wrong(origin, "outputs", value, wanted)
    # What --pooling gives by default comes first, as TOML tables keep no promise of order.
    order = {pooling: i for i, pooling in enumerate(POOLINGS)}
    return tuple(sorted(outputs, key=lambda output: order.get(output.pooling, len(order))))
