from collections import Counter

import pytest

from pomona.facts import find_class, load_classes, load_facts, merge_classes
from pomona.facts.classes import DATASETS


def test_every_class_of_both_data_sets_has_facts():
    classes = load_classes()
    assert Counter(each.dataset for each in classes) == {"fruits360": 120, "grocery": 50}
    assert {each.dataset for each in classes} == set(DATASETS)
    for each in classes:
        assert load_facts()[each.fruit_id].fruit_id == each.fruit_id


def test_folders_of_the_real_pictures_are_all_known(shared):
    folders = {
        "fruits360": [*(shared / "data/fruits360/Training").iterdir()],
        "grocery": [*(shared / "data/grocery").iterdir()],
    }
    folders["fruits360"] += (shared / "data/fruits360/Test").iterdir()
    for dataset, found in folders.items():
        names = {folder.name for folder in found if folder.is_dir()}
        assert names == {each.class_name for each in load_classes() if each.dataset == dataset}


@pytest.mark.parametrize(
    ("dataset", "class_name", "fruit_id", "label"),
    [
        ("fruits360", "Apple Golden 1", "apple", "Apple Golden"),
        ("grocery", "Golden-Delicious", "apple", "Apple Golden Delicious"),
        ("grocery", "Granny-Smith", "apple", "Apple Granny Smith"),
        ("fruits360", "Kaki", "persimmon", "Persimmon"),
        ("fruits360", "Nut Forest", "hazelnut", "Hazelnut Forest"),
        ("grocery", "Aubergine", "eggplant", "Eggplant"),
        ("fruits360", "Avocado ripe", "avocado", "Avocado ripe"),
    ],
)
def test_find_class(dataset, class_name, fruit_id, label):
    found = find_class(class_name, dataset=dataset)
    assert (found.dataset, found.fruit_id, found.label) == (dataset, fruit_id, label)
    assert find_class(class_name) == found


def test_find_class_keeps_variety_and_ripeness_apart():
    ripe = find_class("Avocado ripe")
    assert (ripe.variety, ripe.ripeness) == (None, "ripe")
    assert find_class("Avocado").ripeness is None
    assert find_class("Tomato Yellow").variety == "Yellow"


def test_find_class_is_exact_and_knows_where_it_looks():
    assert find_class("apple golden 1") is None
    assert find_class("Kaki", dataset="grocery") is None
    assert find_class("Kiwi", dataset="grocery").dataset == "grocery"


def test_names_of_both_data_sets_mean_the_same_in_both():
    for each in load_classes():
        assert find_class(each.class_name).label == each.label


def test_a_label_stands_for_one_fruit_variety_and_ripeness():
    labels = {}
    for each in load_classes():
        thing = (each.fruit_id, each.variety, each.ripeness)
        assert labels.setdefault(each.label, thing) == thing
    assert len(set(labels.values())) == len(labels)
    assert len({label.casefold() for label in labels}) == len(labels)


def test_merge_classes_joins_the_same_things_and_loses_none():
    labels = merge_classes()
    assert [each.label for each in labels] == sorted(each.label for each in labels)
    assert len(labels) == 129
    assert sum(len(each.classes) for each in labels) == 170
    by_name = {each.label: each for each in labels}
    assert by_name["Eggplant"].as_dict() == {
        "label": "Eggplant",
        "fruit_id": "eggplant",
        "classes": {"fruits360": ["Eggplant"], "grocery": ["Aubergine"]},
    }
    assert by_name["Peach"].as_dict()["classes"] == {
        "fruits360": ["Peach 2", "Peach"],
        "grocery": ["Peach"],
    }
    assert {"Avocado", "Avocado ripe", "Apple Golden", "Apple Golden Delicious"} <= set(by_name)


def test_merge_classes_of_a_choice():
    trained = [each for each in load_classes() if each.class_name != "Tomato Yellow"]
    assert len(merge_classes(trained)) == 128
    assert "Tomato Yellow" not in {each.label for each in merge_classes(trained)}
    assert merge_classes([]) == ()
