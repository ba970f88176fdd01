"""How a setting is declared: once, beside its field; commands, presets and docs read it there."""

from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass, replace
from functools import cache
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
    "build_record",
    "flatten",
    "list_parts",
    "read_part",
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
    """

    field: str
    type: type
    many: bool
    choices: tuple[str, ...]
    default: Any
    option: Option

    @property
    def key(self) -> str:
        """Its name in TOML."""
        return self.option.name or self.field

    @property
    def flag(self) -> str:
        """Its name on the command line."""
        return "--" + self.key.replace("_", "-")

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
                f"{self.field} is '{value}'. It can be {self.limits_text}{unit}. "
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
    """A settings record: its values are checked against what their fields declare."""

    def __post_init__(self) -> None:
        record: type = type(self)
        for part in list_parts(record):
            value = getattr(self, part.field)
            if isinstance(part, Setting) and value is not None:
                for one in value if part.many else (value,):
                    part.check(one)


@cache
def list_parts(record: type) -> tuple[Setting | Nested, ...]:
    """Return the declared fields of a settings record, in their order."""
    # typeshed cannot say that a type is one of a dataclass.
    declared = (read_part(field.name, field.type, field.default) for field in fields(record))
    return tuple(part for part in declared if part is not None)


def read_part(name: str, annotation: Any, default: Any) -> Setting | Nested | None:
    """Return what the annotation of a field or parameter declares; None if nothing."""
    base, *marks = get_args(annotation) if get_origin(annotation) is Annotated else (annotation,)
    alternatives = [each for each in _alternatives(base) if each is not NoneType]
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
    kind = str if option.parse or choices else item
    if kind not in PLAIN:
        raise TypeError(f"The setting '{name}' is declared as {annotation}. No text becomes that.")
    return Setting(name, kind, many, choices, default, option)


def flatten(part: Setting | Nested) -> Iterator[Setting]:
    """Yield the settings of a part and of all below it."""
    if isinstance(part, Setting):
        yield part
        return
    for inner in list_parts(part.record):
        for setting in flatten(inner):
            if part.when and setting.field == part.when.field:
                option = replace(setting.option, unset=part.when.unset)
                yield replace(setting, default=None, option=option)
            else:
                yield setting


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
    given: dict[str, Any] = {}
    for part in list_parts(record):
        if isinstance(part, Setting):
            if _is_given(values.get(part.key)):
                given[part.field] = _convert(part, values[part.key])
        elif any(_is_given(values.get(inner.key)) for inner in _deciding(part)):
            given[part.field] = build_record(part.record, values)
    return record(**given)


def _deciding(part: Nested) -> list[Setting]:
    """Return the settings of which one has to be given for a nested record to be built."""
    inner = list(flatten(part))
    return [s for s in inner if s.field == part.when.field] if part.when else inner


def _is_given(value: Any) -> bool:
    return value is not None and value not in ((), [])


def _convert(setting: Setting, value: Any) -> Any:
    parse = setting.option.parse or (lambda one: one)
    if not setting.many:
        return parse(value)
    # Of a list of names, twice the same would only take twice as long.
    several = dict.fromkeys(value) if setting.choices else value
    return tuple(parse(one) for one in several)


def _alternatives(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) in (Union, UnionType) else (annotation,)
