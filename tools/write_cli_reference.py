"""Write docs/reference/cli.md from the commands as they are.

python tools/write_cli_reference.py
"""

import re
from collections.abc import Iterator
from dataclasses import MISSING
from pathlib import Path
from typing import Any

from typer.main import get_command

from pomona.cli.app import app
from pomona.settings import ConsoleSettings
from pomona.settings.option import Setting, list_parts

TYPES = {bool: "switch", int: "number", float: "number", str: "text", Path: "path"}
PAGE = Path(__file__).parents[1] / "docs/reference/cli.md"
INTRODUCTION = """# The command line

Written by `python tools/write_cli_reference.py` from the settings records (`src/pomona/settings`); edit those.

| where a value comes from, the strongest first | how it is written there |
|---|---|
| option | `pomona run photos --out result --max-bad 0.1`; a switch that is on is switched off with `--no-` before its name |
| environment | `POMONA_<COMMAND>_<OPTION>`: `POMONA_RUN_MAX_BAD=0.1`, `POMONA_BACKBONES_PULL_CACHE=/data/networks` |
| settings file, `--config FILE` | TOML: `max_bad = 0.1`, for one command below `[run]` or `[backbones.pull]`; several values as a list |
| preset, `pomona run --preset NAME` | TOML: the same names below `[run]` |
| default | below |

A name or table in a file that no command knows is an error, as is an option that does not exist. Exit status: 0 done, 1 failed, 2 wrong use,
130 stopped by Ctrl-C. `pomona --install-completion` teaches the shell to complete commands, options and their values.
`pomona --verbose COMMAND` shows what Spark's Java prints, too; `pomona --version` the version.

Every command takes these:
"""  # noqa: E501


def render_reference() -> str:
    """Return the page."""
    common = [part for part in list_parts(ConsoleSettings) if isinstance(part, Setting)]
    parts = [INTRODUCTION, "\n", _options_table(common)]
    for words, command in _walk("pomona", get_command(app)):
        settings: list[Setting] = [one for one in command.callback.settings if one not in common]
        places = [one for one in settings if one.option.positional]
        options = [one for one in settings if not one.option.positional]
        usage = " ".join([words, *filter(None, map(_usage, [*places, *options]))])
        lines = "\n".join(dict.fromkeys([usage, command.epilog.removeprefix("Example: ")]))
        parts.append(f"\n## {words}\n\n{command.help}\n\n```sh\n{lines}\n```\n")
        if places:
            rows = [f"| `{_name(one)}` | {_cell(_what(one))} |" for one in places]
            parts.append("\n".join(["\n| argument | what |", "|---|---|", *rows, ""]))
        if options:
            parts.append("\n" + _options_table(options))
    return "".join(parts)


def _walk(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if children is None:
        yield words, command
        return
    for name, child in children.items():
        yield from _walk(f"{words} {name}", child)


def _usage(setting: Setting) -> str:
    """Return what has to be written; what may be is left to the table."""
    if setting.default is not MISSING and not setting.option.positional:
        return ""
    if not setting.option.positional:
        return f"{setting.flag} {(setting.option.unit or setting.key).upper()}"
    name = _name(setting) + ("..." if setting.many else "")
    return name if setting.default is MISSING else f"[{name}]"


def _name(setting: Setting) -> str:
    return setting.option.unit or setting.key.upper()


def _options_table(settings: list[Setting]) -> str:
    rows = ["| option | value | default | what |", "|---|---|---|---|"]
    for setting in settings:
        short = f", `{setting.option.short}`" if setting.option.short else ""
        default = "must be given" if setting.default is MISSING else setting.default_text or ""
        cells = [f"`{setting.flag}`{short}", *map(_cell, (_value(setting), default))]
        rows.append(f"| {' | '.join([*cells, _cell(_what(setting))])} |")
    return "\n".join(rows) + "\n"


def _value(setting: Setting) -> str:
    value = ", ".join(setting.choices) or setting.option.unit or TYPES[setting.type]
    return f"{value}: {setting.limits_text}" if setting.limits_text else value


def _what(setting: Setting) -> str:
    more = " May be repeated." if setting.many and not setting.option.positional else ""
    if setting.needs:
        more += f" Only with `--{setting.needs}`."
    return setting.option.help + more


def _cell(text: str) -> str:
    """Return a text whose signs mean nothing in Markdown."""
    return re.sub(r"([|*<])", r"\\\1", text)


if __name__ == "__main__":
    PAGE.write_text(render_reference(), encoding="utf-8")
