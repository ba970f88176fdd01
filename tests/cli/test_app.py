import json
import subprocess
import sys
from typing import Any

import pytest
from typer.testing import CliRunner

from pomona.cli.app import app

COMMANDS = [
    *("run", "extract", "reduce", "report"),
    *("facts", "predict", "train", "evaluate", "serve", "doctor"),
]


def _invoke(*arguments, env=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=env)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_has_an_example_and_every_option_a_text(command):
    import typer

    result = _invoke(command, "--help")
    assert result.exit_code == 0
    assert f"Example: pomona {command}" in result.output
    root: Any = typer.main.get_command(app)
    parameters = root.commands[command].params
    assert all(parameter.help for parameter in parameters if parameter.param_type_name == "option")


def test_help_imports_nothing_heavy():
    heavy = "('numpy', 'pyspark', 'openvino')"
    code = f"import sys, pomona.cli.app; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_version():
    assert _invoke("--version").output.startswith("pomona 0.")


def test_dry_run_lists_and_starts_nothing(photos, tmp_path):
    result = _invoke("run", photos, "--out", tmp_path / "out", "--dry-run")
    assert result.exit_code == 0
    assert "Would read 12 pictures" in result.output
    assert "50% #1 Kiwi" in result.output
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--components", "2.5"], "Components is '2.5'"),
        (["--format", "xml"], "format is 'xml'"),
        (["--backbone", "mobilenet9"], "Unknown backbone 'mobilenet9'"),
        (["--engine", "abacus"], "Unknown engine 'abacus'"),
        (["--master", "moon"], "Unknown master 'moon'"),
        (["--max-bad", "2"], "max_bad is '2.0'"),
        (["--max-pixels", "0"], "max_pixels is '0'"),
        (["--label", "colour"], "Unknown label rule 'colour'"),
        (["--conf", "spark.x"], "has no value"),
        (["--glob", "*.heic"], "No pictures that match"),
        (["--limit", "many"], "limit"),
        (["--nonsense"], "nonsense"),
    ],
)
def test_wrong_use_is_one_error_and_exit_2(photos, tmp_path, options, message, capfd):
    result = _invoke("run", photos, "--out", tmp_path / "out", *options)
    assert result.exit_code == 2
    assert message in result.output + capfd.readouterr().err
    assert not (tmp_path / "out").exists()


def test_wrong_folders_are_exit_2(photos, tmp_path, capfd):
    (tmp_path / "empty").mkdir()
    for source, out in [
        (tmp_path / "nowhere", tmp_path / "out"),
        (photos / "plum" / "0 %41#.jpg", tmp_path / "out"),
        (tmp_path / "empty", tmp_path / "out"),
        (photos, photos / "out"),
    ]:
        result = _invoke("run", source, "--out", out)
        assert result.exit_code == 2
        error = (result.output + capfd.readouterr().err).strip()
        assert len(error.splitlines()) == 1
    for command in ("reduce", "report"):
        assert _invoke(command, tmp_path / "empty").exit_code == 2


def test_option_wins_over_environment_over_file_over_default(photos, tmp_path):
    config = tmp_path / "pomona.toml"
    config.write_text("limit = 3\n[run]\nglob = 'plum/*'\n")
    common = ["run", photos, "--out", tmp_path / "out", "--dry-run", "--config", config]
    assert "Would read 3 pictures" in _invoke(*common).output
    environment = {"POMONA_RUN_LIMIT": "2"}
    assert "Would read 2 pictures" in _invoke(*common, env=environment).output
    assert "Would read 1 pictures" in _invoke(*common, "--limit", "1", env=environment).output


def test_config_refuses_unknown_names_and_damage(photos, tmp_path):
    config = tmp_path / "pomona.toml"
    for text, message in (("speed = 9", "unknown name 'speed'"), ("limit = ", "cannot be read")):
        config.write_text(text)
        result = _invoke("run", photos, "--out", tmp_path / "out", "--config", config)
        assert result.exit_code == 2
        assert message in " ".join(result.output.replace("│", " ").split())


def test_log_json_is_one_object_a_line(photos, tmp_path, capfd):
    result = _invoke("run", photos, "--out", tmp_path / "out", "--dry-run", "--log-json")
    assert result.exit_code == 0
    lines = (result.stderr or capfd.readouterr().err).splitlines()
    assert lines
    for line in lines:
        assert {"time", "level", "message"} <= set(json.loads(line))


def test_facts_shows_a_card_in_both_languages():
    english = _invoke("facts", "PASSION", "fruit")
    assert english.exit_code == 0
    assert "Passion fruit  (in French: fruit de la passion)" in english.output
    french = _invoke("facts", "passion_fruit", "--lang", "fr")
    assert "Fruit de la passion  (en anglais : passion fruit)" in french.output
    assert "72,93" in french.output


def test_facts_prints_one_json_object():
    result = _invoke("facts", "mangue", "--lang", "fr", "--json")
    assert result.output.count("\n") == 1
    record = json.loads(result.output)
    assert record["fruit_id"] == "mango"
    assert record["nutrition"]["usda_ndb_no"] == "09176"
    assert "boat" not in record["note"]


def test_facts_takes_its_language_from_the_settings_file_and_the_environment(tmp_path):
    config = tmp_path / "pomona.toml"
    config.write_text("[facts]\nlang = 'fr'\n")
    assert "Pomme" in _invoke("facts", "apple", "--config", config).output
    assert "Pomme" in _invoke("facts", "apple", env={"POMONA_FACTS_LANG": "fr"}).output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["aple"], "Unknown fruit 'aple'. Similar: 'apple'"),
        (["kiwi", "--lang", "de"], "Unknown language 'de'"),
    ],
)
def test_facts_wrong_use_is_one_error_and_exit_2(arguments, message, capfd):
    result = _invoke("facts", *arguments)
    assert result.exit_code == 2
    error = (result.output + capfd.readouterr().err).strip()
    assert message in error
    assert len(error.splitlines()) == 1
