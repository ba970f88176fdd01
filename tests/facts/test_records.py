import dataclasses
import json

import pytest

from pomona.facts import LANGUAGES, load_facts


def _has_nothing(value):
    if isinstance(value, dict):
        return any(_has_nothing(item) for item in value.values())
    return value is None or value == []


@pytest.mark.parametrize("lang", LANGUAGES)
def test_as_dict_is_json_and_leaves_out_what_is_not_known(lang):
    for facts in load_facts(lang).values():
        record = facts.as_dict()
        assert json.loads(json.dumps(record)) == record
        assert not _has_nothing(record)


def test_as_dict_names_the_source_of_each_part_that_is_there():
    potato = load_facts()["potato"].as_dict()
    assert "season_fr_months" not in potato
    assert "season_fr_months" not in potato["sources"]
    assert potato["sources"]["nutrition"] == "USDA SR28"
    assert potato["sources"]["family"] == "general knowledge"
    assert load_facts()["plum"].sources["scientific_name"] == "general knowledge"
    assert load_facts()["apple"].sources["claims"] == "none checked"


def test_facts_are_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        load_facts()["apple"].name = "pear"  # type: ignore[misc]
