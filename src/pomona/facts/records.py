"""What is known about one fruit, as frozen records; what is not known is absent."""

from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Final

__all__ = ["CLAIM_STATUS", "LANGUAGES", "NUTRIENTS", "Claim", "Facts", "Nutrition", "Storage"]

LANGUAGES: Final = ("en", "fr")
NUTRIENTS: Final = (
    "energy_kcal",
    "water_g",
    "carbohydrate_g",
    "sugars_g",
    "fiber_g",
    "protein_g",
    "fat_g",
    "vitamin_c_mg",
    "potassium_mg",
)

CLAIM_STATUS: Final = {
    "en": "popular claim, not medical advice",
    "fr": "allégation populaire, pas un avis médical",
}

_GENERAL: Final = "general knowledge"
_SOURCES: Final = {
    "nutrition": "USDA SR28",
    "season_fr_months": "ADEME, Impact CO2",
    "co2e_kg_per_kg": "ADEME, Agribalyse 3.1, via Impact CO2",
    "storage": "USDA FoodKeeper",
    "claims": "none checked",
    "family": _GENERAL,
    "edible_raw": _GENERAL,
}


@dataclass(frozen=True)
class Nutrition:
    """Nutrients in 100 g of the edible part; ``None`` where the source has no number.

    Parameters
    ----------
    usda_ndb_no : str
        Number of the food in USDA SR28, five digits.
    usda_description : str
        The food, in USDA's words.
    carbohydrate_g : float or None
        By difference; includes fibre.

    Notes
    -----
    Energy is in kcal, vitamin C and potassium in mg, everything else in g.
    """

    usda_ndb_no: str
    usda_description: str
    energy_kcal: float | None = None
    water_g: float | None = None
    carbohydrate_g: float | None = None
    sugars_g: float | None = None
    fiber_g: float | None = None
    protein_g: float | None = None
    fat_g: float | None = None
    vitamin_c_mg: float | None = None
    potassium_mg: float | None = None


@dataclass(frozen=True)
class Storage:
    """Longest usual storage in days, by place; ``None`` where the source names no time."""

    pantry_days_max: int | None = None
    fridge_days_max: int | None = None
    freezer_days_max: int | None = None


@dataclass(frozen=True)
class Claim:
    """One popular claim about health. No source was checked; never show it without ``status``."""

    rank: int
    text: str
    status: str


@dataclass(frozen=True)
class Facts:
    """All that is known about one fruit, vegetable, nut or mushroom.

    Parameters
    ----------
    fruit_id : str
        Snake-case key, as in ``classes.csv``.
    lang : {"en", "fr"}
        Language of ``name``, ``claims`` and ``note``.
    kind : {"fruit", "vegetable", "nut", "mushroom"}
        In the culinary sense.
    edible_raw : bool or None
        Commonly eaten raw once ripe and prepared; ``None`` if it depends. Not safety advice.
    season_fr_months : tuple of int or None
        Months 1 to 12 in which it is in season in France, sorted.
    co2e_kg_per_kg : float or None
        Greenhouse gases from farm to plate, kg of CO2 equivalent per kg.
    note : str or None
        What a reader should know about these numbers.

    References
    ----------
    ``data/SOURCES.md`` of this package: every column with its source, conversion and licence.
    """

    fruit_id: str
    lang: str
    name: str
    name_en: str
    name_fr: str
    scientific_name: str
    scientific_name_source: str
    family: str
    kind: str
    edible_raw: bool | None = None
    nutrition: Nutrition | None = None
    season_fr_months: tuple[int, ...] | None = None
    co2e_kg_per_kg: float | None = None
    storage: Storage | None = None
    claims: tuple[Claim, ...] = ()
    note: str | None = None

    @property
    def sources(self) -> dict[str, str]:
        """The source of each part that is present."""
        present = {name: text for name, text in _SOURCES.items() if _is_known(getattr(self, name))}
        return {"scientific_name": self.scientific_name_source, **present}

    def as_dict(self) -> dict[str, Any]:
        """Return plain values for JSON, with ``sources``; what is not known has no key."""
        return {**_as_plain(self), "sources": self.sources}


def _is_known(value: Any) -> bool:
    return value is not None and value != ()


def _as_plain(value: Any) -> Any:
    if is_dataclass(value):
        items = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: _as_plain(item) for name, item in items if _is_known(item)}
    if isinstance(value, tuple):
        return [_as_plain(item) for item in value]
    return value
