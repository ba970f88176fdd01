"""Settings from TOML: a file of one's own, and presets; a name nobody knows is refused."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import typer

from pomona.errors import SettingsError

__all__ = ["load_config", "load_preset"]

# What is no setting, or says where settings are.
LEFT_OUT: Final = ("config", "help", "preset")


def load_config(context: typer.Context, path: Path | None) -> Path | None:
    """Give a command the defaults of a settings file, and the file back."""
    if path is None:
        return None
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The settings file '{path}' cannot be read: {error}. It must be TOML. "
            "Correct the path or the file."
        ) from error
    _check_names(context.find_root().command, table, f"The settings file '{path}'")
    values: dict[str, Any] = {}
    for name in _path_of(context):
        table = table.get(name, {}) if name else table
        values |= {key: value for key, value in table.items() if not isinstance(value, dict)}
    # Whichever is read first, a preset lies under the settings file.
    context.default_map = {**(context.default_map or {}), **_to_defaults(context, values)}
    return path


def load_preset(context: typer.Context, name: str | None) -> str | None:
    """Give a command the defaults of a preset, and its name back."""
    if name is None:
        return None
    from pomona.presets import read_preset

    settings = read_preset(name).settings
    _check_names(context.command, settings, f"The preset '{name}'")
    context.default_map = {**_to_defaults(context, settings), **(context.default_map or {})}
    return name


def _path_of(context: Any) -> list[str]:
    """Return the names of the tables that count for a command; '' is the file itself."""
    if context.parent is None:
        return [""]
    return [*_path_of(context.parent), context.info_name or ""]


def _options(command: Any) -> dict[str, Any]:
    """Return the options of a command by their names in TOML; of a group, those of all below."""
    if hasattr(command, "commands"):
        below = [_options(child) for child in command.commands.values()]
        return {name: option for options in below for name, option in options.items()}
    return {
        parameter.name: parameter
        for parameter in command.params
        if parameter.param_type_name == "option" and parameter.name not in LEFT_OUT
    }


def _check_names(command: Any, table: Mapping[str, Any], origin: str) -> None:
    options, tables = _options(command), getattr(command, "commands", {})
    for name, value in table.items():
        if isinstance(value, dict):
            if name not in tables:
                known = f"Known: {', '.join(sorted(tables))}" if tables else "None is known here"
                raise SettingsError(
                    f"{origin} has the unknown table '{name}'. {known}. Correct the name."
                )
            _check_names(tables[name], value, origin)
        elif _key(name) not in options:
            raise SettingsError(
                f"{origin} has the unknown name '{name}'. Known: "
                f"{', '.join(sorted(options))}. Correct the name."
            )


def _to_defaults(context: typer.Context, values: Mapping[str, Any]) -> dict[str, Any]:
    options = _options(context.command)
    defaults = {}
    for name, value in values.items():
        if option := options.get(_key(name)):
            one_of_many = option.multiple and not isinstance(value, list)
            defaults[option.name] = [value] if one_of_many else value
    return defaults


def _key(name: str) -> str:
    return name.replace("-", "_")
