import dataclasses

import pytest

from pomona.errors import SettingsError, SetupError
from pomona.facts import LANGUAGES, Claim, Nutrition, Storage, load_facts, tables
from pomona.facts.records import CLAIM_STATUS, NUTRIENTS
from pomona.facts.tables import read_table


def test_load_facts_reads_a_whole_row():
    apple = load_facts()["apple"]
    assert (apple.name, apple.name_en, apple.name_fr) == ("apple", "apple", "pomme")
    assert (apple.scientific_name, apple.family) == ("Malus domestica", "Rosaceae")
    assert (apple.kind, apple.edible_raw) == ("fruit", True)
    assert apple.nutrition == Nutrition(
        "09003", "Apples, raw, with skin", 52, 85.56, 13.81, 10.39, 2.4, 0.26, 0.17, 4.6, 107
    )
    assert apple.season_fr_months == (1, 2, 3, 4, 8, 9, 10, 11, 12)
    assert apple.co2e_kg_per_kg == 0.408
    assert apple.storage == Storage(21, 42, 240)
    assert apple.claims[0] == Claim(1, "Protects your heart", "popular claim, not medical advice")


def test_load_facts_in_french_differs_in_words_only():
    for fruit_id, english in load_facts("en").items():
        french = load_facts("fr")[fruit_id]
        assert french.name == english.name_fr
        assert (french.note is None) == (english.note is None)
        assert [claim.rank for claim in french.claims] == [claim.rank for claim in english.claims]
        words = dict.fromkeys(("lang", "name", "note"), None) | {"claims": ()}
        assert dataclasses.replace(french, **words) == dataclasses.replace(english, **words)


def test_missing_values_are_absent_never_zero():
    facts = load_facts()
    assert facts["dragon_fruit"].nutrition is None
    assert facts["potato"].season_fr_months is None
    assert facts["potato"].co2e_kg_per_kg is None
    assert facts["quince"].nutrition.sugars_g is None
    assert facts["quince"].storage is None
    assert facts["quince"].edible_raw is None
    assert facts["mushroom"].nutrition.vitamin_c_mg == 0
    assert facts["mulberry"].claims == ()


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_number_is_possible(lang):
    assert len(load_facts(lang)) == 77
    for facts in load_facts(lang).values():
        assert facts.name and facts.scientific_name and facts.family
        assert facts.kind in ("fruit", "vegetable", "nut", "mushroom")
        months = facts.season_fr_months or (1,)
        assert list(months) == sorted(set(months))
        assert set(months) <= set(range(1, 13))
        assert facts.co2e_kg_per_kg is None or 0 < facts.co2e_kg_per_kg < 15
        if facts.nutrition is not None:
            assert facts.nutrition.usda_ndb_no.isdigit()
            assert len(facts.nutrition.usda_ndb_no) == 5
            values = [getattr(facts.nutrition, name) for name in NUTRIENTS]
            assert all(value >= 0 for value in values if value is not None)
            assert facts.nutrition.energy_kcal <= 900


def test_every_claim_is_marked_and_every_row_has_a_fruit():
    rows = read_table("benefits.csv")
    assert {row["status"] for row in rows} == {CLAIM_STATUS["en"]}
    n_claims = sum(len(facts.claims) for facts in load_facts("fr").values())
    assert n_claims == len(rows) == 53
    assert all(
        claim.status == CLAIM_STATUS["fr"]
        for facts in load_facts("fr").values()
        for claim in facts.claims
    )
    for name in ("benefits.csv", "notes.csv", "source_map.csv", "classes.csv"):
        assert {row["fruit_id"] for row in read_table(name)} <= set(load_facts())


def test_every_number_can_be_traced():
    traced = {row["fruit_id"]: row for row in read_table("source_map.csv")}
    for fruit_id, facts in load_facts().items():
        row = traced[fruit_id]
        assert (facts.nutrition.usda_ndb_no if facts.nutrition else "") == row["usda_ndb_no"]
        assert (facts.season_fr_months is not None) == ("season" in row["ademe_used_for"])
        assert (facts.co2e_kg_per_kg is not None) == ("co2e" in row["ademe_used_for"])
        assert (facts.storage is not None) <= bool(row["foodkeeper_id"])


def test_months_of_imported_fruit_are_explained():
    for facts in load_facts().values():
        if facts.season_fr_months == tuple(range(1, 13)):
            assert "not a French harvest" in facts.note


def test_load_facts_refuses_unknown_languages():
    with pytest.raises(SettingsError, match="Unknown language 'de'. Known: 'en', 'fr'"):
        load_facts("de")


def test_read_table_says_that_a_table_is_missing():
    with pytest.raises(SetupError, match="The table 'plants.csv' cannot be read"):
        tables.read_table("plants.csv")
