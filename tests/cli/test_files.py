"""Settings from TOML: what is known reaches the command, the rest is refused by name."""

import pytest
from typer.testing import CliRunner

import pomona
from pomona.cli.app import app
from pomona.presets import list_presets, read_preset
from pomona.settings import (
    ExtractSettings,
    ReduceSettings,
    RunSettings,
    SparkSettings,
    TrainSettings,
)
from pomona.settings.option import build_record, flatten, list_parts

RECORDS = (ExtractSettings, ReduceSettings, RunSettings, TrainSettings, SparkSettings)


def _invoke(*arguments, env=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=env)


@pytest.fixture
def run(photos, tmp_path, monkeypatch):
    """Run with a settings file or preset of a text; give the arguments of the pipeline."""
    calls = []
    monkeypatch.setattr(pomona, "run", lambda *_, **more: calls.append(more) or _stop())

    def call(text, *arguments, option="--config"):
        (tmp_path / "x.toml").write_text(text)
        common = (photos, "--out", tmp_path / "out", option, tmp_path / "x.toml")
        result = _invoke("run", *common, *arguments)
        return calls[-1] if calls else result

    return call


def _stop():
    from pomona.errors import OutputError

    raise OutputError("Stopped. This is a test. Go on.")


@pytest.mark.parametrize("name", list_presets())
def test_each_preset_builds_its_records(name):
    values = read_preset(name).settings
    known = {one.key for record in RECORDS for part in list_parts(record) for one in flatten(part)}
    assert set(values) <= known
    for record in RECORDS:
        made = build_record(record, values)
        for part in list_parts(record):
            if part.field in values and part.field != "components":
                expected = values[part.field]
                assert getattr(made, part.field) == (
                    tuple(expected) if isinstance(expected, list) else expected
                )


@pytest.mark.parametrize("option", ["--config", "--preset"])
def test_a_file_sets_what_train_takes(run, option):
    given = run(
        "[run]\nclassifier = 'tree'\nmerge = true\nfinal-fit = false\nclass-weights = false\n"
        "refused_share = 0.1\ncomponents = 0.5\nconf = ['a=b', 'c=d']",
        option=option,
    )
    assert given["train_settings"] == TrainSettings(
        ("tree",), merge=True, final_fit=False, class_weights=False, refused_share=0.1
    )
    assert given["reduce_settings"].components == 0.5
    assert given["spark_settings"].conf == (("a", "b"), ("c", "d"))


def test_a_file_may_hold_what_counts_another_day(run):
    assert run("[run]\nsplit = 'grouped'")["train_settings"] is None
    text = "merge = true\ntop = 3\n[predict]\ntogether = true\n[backbones.pull]\nto = 'x'"
    assert run(text, "--classifier", "mlp")["train_settings"].merge


@pytest.mark.parametrize(
    ("text", "option", "message"),
    [
        ("speed = 9", "--config", "unknown name 'speed'. Known: api_keys, backbone"),
        ("[run]\ntop = 9", "--config", "unknown name 'top'. Known: backbone"),
        ("[runn]\nlimit = 9", "--config", "unknown table 'runn'. Known: backbones, check, contrib"),
        ("[backbones.pul]\nto = 'x'", "--config", "unknown table 'pul'. Known: add, list, pull"),
        ("[run.spark]\nmaster = 'x'", "--config", "unknown table 'spark'. None is known here"),
        ("config = 'x'", "--config", "unknown name 'config'"),
        ("version = true", "--config", "unknown name 'version'"),
        ("[run]\nspeed = 9", "--preset", "unknown name 'speed'. Known: backbone"),
        ("[run]\npreset = 'emr-mobilenet'", "--preset", "unknown name 'preset'"),
        ("[run.train]\nmerge = true", "--preset", "unknown table 'train'. None is known here"),
        ("[train]\nmerge = true", "--preset", "unknown key 'train'. Known: about, platform"),
        ("limit = 'many'", "--config", "'--limit'"),
    ],
)
def test_what_nobody_knows_is_refused_by_name_in_one_line(run, text, option, message):
    result = run(text, option=option)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_commands_of_a_group_have_tables_too(tmp_path):
    (tmp_path / "x.toml").write_text("[backbones.show]\npooling = 'max'\n")
    arguments = ("backbones", "show", "efficientnet_lite0")
    assert _invoke(*arguments).exit_code == 0
    result = _invoke(*arguments, "--config", tmp_path / "x.toml")
    assert result.exit_code == 2
    assert "has no output 'max'" in result.output
