import pytest

from pomona.facts import load_facts, merge_classes
from pomona.recognition.labels import ModelLabel
from pomona.serving.api.names import fruit_name, label_name, label_names


@pytest.mark.parametrize(
    ("label", "fruit_id", "french"),
    [
        ("Apple Braeburn", "apple", "Pomme Braeburn"),
        ("Apple Red Delicious", "apple", "Pomme Red Delicious"),
        ("Gizmo", None, "Gizmo"),
        ("Something own", "apple", "Something own"),
    ],
)
def test_label_name_in_french(label, fruit_id, french):
    assert label_name(label, fruit_id, "fr") == french
    assert label_name(label, fruit_id, "en") == label


def test_adjectives_agree():
    by_variety = {(each.fruit_id, each.variety): each.label for each in merge_classes()}
    for (fruit_id, variety), label in by_variety.items():
        if variety == "Red":
            assert label_name(label, fruit_id, "fr").endswith(" rouge")
    name = label_name(by_variety["bell_pepper", "Green"], "bell_pepper", "fr")
    assert name == "Poivron vert"


def test_every_label_has_a_name_in_both_languages():
    for each in merge_classes():
        names = label_names(ModelLabel(each.label, each.fruit_id, {}))
        french = load_facts("fr")[each.fruit_id].name_fr
        assert names["en"] == each.label
        assert names["fr"].lower().startswith(french.lower())


def test_fruit_name():
    assert fruit_name("kiwi", "fr") == "Kiwi"
    assert fruit_name(None, "fr") is None
    assert fruit_name("gizmo", "fr") is None
