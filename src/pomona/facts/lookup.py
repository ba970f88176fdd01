"""Find the facts about a fruit by any of its names."""

import re
import unicodedata
from collections import defaultdict
from difflib import get_close_matches
from functools import cache
from typing import Final

from pomona.errors import SettingsError
from pomona.facts.classes import load_classes
from pomona.facts.records import Facts
from pomona.facts.tables import load_facts

__all__ = ["find_facts"]

N_SUGGESTIONS: Final = 5

_Index = dict[str, set[str]]


def find_facts(fruit: str, *, lang: str = "en") -> Facts:
    """Return what is known about a fruit.

    Parameters
    ----------
    fruit : str
        Its id, English or French name, a variety ("Granny Smith"), or the name of a class or label
        ("Apple Golden 1"). Case, accents and punctuation do not matter.
    lang : {"en", "fr"}
        Language of ``name``, claims and note.

    Raises
    ------
    SettingsError
        If there is no such language or fruit, or several fruits have a variety of this name. The
        message suggests names.

    Examples
    --------
    >>> find_facts("châtaigne").fruit_id
    'chestnut'
    """
    facts = load_facts(lang)
    key = _fold(fruit)
    for index in _indexes():
        found = index.get(key, set())
        if len(found) == 1:
            return facts[next(iter(found))]
        if found:
            raise SettingsError(_explain_ambiguous(fruit, [facts[each] for each in sorted(found)]))
    raise SettingsError(_explain_unknown(fruit, [facts[each] for each in _suggest(key)]))


def _fold(name: str) -> str:
    # NFKD leaves the ligature whole, though everybody types it as two letters.
    text = unicodedata.normalize("NFKD", name.casefold().replace("œ", "oe"))
    plain = "".join(letter for letter in text if not unicodedata.combining(letter))
    return " ".join(re.findall(r"\w+", plain.replace("_", " ")))


@cache
def _indexes() -> tuple[_Index, _Index, _Index]:
    """Names, classes, varieties: an orange is the fruit, before it is a colour of peppers."""
    names: _Index = defaultdict(set)
    classes: _Index = defaultdict(set)
    varieties: _Index = defaultdict(set)
    for fruit_id, facts in load_facts().items():
        for name in (fruit_id, facts.name_en, facts.name_fr):
            names[_fold(name)].add(fruit_id)
            names[_fold(name.partition(" (")[0])].add(fruit_id)
    for each in load_classes():
        classes[_fold(each.class_name)].add(each.fruit_id)
        classes[_fold(each.label)].add(each.fruit_id)
        if each.variety:
            varieties[_fold(each.variety)].add(each.fruit_id)
    return dict(names), dict(classes), dict(varieties)


def _suggest(key: str) -> list[str]:
    """Return the fruits whose names have ``key`` as a word, then those of similar names."""
    index = {name: found for index in reversed(_indexes()) for name, found in index.items()}
    same_word = [name for name in index if key and f" {key} " in f" {name} "]
    similar = get_close_matches(key, index, n=2 * N_SUGGESTIONS, cutoff=0.65)
    found = [fruit_id for name in [*same_word, *similar] for fruit_id in sorted(index[name])]
    return list(dict.fromkeys(found))[:N_SUGGESTIONS]


def _explain_unknown(fruit: str, similar: list[Facts]) -> str:
    if not similar:
        return (
            f"Unknown fruit '{fruit}'. None of the {len(load_facts())} with facts has a similar "
            "name. Write its name in English or French."
        )
    return f"Unknown fruit '{fruit}'. Similar: {_quote(similar)}. Choose one of these."


def _explain_ambiguous(fruit: str, found: list[Facts]) -> str:
    return (
        f"'{fruit}' is a variety of several fruits. These have one: {_quote(found)}. "
        "Choose one of these."
    )


def _quote(found: list[Facts]) -> str:
    return ", ".join(f"'{facts.name}'" for facts in found)
