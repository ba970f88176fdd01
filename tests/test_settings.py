from pathlib import Path

import pytest

from pomona.errors import SettingsError
from pomona.settings import (
    ExtractSettings,
    ReduceSettings,
    RunSettings,
    SourceSettings,
    parse_components,
    settings_to_dict,
)


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
    with pytest.raises(SettingsError, match="features_format is 'xml'"):
        ExtractSettings(features_format="xml")
    with pytest.raises(SettingsError, match="format is 'xml'"):
        ReduceSettings(format="xml")
    with pytest.raises(SettingsError, match=r"max_bad is '1.5'"):
        ExtractSettings(max_bad=1.5)


def test_settings_to_dict_is_plain():
    assert settings_to_dict(SourceSettings(Path("a"), limit=3))["source"] == "a"
    assert settings_to_dict(RunSettings(export=("csv",)))["export"] == ["csv"]
    assert settings_to_dict(ExtractSettings())["limits"]["max_pixels"] == 89_478_485


def test_run_settings_refuse_unknown_exports():
    with pytest.raises(SettingsError, match="Unknown export 'xml'"):
        RunSettings(export=("xml",))
