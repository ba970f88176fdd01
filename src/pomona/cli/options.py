"""From settings records to commands: options, help texts and defaults come from their fields."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING
from keyword import iskeyword
from typing import Annotated, Any, Final

import typer

from pomona.cli.files import load_config, load_preset
from pomona.cli.session import command_session
from pomona.errors import SettingsError
from pomona.settings import ConsoleSettings
from pomona.settings.option import (
    Nested,
    Setting,
    build_part,
    build_record,
    flatten,
    is_given,
    read_part,
    to_flag,
)

__all__ = ["command", "group"]

# Read before all others, which they give defaults to.
FILES: Final[dict[str, Callable[..., Any]]] = {"config": load_config, "preset": load_preset}
TYPED: Final = ("COMMANDLINE", "ENVIRONMENT")


def group(help: str, *, example: str) -> typer.Typer:
    """Return an app for commands that share a first word."""
    return typer.Typer(help=help, epilog=f"Example: {example}", no_args_is_help=True)


def command(
    app: typer.Typer, name: str | None = None, *, example: str
) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Make a function a command of ``app``.

    Its parameters are settings records, each of whose declared fields becomes an option, or are
    themselves declared by an ``Option``. A record marked ``When`` is None unless its field is
    given. Every command takes ``ConsoleSettings``, whether or not its function asks for them.

    Parameters
    ----------
    app : typer.Typer
    name : str, optional
        Of the command, where it is not the function's.
    example : str
        Shown below the help.
    """

    def register(function: Callable[..., None]) -> Callable[..., None]:
        parts = [
            part
            for parameter in inspect.signature(function).parameters.values()
            if (part := _read_parameter(parameter))
        ]
        settings = _settings_of([*parts, Nested("console", ConsoleSettings, None)])

        def call(context: typer.Context, **values: Any) -> None:
            # A word of Python has an underscore behind it.
            values = {name.rstrip("_"): value for name, value in values.items()}
            console = build_record(ConsoleSettings, values)
            with command_session(quiet=console.quiet, log_json=console.log_json):
                _refuse_idle(settings, values, context)
                function(**{part.field: build_part(part, values) for part in parts})

        given = [inspect.signature(call).parameters["context"]]
        given += [_to_parameter(setting) for setting in settings.values()]
        call.__name__ = function.__name__
        call.__signature__ = inspect.Signature(given)  # type: ignore[attr-defined]
        call.__annotations__ = {parameter.name: parameter.annotation for parameter in given}
        call.settings = tuple(settings.values())  # type: ignore[attr-defined]
        app.command(name, help=function.__doc__, epilog=f"Example: {example}")(call)
        return function

    return register


def _read_parameter(parameter: inspect.Parameter) -> Setting | Nested:
    default = MISSING if parameter.default is inspect.Parameter.empty else parameter.default
    part = read_part(parameter.name, parameter.annotation, default)
    if part is None:
        raise TypeError(f"The parameter '{parameter.name}' of a command is no setting.")
    return part


def _settings_of(parts: list[Setting | Nested]) -> dict[str, Setting]:
    settings: dict[str, Setting] = {}
    for setting in (setting for part in parts for setting in flatten(part)):
        if settings.setdefault(setting.key, setting) != setting:
            raise TypeError(f"Two settings of a command are called '{setting.key}'.")
    return settings


def _to_parameter(setting: Setting) -> inspect.Parameter:
    """Return what Typer reads; a setting that is not given stays None: its record knows better."""
    option = setting.option
    metavar = "|".join(setting.choices) or option.unit
    # A switch has no value: both its names say what it takes.
    shown = "" if setting.type is bool else f"<{metavar}>" if metavar else None
    common: dict[str, Any] = {
        "help": _describe(setting),
        "metavar": shown,
        "rich_help_panel": option.panel,
        "show_default": False,
        # What is parsed may stand as a number in TOML.
        "parser": str if option.parse else None,
        "autocompletion": _complete(setting.choices) if setting.choices else None,
    }
    if option.positional:
        # An argument's metavar is its name.
        info = typer.Argument(**common | {"metavar": option.unit or setting.key.upper()})
    else:
        flags = f"{setting.flag}/--no-{setting.flag[2:]}" if setting.type is bool else setting.flag
        info = typer.Option(
            *(flags, option.short) if option.short else (flags,),
            callback=FILES.get(setting.key),
            is_eager=setting.key in FILES,
            show_envvar=False,
            **common,
        )
    value_type: Any = list[setting.type] if setting.many else setting.type  # type: ignore[name-defined]
    required = setting.default is MISSING
    return inspect.Parameter(
        f"{setting.key}_" if iskeyword(setting.key) else setting.key,
        inspect.Parameter.KEYWORD_ONLY,
        annotation=Annotated[value_type if required else value_type | None, info],
        default=inspect.Parameter.empty if required else None,
    )


def _describe(setting: Setting) -> str:
    """Return the help text; what stands in brackets is escaped, or Rich would take it for style."""
    facts = [setting.limits_text] if setting.limits_text else []
    if setting.many and not setting.option.positional:
        facts.append("may be repeated")
    if setting.needs:
        facts.append(f"with {to_flag(setting.needs)}")
    if setting.default_text is not None:
        facts.append(f"default: {setting.default_text}")
    text = f"{setting.option.help} [{'; '.join(facts)}]" if facts else setting.option.help
    return text.replace("[", "\\[")


def _complete(choices: tuple[str, ...]) -> Callable[[str], list[str]]:
    def complete(incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


def _refuse_idle(
    settings: Mapping[str, Setting], values: Mapping[str, Any], context: typer.Context
) -> None:
    """Refuse an option that counts only with another, which is not there.

    A settings file may hold it: for the day when the other is given.
    """
    for setting in settings.values():
        if setting.needs is None or is_given(values[setting.needs]):
            continue
        source = context.get_parameter_source(setting.key)
        if is_given(values[setting.key]) and source is not None and source.name in TYPED:
            needed = settings[setting.needs].flag
            raise SettingsError(
                f"{setting.flag} is given and there is no {needed}. It counts only with that. "
                f"Add {needed}, or leave {setting.flag} out."
            )
