"""How a setting is declared: once, beside its field; commands, presets and docs read it there."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import cache
from inspect import cleandoc, get_annotations
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Protocol, Union, get_args, get_origin

from pomona.errors import SettingsError

__all__ = [
    "Nested",
    "Option",
    "Record",
    "Setting",
    "When",
    "build_part",
    "build_record",
    "flatten",
    "is_given",
    "list_parts",
    "read_part",
    "to_flag",
]

PLAIN: Final = (bool, int, float, str, Path)


class Parse(Protocol):
    """From the text of the command line to the value of a field, or to one of several."""

    def __call__(self, text: str, /) -> Any:
        """Return the value."""


@dataclass(frozen=True)
class Option:
    """What there is to say about a field of a settings record, beside its type and default.

    Parameters
    ----------
    help : str
        One sentence.
    panel : str, optional
        Heading below which a help page shows it.
    unit : str, optional
        What its number counts; shown in place of the type.
    name : str, optional
        Name in TOML and on the command line, where the field's own would read wrongly there.
    short : str, optional
        Such as ``-k``.
    unset : str, optional
        What None stands for.
    at_least, at_most : number, optional
        Limits of the value, themselves allowed.
    parse : callable, optional
        From text to the value, where the type alone does not say how.
    positional : bool
        It stands on the command line without a name, and in no TOML.
    """

    help: str
    panel: str | None = None
    unit: str | None = None
    name: str | None = None
    short: str | None = None
    unset: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    parse: Parse | None = None
    positional: bool = False


@dataclass(frozen=True)
class When:
    """Marks a record that there is only when one of its fields is given.

    Parameters
    ----------
    field : str
        That one.
    unset : str
        What happens without.
    """

    field: str
    unset: str


@dataclass(frozen=True)
class Setting:
    """A declared field.

    Parameters
    ----------
    field : str
    type : type
        Of the value, or of one of several: bool, int, float, str or Path; str where it is parsed.
    many : bool
        It may be given several times.
    choices : tuple of str
        All values there are; empty where there is no list.
    default : object
        ``dataclasses.MISSING`` where it has to be given.
    option : Option
    needs : str, optional
        Name in TOML of the setting without which this one does not count.
    """

    field: str
    type: type
    many: bool
    choices: tuple[str, ...]
    default: Any
    option: Option
    needs: str | None = None

    @property
    def key(self) -> str:
        """Its name in TOML."""
        return self.option.name or self.field

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return to_flag(self.key)

    @property
    def default_text(self) -> str | None:
        """The default as a person reads it; None where there is nothing to say."""
        if self.default is MISSING or self.default in (None, ()):
            return self.option.unset
        if isinstance(self.default, bool):
            return "on" if self.default else "off"
        return ", ".join(self.default) if self.many else str(self.default)

    @property
    def limits_text(self) -> str | None:
        """Its limits as a person reads them."""
        low, high = self.option.at_least, self.option.at_most
        if low is not None and high is not None:
            return f"{low:,} to {high:,}"
        return f"at least {low:,}" if low is not None else None

    def check(self, value: Any) -> None:
        """Refuse a value that is not among the choices or out of its limits."""
        if self.choices and value not in self.choices:
            known = f"Known: {', '.join(self.choices)}."
            if self.many:
                raise SettingsError(
                    f"Unknown {self.key} '{value}'. {known} Choose one or more with {self.flag}."
                )
            raise SettingsError(
                f"{self.field} is '{value}'. {known} Choose one of these with {self.flag}."
            )
        low, high = self.option.at_least, self.option.at_most
        # Written so that NaN is refused too.
        if not ((low is None or value >= low) and (high is None or value <= high)):
            unit = f" ({self.option.unit})" if self.option.unit else ""
            raise SettingsError(
                f"{self.field} is '{value}'. It must be {self.limits_text}{unit}. "
                f"Correct {self.flag}, or leave it out."
            )


@dataclass(frozen=True)
class Nested:
    """A field that is a settings record itself.

    Parameters
    ----------
    field : str
    record : type
    when : When or None
    """

    field: str
    record: type
    when: When | None


class Record:
    """A settings record: what its fields declare is checked, and stands in its docstring."""

    def __init_subclass__(cls) -> None:
        lines = [cleandoc(cls.__doc__ or ""), "", "Parameters", "----------"]
        annotations = [get_annotations(base).items() for base in reversed(cls.__mro__)]
        for name, annotation in (item for items in annotations for item in items):
            part = read_part(name, annotation, MISSING)
            lines.append(f"{name} : {_name_type(_split(annotation)[0])}")
            lines += [f"    {part.option.help}"] if isinstance(part, Setting) else []
        cls.__doc__ = "\n".join(lines)

    def __post_init__(self) -> None:
        record: type = type(self)
        for part in list_parts(record):
            value = getattr(self, part.field)
            if isinstance(part, Setting) and value is not None:
                for one in value if part.many else (value,):
                    part.check(one)


def to_flag(key: str) -> str:
    """Return the name on the command line of a name in TOML."""
    return "--" + key.replace("_", "-")


@cache
def list_parts(record: type) -> tuple[Setting | Nested, ...]:
    """Return the declared fields of a settings record, in their order."""
    # typeshed cannot say that a type is one of a dataclass.
    declared = (read_part(field.name, field.type, field.default) for field in fields(record))
    return tuple(part for part in declared if part is not None)


def read_part(name: str, annotation: Any, default: Any) -> Setting | Nested | None:
    """Return what the annotation of a field or parameter declares; None if nothing."""
    base, *marks = _split(annotation)
    alternatives = [one for one in _alternatives(base) if one is not NoneType]
    first = alternatives[0]
    if is_dataclass(first):
        when = next((mark for mark in marks if isinstance(mark, When)), None)
        return Nested(name, first, when)  # type: ignore[arg-type]  # a type, not an instance
    option = next((mark for mark in marks if isinstance(mark, Option)), None)
    if option is None:
        return None
    many = get_origin(first) is tuple
    item = get_args(first)[0] if many else first
    choices = get_args(item) if get_origin(item) is Literal else ()
    item_type = str if option.parse or choices else item
    if item_type not in PLAIN:
        raise TypeError(f"The setting '{name}' is declared as {annotation}. No text becomes that.")
    return Setting(name, item_type, many, choices, default, option)


def flatten(part: Setting | Nested) -> Iterator[Setting]:
    """Yield the settings of a part and of all below it."""
    if isinstance(part, Setting):
        yield part
        return
    inner = [setting for below in list_parts(part.record) for setting in flatten(below)]
    if part.when is None:
        yield from inner
        return
    deciding = next(setting for setting in inner if setting.field == part.when.field)
    for setting in inner:
        if setting is deciding:
            option = replace(setting.option, unset=part.when.unset)
            yield replace(setting, default=None, option=option)
        else:
            yield replace(setting, needs=deciding.key)


def build_record(record: type, values: Mapping[str, Any]) -> Any:
    """Return a record from values by their TOML names; what is not there keeps its default.

    Parameters
    ----------
    record : type
        Settings record.
    values : mapping of str to object
        None and empty tuples stand for what is not given; names the record lacks are passed over.

    Raises
    ------
    SettingsError
        If a value is not one that the record takes.
    """
    parts = (part for part in list_parts(record) if _decides(part, values))
    return record(**{part.field: build_part(part, values) for part in parts})


def build_part(part: Setting | Nested, values: Mapping[str, Any]) -> Any:
    """Return the value of a field or parameter, as :func:`build_record` makes it."""
    if isinstance(part, Setting):
        return _convert(part, values[part.key]) if _decides(part, values) else part.default
    if part.when and not _decides(part, values):
        return None
    return build_record(part.record, values)


def is_given(value: Any) -> bool:
    """Return whether a value of the command line or of TOML is one."""
    return value is not None and value not in ((), [])


def _decides(part: Setting | Nested, values: Mapping[str, Any]) -> bool:
    """Return whether something is given for a part: what it hangs on, if it hangs on a setting."""
    return any(
        is_given(values.get(setting.key)) for setting in flatten(part) if setting.needs is None
    )


def _convert(setting: Setting, value: Any) -> Any:
    parse = setting.option.parse or (lambda one: one)
    if not setting.many:
        return parse(value)
    # Of a list of names, twice the same would only take twice as long.
    several = dict.fromkeys(value) if setting.choices else value
    return tuple(parse(one) for one in several)


def _split(annotation: Any) -> tuple[Any, ...]:
    """Return the type of an annotation and what else it says."""
    return get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)


def _name_type(annotation: Any) -> str:
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    # Of a type such as pathlib.Path | None only the names.
    return re.sub(r"[\w.]+\.(?=\w)", "", text)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
