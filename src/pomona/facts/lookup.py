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
        fruit_ids = index.get(key, set())
        if len(fruit_ids) == 1:
            return facts[next(iter(fruit_ids))]
        if fruit_ids:
            raise SettingsError(
                _explain_ambiguous(fruit, [facts[fruit_id] for fruit_id in sorted(fruit_ids)])
            )
    raise SettingsError(_explain_unknown(fruit, [facts[fruit_id] for fruit_id in _suggest(key)]))


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
    for fruit_class in load_classes():
        classes[_fold(fruit_class.class_name)].add(fruit_class.fruit_id)
        classes[_fold(fruit_class.label)].add(fruit_class.fruit_id)
        if fruit_class.variety:
            varieties[_fold(fruit_class.variety)].add(fruit_class.fruit_id)
    return dict(names), dict(classes), dict(varieties)


def _suggest(key: str) -> list[str]:
    """Return the fruits whose names have ``key`` as a word, then those of similar names."""
    index = {name: fruit_ids for index in reversed(_indexes()) for name, fruit_ids in index.items()}
    same_word = [name for name in index if key and f" {key} " in f" {name} "]
    similar = get_close_matches(key, index, n=2 * N_SUGGESTIONS, cutoff=0.65)
    fruit_ids = [fruit_id for name in [*same_word, *similar] for fruit_id in sorted(index[name])]
    return list(dict.fromkeys(fruit_ids))[:N_SUGGESTIONS]


def _explain_unknown(fruit: str, similar: list[Facts]) -> str:
    if not similar:
        return (
            f"Unknown fruit '{fruit}'. None of the {len(load_facts())} with facts has a similar "
            "name. Write its name in English or French."
        )
    return f"Unknown fruit '{fruit}'. Similar: {_quote(similar)}. Choose one of these."


def _explain_ambiguous(fruit: str, matches: list[Facts]) -> str:
    return (
        f"'{fruit}' is a variety of several fruits. These have one: {_quote(matches)}. "
        "Choose one of these."
    )


def _quote(matches: list[Facts]) -> str:
    return ", ".join(f"'{facts.name}'" for facts in matches)
