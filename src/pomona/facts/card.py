"""Facts as a card for the terminal, in English or French."""

from collections.abc import Iterator
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pomona.facts.records import NUTRIENTS, Facts, Nutrition, Storage

__all__ = ["render_facts"]

_WORDS: Final = {
    "en": {
        "other_name": "in French:",
        "fruit": "fruit",
        "vegetable": "vegetable",
        "nut": "nut",
        "mushroom": "mushroom",
        "raw": "usually eaten raw",
        "cooked": "usually eaten cooked",
        "season": "Season in France",
        "months": "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec",
        "nutrition": "Nutrition, 100 g of the edible part",
        "energy_kcal": "Energy",
        "water_g": "Water",
        "carbohydrate_g": "Carbohydrate, with fibre",
        "sugars_g": "  of which sugars",
        "fiber_g": "  of which fibre",
        "protein_g": "Protein",
        "fat_g": "Fat",
        "vitamin_c_mg": "Vitamin C",
        "potassium_mg": "Potassium",
        "storage": "Keeps at most",
        "pantry_days_max": "Pantry",
        "fridge_days_max": "Fridge",
        "freezer_days_max": "Freezer",
        "day": "day days",
        "week": "week weeks",
        "month": "month months",
        "year": "year years",
        "climate": "Climate",
        "co2e": "kg CO2e per kg, from farm to plate",
        "claims": "Popular claims: not checked, not medical advice",
        "note": "Note",
    },
    "fr": {
        "other_name": "en anglais :",
        "fruit": "fruit",
        "vegetable": "légume",
        "nut": "fruit à coque",
        "mushroom": "champignon",
        "raw": "se mange en général cru",
        "cooked": "se mange en général cuit",
        "season": "Saison en France",
        "months": "jan fév mar avr mai jun jul aoû sep oct nov déc",
        "nutrition": "Nutrition, 100 g de partie comestible",
        "energy_kcal": "Énergie",
        "water_g": "Eau",
        "carbohydrate_g": "Glucides, fibres comprises",
        "sugars_g": "  dont sucres",
        "fiber_g": "  dont fibres",
        "protein_g": "Protéines",
        "fat_g": "Lipides",
        "vitamin_c_mg": "Vitamine C",
        "potassium_mg": "Potassium",
        "storage": "Se conserve au plus",
        "pantry_days_max": "Placard",
        "fridge_days_max": "Réfrigérateur",
        "freezer_days_max": "Congélateur",
        "day": "jour jours",
        "week": "semaine semaines",
        "month": "mois mois",
        "year": "an ans",
        "climate": "Climat",
        "co2e": "kg CO2e par kg, de la ferme à l'assiette",
        "claims": "Allégations populaires : non vérifiées, pas un avis médical",
        "note": "Remarque",
    },
}
_QUOTES: Final = {"en": ("“", "”"), "fr": ("«\u00a0", "\u00a0»")}
_UNITS: Final = {"energy_kcal": "kcal", "vitamin_c_mg": "mg", "potassium_mg": "mg"}
# The source's own units: it counts a week as 7 days, a month as 30, a year as 365.
_SPANS: Final = (("year", 365), ("month", 30), ("week", 7))


def render_facts(facts: Facts) -> RenderableType:
    """Return the card of a fruit, in the language of ``facts``; what is not known has no line."""
    words = _WORDS[facts.lang]
    parts: list[RenderableType] = [_render_title(facts, words)]
    for name, heading, body in _sections(facts, words):
        source = f"  {_cite(facts, name)}" if name in facts.sources and name != "claims" else ""
        style = "bold yellow" if name == "claims" else "bold"
        title = Text.assemble((words[heading], style), (source, "dim"))
        parts += ["", title, Padding(body, (0, 0, 0, 2), expand=False)]
    return Group(*parts)


def _sections(facts: Facts, words: dict[str, str]) -> Iterator[tuple[str, str, RenderableType]]:
    if facts.season_fr_months is not None:
        yield "season_fr_months", "season", _render_months(facts.season_fr_months, words)
    if facts.nutrition is not None:
        yield "nutrition", "nutrition", _render_nutrition(facts.nutrition, facts.lang)
    if facts.storage is not None:
        yield "storage", "storage", _render_storage(facts.storage, words)
    if facts.co2e_kg_per_kg is not None:
        number = _format_number(facts.co2e_kg_per_kg, facts.lang)
        yield "co2e_kg_per_kg", "climate", Text(f"{number} {words['co2e']}")
    if facts.claims:
        opening, closing = _QUOTES[facts.lang]
        lines = [f"{opening}{claim.text}{closing}" for claim in facts.claims]
        yield "claims", "claims", Text("\n".join(lines), style="italic")
    if facts.note is not None:
        yield "note", "note", Text(facts.note)


def _cite(facts: Facts, part: str) -> str:
    source = facts.sources[part]
    if part == "nutrition" and facts.nutrition is not None:
        return f"{source}, {facts.nutrition.usda_ndb_no}"
    return source


def _render_title(facts: Facts, words: dict[str, str]) -> Text:
    other = facts.name_fr if facts.lang == "en" else facts.name_en
    translation = f"  ({words['other_name']} {other})" if other != facts.name else ""
    tags = [words[facts.kind]]
    if facts.edible_raw is not None:
        tags.append(words["raw" if facts.edible_raw else "cooked"])
    return Text.assemble(
        (facts.name[0].upper() + facts.name[1:], "bold green"),
        f"{translation}\n",
        (facts.scientific_name, "italic"),
        f", {facts.family}\n",
        ", ".join(tags),
    )


def _render_months(months: tuple[int, ...], words: dict[str, str]) -> Table:
    grid = Table.grid(padding=(0, 1))
    styles = ["bold green" if month in months else "dim" for month in range(1, 13)]
    # Two signs, not only two colours: it is read in pipes and by people who see no red or green.
    signs = ["●" if month in months else "·" for month in range(1, 13)]
    for _ in styles:
        grid.add_column(justify="center")
    names = zip(words["months"].split(), styles, strict=True)
    grid.add_row(*(Text(name, style) for name, style in names))
    grid.add_row(*(Text(sign, style) for sign, style in zip(signs, styles, strict=True)))
    return grid


def _render_nutrition(nutrition: Nutrition, lang: str) -> RenderableType:
    grid = Table.grid(padding=(0, 2))
    grid.add_column()
    grid.add_column(justify="right")
    grid.add_column()
    for name in NUTRIENTS:
        value = getattr(nutrition, name)
        if value is not None:
            grid.add_row(_WORDS[lang][name], _format_number(value, lang), _UNITS.get(name, "g"))
    return Group(Text(nutrition.usda_description, "dim"), grid)


def _render_storage(storage: Storage, words: dict[str, str]) -> Table:
    grid = Table.grid(padding=(0, 2))
    for place in ("pantry_days_max", "fridge_days_max", "freezer_days_max"):
        days = getattr(storage, place)
        if days is not None:
            grid.add_row(words[place], _format_days(days, words))
    return grid


def _format_number(number: float, lang: str) -> str:
    text = f"{number:g}"
    return text.replace(".", ",") if lang == "fr" else text


def _format_days(days: int, words: dict[str, str]) -> str:
    span, length = next(((s, n) for s, n in _SPANS if days % n == 0), ("day", 1))
    one, many = words[span].split()
    count = days // length
    return f"{count} {one if count == 1 else many}"
