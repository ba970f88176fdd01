from pathlib import Path

import pytest

from pomona.errors import SettingsError
from pomona.settings import (
    Contributing,
    DecodeLimits,
    ExtractSettings,
    ReduceSettings,
    RunSettings,
    ServeSettings,
    SourceSettings,
    SparkSettings,
    TrainSettings,
    When,
    parse_components,
)
from pomona.settings.option import Nested, build_part, build_record, flatten
from pomona.storage.record import to_plain


@pytest.mark.parametrize(
    ("text", "value"), [("0.95", 0.95), ("325", 325), ("1", 1), ("1.0", 1.0), ("1e-3", 0.001)]
)
def test_parse_components_tells_shares_from_numbers(text, value):
    parsed = parse_components(text)
    assert (parsed, type(parsed)) == (value, type(value))


@pytest.mark.parametrize("text", ["", "0", "-3", "1.5", "95%", "nan", "inf", "many"])
def test_parse_components_refuses_the_rest(text):
    with pytest.raises(SettingsError, match=f"Components is '{text}'"):
        parse_components(text)


def test_settings_refuse_unknown_formats_and_shares():
    with pytest.raises(SettingsError, match="format is 'xml'"):
        ReduceSettings(format="xml")
    with pytest.raises(SettingsError, match="format is 'xml'"):
        ReduceSettings(format="xml")
    with pytest.raises(SettingsError, match=r"max_bad is '1.5'"):
        ExtractSettings(max_bad=1.5)


def test_settings_to_dict_is_plain():
    assert to_plain(SourceSettings(Path("a"), limit=3))["source"] == "a"
    assert to_plain(RunSettings(export=("csv",)))["export"] == ["csv"]
    assert to_plain(ExtractSettings())["limits"]["max_pixels"] == 89_478_485


def test_run_settings_refuse_unknown_exports():
    with pytest.raises(SettingsError, match="Unknown export 'xml'"):
        RunSettings(export=("xml",))


def test_docstrings_say_what_the_fields_declare():
    assert "Parameters\n----------\nsource : str\n    Folder of pictures" in SourceSettings.__doc__
    assert "on : Literal['features', 'reduced']\n    What it is" in TrainSettings.__doc__
    assert "contributing : Contributing | None\n" in ServeSettings.__doc__


def test_build_record_leaves_what_is_not_given_to_the_record():
    assert build_record(ExtractSettings, {"limit": 3, "cache": None}) == ExtractSettings()
    made = build_record(ExtractSettings, {"lenient": True, "max_bad": 0.5})
    assert made == ExtractSettings(limits=DecodeLimits(lenient=True), max_bad=0.5)
    made = build_record(SparkSettings, {"conf": ["a=b", "c=d=e"]})
    assert made.conf == (("a", "b"), ("c", "d=e"))
    made = build_record(TrainSettings, {"classifier": ["mlp", "tree", "mlp"]})
    assert made.classifiers == ("mlp", "tree")


def test_build_record_makes_a_marked_record_when_its_field_is_given():
    assert build_record(ServeSettings, {"retention_days": 3}).contributing is None
    made = build_record(ServeSettings, {"retention_days": 3, "contributions": Path("c")})
    assert made.contributing == Contributing(Path("c"), 3)


def test_a_marked_record_has_no_default_and_is_needed_by_the_rest():
    part = Nested("training", TrainSettings, When("classifiers", unset="none is trained"))
    assert build_part(part, {"merge": True}) is None
    deciding, *others = flatten(part)
    assert (deciding.default, deciding.default_text) == (None, "none is trained")
    assert {one.needs for one in others} == {"classifier"}


@pytest.mark.parametrize(
    ("record", "values", "message"),
    [
        (SourceSettings, {"source": Path("a"), "limit": 0}, "limit is '0'. It must be at least 1"),
        (DecodeLimits, {"max_pixels": 10**9}, "It must be 1 to 178,956,970"),
        (TrainSettings, {"classifiers": ()}, "There is no classifier"),
        (TrainSettings, {"refused_share": 1.0}, "from 0 to below 1"),
        (ServeSettings, {"port": 70_000}, "port is '70000'. It must be 0 to 65,535"),
        (ServeSettings, {"tls_self_signed": True, "tls_cert": Path("a")}, "one certificate"),
        (Contributing, {"folder": Path("a"), "retention_days": 0}, "at least 1 .days."),
    ],
)
def test_records_check_themselves(record, values, message):
    with pytest.raises(SettingsError, match=message):
        record(**values)
