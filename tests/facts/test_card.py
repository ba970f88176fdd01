import io

import pytest
from rich.console import Console

from pomona.facts import LANGUAGES, find_facts, load_facts
from pomona.facts.card import render_facts


def _show(facts, width=80):
    out = io.StringIO()
    Console(file=out, width=width, highlight=False).print(render_facts(facts))
    return out.getvalue()


def test_render_facts_in_english():
    shown = _show(find_facts("apple"))
    for text in (
        "Apple  (in French: pomme)",
        "Malus domestica, Rosaceae",
        "Nutrition, 100 g of the edible part  USDA SR28, 09003",
        "10.39",
        "6 weeks",
        "8 months",
        "0.408 kg CO2e per kg",
    ):
        assert text in shown


def test_render_facts_in_french():
    shown = _show(find_facts("apple", lang="fr"))
    for text in ("Pomme  (en anglais : apple)", "10,39", "6 semaines", "8 mois", "0,408 kg CO2e"):
        assert text in shown


def test_season_shows_twelve_months_readable_without_colour():
    lines = _show(find_facts("cherry")).splitlines()
    names = next(line for line in lines if "Jan" in line)
    signs = lines[lines.index(names) + 1]
    assert signs.split() == ["·"] * 5 + ["●"] * 2 + ["·"] * 5
    assert names.index("Jun") + 1 == signs.index("●")


def test_claims_stand_under_a_warning():
    shown = _show(find_facts("beetroot"))
    claims = shown.partition("Popular claims: not checked, not medical advice")[2]
    assert "“Combats cancer”" in claims
    assert "Popular claims" not in _show(find_facts("pear"))
    french = _show(find_facts("beetroot", lang="fr"))
    assert "Allégations populaires : non vérifiées, pas un avis médical" in french


def test_what_is_not_known_has_no_line():
    shown = _show(find_facts("salak"))
    for heading in ("Season", "Nutrition,", "Keeps", "Climate"):
        assert heading not in shown
    assert "sugars" not in _show(find_facts("quince"))


def test_a_name_that_is_the_same_in_both_languages_stands_once():
    assert "(in French" not in _show(find_facts("kiwi"))


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("width", [60, 120])
def test_every_card_fits_and_shows_only_values(lang, width):
    for facts in load_facts(lang).values():
        shown = _show(facts, width)
        assert "None" not in shown
        assert max(len(line) for line in shown.splitlines()) <= width
        assert "…" not in shown
