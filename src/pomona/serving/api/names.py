"""What a label is called in each language."""

from functools import cache
from typing import Final

from pomona.facts import LANGUAGES, find_class, load_classes, load_facts
from pomona.recognition.labels import ModelLabel

__all__ = ["fruit_name", "label_name", "label_names"]

# Masculine and feminine; words that name a cultivar stay as they are.
_FRENCH: Final = {
    "Red": ("rouge", "rouge"),
    "Yellow": ("jaune", "jaune"),
    "Green": ("vert", "verte"),
    "Orange": ("orange", "orange"),
    "White": ("blanc", "blanche"),
    "Blue": ("bleu", "bleue"),
    "Pink": ("rose", "rose"),
    "Maroon": ("bordeaux", "bordeaux"),
    "Cherry Red": ("cerise rouge", "cerise rouge"),
    "Red Yellow": ("rouge et jaune", "rouge et jaune"),
    "Red Peeled": ("rouge, pelé", "rouge, pelée"),
    "Red Washed": ("rouge, lavé", "rouge, lavée"),
    "Wax Black": ("noir, ciré", "noire, cirée"),
    "Wax Red": ("rouge, ciré", "rouge, cirée"),
    "Wax Yellow": ("jaune, ciré", "jaune, cirée"),
    "Flat": ("plat", "plate"),
    "Mini": ("mini", "mini"),
    "Regular": ("ordinaire", "ordinaire"),
    "Solid": ("ferme", "ferme"),
    "Floury": ("farineux", "farineuse"),
    "Vine": ("en grappe", "en grappe"),
    "Beef": ("cœur de bœuf", "cœur de bœuf"),
    "Forest": ("des bois", "des bois"),
    "Brown Cap": ("brun", "brune"),
    "with Husk": ("avec enveloppe", "avec enveloppe"),
    "ripe": ("mûr", "mûre"),
}
_FEMININE: Final = frozenset(
    [
        "airelle",
        "aubergine",
        "banane",
        "betterave",
        "carambole",
        "carotte",
        "cerise",
        "châtaigne",
        "clémentine",
        "courgette",
        "datte",
        "figue",
        "fraise",
        "framboise",
        "goyave",
        "grenade",
        "grenadille",
        "groseille",
        "laitue",
        "lime",
        "mandarine",
        "mangue",
        "mûre",
        "myrtille",
        "nectarine",
        "noisette",
        "noix",
        "orange",
        "pastèque",
        "patate",
        "pêche",
        "pitaya",
        "poire",
        "pomme",
        "prune",
        "tomate",
        "tangerine",
        "mangoustane",
        "physalis",
    ]
)


def label_names(label: ModelLabel) -> dict[str, str]:
    """Return what a label is called, by language."""
    return {lang: label_name(label.label, label.fruit_id, lang) for lang in LANGUAGES}


@cache
def label_name(label: str, fruit_id: str | None, lang: str) -> str:
    """Return what a label is called in one language; as it is where the facts do not know it.

    Parameters
    ----------
    label : str
    fruit_id : str or None
    lang : {"en", "fr"}
    """
    if lang == "en" or fruit_id is None:
        return label
    known_class = _known().get(label) or _known_class(label)
    facts = load_facts(lang).get(fruit_id)
    if known_class is None or facts is None:
        return label
    is_feminine = facts.name_fr.split()[0] in _FEMININE
    words = [
        _FRENCH.get(word, (word, word))[is_feminine] for word in known_class if word is not None
    ]
    return " ".join([_capital(facts.name_fr), *words])


def fruit_name(fruit_id: str | None, lang: str) -> str | None:
    """Return what a fruit is called, capitalised, or None where the facts do not know it."""
    facts = load_facts(lang).get(fruit_id) if fruit_id is not None else None
    return None if facts is None else _capital(facts.name)


@cache
def _known() -> dict[str, tuple[str | None, str | None]]:
    return {
        known_class.label: (known_class.variety, known_class.ripeness)
        for known_class in load_classes()
    }


def _known_class(name: str) -> tuple[str | None, str | None] | None:
    known_class = find_class(name)
    return None if known_class is None else (known_class.variety, known_class.ripeness)


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
