import pytest

from pomona.errors import SettingsError
from pomona.facts import LANGUAGES, find_facts, load_classes, load_facts


@pytest.mark.parametrize(
    ("name", "fruit_id"),
    [
        ("passion_fruit", "passion_fruit"),
        ("Passion Fruit", "passion_fruit"),
        ("  FRUIT de la passion ", "passion_fruit"),
        ("châtaigne", "chestnut"),
        ("CHATAIGNE", "chestnut"),
        ("cha\u0302taigne", "chestnut"),
        ("mûre", "mulberry"),
        ("chou fleur", "cauliflower"),
        ("star fruit", "carambola"),
        ("Apple Golden 1", "apple"),
        ("granny-smith", "apple"),
        ("Satsumas", "mandarin"),
        ("Kaiser", "pear"),
        ("Bell pepper green", "bell_pepper"),
        ("orange", "orange"),
        ("artichaut", "artichoke"),
    ],
)
def test_find_facts_takes_any_name(name, fruit_id):
    assert find_facts(name).fruit_id == fruit_id


@pytest.mark.parametrize("lang", LANGUAGES)
def test_find_facts_finds_every_name_and_class(lang):
    for fruit_id, facts in load_facts(lang).items():
        for name in (fruit_id, facts.name_en, facts.name_fr):
            assert find_facts(name, lang=lang) is facts
    for each in load_classes():
        assert find_facts(each.class_name, lang=lang).fruit_id == each.fruit_id
        assert find_facts(each.label, lang=lang).fruit_id == each.fruit_id


@pytest.mark.parametrize(
    ("name", "lang", "suggested"),
    [
        ("aple", "en", "'apple'"),
        ("pommes", "fr", "'pomme'"),
        ("melon", "en", "'Galia melon', 'honeydew melon', 'cantaloupe'"),
        ("passionfruit", "en", "'passion fruit'"),
    ],
)
def test_find_facts_suggests_names_for_unknown_ones(name, lang, suggested):
    with pytest.raises(SettingsError, match=f"Unknown fruit '{name}'. Similar: .*{suggested}"):
        find_facts(name, lang=lang)


@pytest.mark.parametrize("name", ["xyzzy", "", "?!", "桃"])
def test_find_facts_says_so_if_nothing_is_similar(name):
    with pytest.raises(SettingsError, match="None of the 77 with facts has a similar name"):
        find_facts(name)


def test_find_facts_refuses_a_variety_of_several_fruits():
    with pytest.raises(SettingsError, match="'Flat' is a variety of .* 'nectarine', 'pêche'"):
        find_facts("Flat", lang="fr")


def test_find_facts_refuses_unknown_languages():
    with pytest.raises(SettingsError, match="Unknown language 'EN'"):
        find_facts("apple", lang="EN")
