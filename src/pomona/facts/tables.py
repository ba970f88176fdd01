"""Read the tables of this package into records."""

import csv
from collections import defaultdict
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from pomona.errors import SettingsError, SetupError
from pomona.facts.records import (
    CLAIM_STATUS,
    LANGUAGES,
    NUTRIENTS,
    Claim,
    Facts,
    Nutrition,
    Storage,
)

__all__ = ["load_facts", "read_table"]

Row = dict[str, str]

_PLACES: Final = ("pantry", "fridge", "freezer")
_NAME_SOURCES: Final = {"usda": "USDA SR28", "general_knowledge": "general knowledge"}
# "unknown" is left out on purpose: it depends on the variety or is disputed.
_EDIBLE_RAW: Final = {"true": True, "false": False}


@cache
def load_facts(lang: str = "en") -> Mapping[str, Facts]:
    """Return the facts about every fruit, by ``fruit_id`` in the order of the table.

    Parameters
    ----------
    lang : {"en", "fr"}
        Language of names, claims and notes.

    Raises
    ------
    SettingsError
        If there is no such language.
    SetupError
        If a table is missing from the installation.
    """
    if lang not in LANGUAGES:
        known = ", ".join(f"'{known}'" for known in LANGUAGES)
        raise SettingsError(
            f"Unknown language '{lang}'. Known: {known}. Choose one of these with --lang."
        )
    claims = defaultdict(list)
    for row in read_table("benefits.csv"):
        claim = Claim(int(row["rank"]), row[f"claim_{lang}"], CLAIM_STATUS[lang])
        claims[row["fruit_id"]].append(claim)
    notes = {row["fruit_id"]: row[f"note_{lang}"] for row in read_table("notes.csv")}
    return MappingProxyType(
        {
            row["fruit_id"]: _parse_facts(
                row,
                lang=lang,
                claims=tuple(claims[row["fruit_id"]]),
                note=notes.get(row["fruit_id"]),
            )
            for row in read_table("fruits.csv")
        }
    )


def read_table(name: str) -> list[Row]:
    """Return the rows of one table of this package, every value as text."""
    path = Path(__file__).with_name("data") / name
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except OSError as error:
        raise SetupError(
            f"The table '{name}' cannot be read: {error}. It belongs in '{path.parent}'. "
            "Install pomona again."
        ) from error


def _parse_facts(row: Row, *, lang: str, claims: tuple[Claim, ...], note: str | None) -> Facts:
    months = tuple(int(month) for month in row["season_fr_months"].split())
    return Facts(
        fruit_id=row["fruit_id"],
        lang=lang,
        name=row[f"name_{lang}"],
        name_en=row["name_en"],
        name_fr=row["name_fr"],
        scientific_name=row["scientific_name"],
        scientific_name_source=_NAME_SOURCES[row["name_source"]],
        family=row["family"],
        kind=row["kind"],
        edible_raw=_EDIBLE_RAW.get(row["edible_raw"]),
        nutrition=_parse_nutrition(row),
        season_fr_months=months or None,
        co2e_kg_per_kg=_parse_number(row["co2e_kg_per_kg"]),
        storage=_parse_storage(row),
        claims=claims,
        note=note,
    )


def _parse_nutrition(row: Row) -> Nutrition | None:
    if not row["usda_ndb_no"]:
        return None
    numbers = {name: _parse_number(row[name]) for name in NUTRIENTS}
    return Nutrition(row["usda_ndb_no"], row["usda_description"], **numbers)


def _parse_storage(row: Row) -> Storage | None:
    texts = [row[f"storage_{place}_days_max"] for place in _PLACES]
    days = [int(text) if text else None for text in texts]
    return Storage(*days) if any(texts) else None


def _parse_number(text: str) -> float | None:
    return float(text) if text else None
