"""The model card of a recogniser, written from what its model folder says."""

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined

from pomona.recognition.model import Model, read_model
from pomona.storage.locations import open_location
from pomona.storage.records import to_plain

__all__ = ["CARD_FILE", "write_card"]

CARD_FILE: Final = "MODEL_CARD.md"
# Places that are known from training.
HOME: Final = ("phone", "studio")


def write_card(folder: Path) -> None:
    """Write ``MODEL_CARD.md`` beside ``model.json``.

    Parameters
    ----------
    folder : Path
        Model folder made by :func:`recipes.default_recogniser.packaging.package`.
    """
    environment = Environment(
        loader=PackageLoader("recipes.default_recogniser"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        # Markdown, made from our own tables.
        autoescape=False,  # noqa: S701
        keep_trailing_newline=True,
    )
    text = environment.get_template("card.md").render(_describe(read_model(folder)))
    open_location(folder).put(CARD_FILE, text.encode())


def _describe(model: Model) -> dict[str, Any]:
    record = to_plain(model.record)
    return {
        "record": record,
        "labels": model.labels,
        "rule": model.rule,
        "n_fruits": len({label.fruit for label in model.labels}),
        "n_world": record["training"]["n_world_fruits"],
        "world": _mean_of_world(record["metrics"]["places"]),
        "size_mb": record["recogniser"]["size_bytes"] / 1e6,
        "sets": {
            name: record["metrics"][key]
            for name, key in (("phone photographs", "phone"), ("studio frames", "studio"))
        },
    }


def _mean_of_world(places: dict[str, dict[str, float]]) -> dict[str, float]:
    world = [scores for name, scores in places.items() if name not in HOME]
    return {name: sum(one[name] for one in world) / len(world) for name in world[0]}
