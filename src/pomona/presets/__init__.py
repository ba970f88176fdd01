"""Presets: TOML files of settings under a name, layered under options and the settings file."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pomona.errors import SettingsError
from pomona.storage.locations import LocalLocation

__all__ = ["Preset", "list_presets", "read_preset"]

HERE: Final = Path(__file__).parent
KEYS: Final = ("about", "platform", "note", "run")


@dataclass(frozen=True)
class Preset:
    """One preset.

    Parameters
    ----------
    name, about, platform, note : str
        ``note`` is shown after a run.
    settings : dict
        Options of ``pomona run`` by name.
    text : str
        The file as it is.
    """

    name: str
    about: str
    platform: str
    note: str
    settings: dict[str, Any]
    text: str


def list_presets() -> list[str]:
    """Return the names of the shipped presets."""
    return [
        name.removesuffix(".toml") for name in LocalLocation(HERE).list() if name.endswith(".toml")
    ]


def read_preset(name: str) -> Preset:
    """Return a shipped preset by name, or one's own by the path of its TOML file.

    Raises
    ------
    SettingsError
        If there is no such preset, or its file cannot be used.
    """
    own = name.endswith(".toml") or "/" in name
    if not own and name not in list_presets():
        known = ", ".join(f"'{known}'" for known in list_presets())
        raise SettingsError(
            f"Unknown preset '{name}'. Known: {known}. Run 'pomona presets list' for details, or "
            "give the path of a TOML file of your own."
        )
    path = Path(name) if own else HERE / f"{name}.toml"
    try:
        text = path.read_text(encoding="utf-8")
        table = tomllib.loads(text)
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The preset '{path}' cannot be read: {error}. It must be a TOML file. "
            "Print one to start from with 'pomona presets show NAME'."
        ) from error
    unknown = sorted(set(table) - set(KEYS))
    if unknown or not isinstance(table.get("run", {}), dict):
        raise SettingsError(
            f"The preset '{path}' has the unknown key '{(unknown or ['run'])[0]}'. Known: "
            f"{', '.join(KEYS)}, of which run is a table. Put options of 'pomona run' below [run]."
        )
    words = {key: str(table.get(key, "")) for key in ("about", "platform", "note")}
    return Preset(name=path.stem, settings=table.get("run", {}), text=text, **words)
