"""Every setting is an option of its command, with the record's default; commands cannot drift."""

import subprocess
import sys
from dataclasses import MISSING, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer
from typer.testing import CliRunner

from pomona import settings
from pomona.cli import options
from pomona.cli.app import app
from pomona.settings import (
    ConsoleSettings,
    ExtractSettings,
    Option,
    ReduceSettings,
    ResultSettings,
    RunSettings,
    ServeSettings,
    SourceSettings,
    SparkSettings,
    TrainSettings,
    When,
)
from pomona.settings.option import Nested, Record, Setting, flatten, list_parts, read_part

COMMANDS = {
    "run": (
        *(SourceSettings, ExtractSettings, ReduceSettings, RunSettings, TrainSettings),
        *(SparkSettings, ResultSettings, settings.PresetSettings),
    ),
    "extract": (SourceSettings, ExtractSettings, SparkSettings, ResultSettings),
    "reduce": (ReduceSettings, SparkSettings),
    "report": (),
    "train": (TrainSettings, SparkSettings),
    "predict": (settings.PredictSettings,),
    "evaluate": (SourceSettings, settings.EvaluateSettings),
    "models show": (settings.FormatSettings,),
    "facts": (settings.FactsSettings,),
    "serve": (ServeSettings,),
    "backbones list": (settings.CacheSettings,),
    "backbones show": (settings.NetworkSettings,),
    "backbones pull": (settings.PullSettings,),
    "backbones add": (settings.CacheSettings,),
    "contributions delete": (settings.ContributedSettings,),
    "contributions purge": (settings.PurgeSettings,),
    "presets list": (),
    "doctor": (settings.DoctorSettings,),
}
# Of the server's limits each hangs on others and on the page; contributions are capped.
NO_OPTIONS = {"limits", "max_pictures"}
CASES = [(command, record) for command, records in COMMANDS.items() for record in records]


def _invoke(app, *arguments, env=None):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], env=env)


def _find(command):
    found: Any = typer.main.get_command(app)
    for name in command.split():
        found = found.commands[name]
    return {parameter.name: parameter for parameter in found.params}, found.callback.settings


@pytest.mark.parametrize(("command", "record"), CASES)
def test_each_field_is_an_option_of_its_command_and_keeps_its_default(command, record):
    parameters, declared = _find(command)
    for setting in flatten(Nested("it", record, None)):
        parameter = parameters[setting.key]
        # Not given is None, so that only the record knows the default ...
        assert parameter.default is None
        assert parameter.required == (setting.default is MISSING)
        # A backslash keeps Rich from reading brackets as style.
        text = parameter.help.replace("\\", "")
        assert setting.option.help in text
        # ... and the help says it.
        shown = next(one for one in declared if one.key == setting.key)
        if shown.default_text is not None and not setting.option.positional:
            assert f"default: {shown.default_text}]" in text
        if shown == setting and setting.default not in (None, (), MISSING):
            assert shown.default == setting.default


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_takes_what_all_take(command):
    parameters, _ = _find(command)
    assert {setting.key for setting in list_parts(ConsoleSettings)} <= set(parameters)


def test_every_field_of_every_record_is_declared():
    records = [getattr(settings, name) for name in settings.__all__]
    records = [one for one in records if isinstance(one, type) and issubclass(one, Record)]
    assert {record for _, record in CASES} < set(records)
    for record in records:
        assert is_dataclass(record)
        declared = {part.field for part in list_parts(record)}
        undeclared = {field.name for field in fields(record)} - declared - NO_OPTIONS
        assert not undeclared, record


def test_run_takes_all_that_its_stages_take():
    run, _ = _find("run")
    for stage in ("extract", "reduce", "train"):
        parameters, _ = _find(stage)
        options = {one for one in parameters.values() if one.param_type_name == "option"}
        assert {one.name for one in options} <= set(run)


def test_settings_import_no_library():
    code = (
        "import sys; before = set(sys.modules); import pomona.settings; "
        "print({m.split('.')[0] for m in set(sys.modules) - before} - sys.stdlib_module_names)"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "{'pomona'}"


@pytest.fixture
def built():
    """A command of the stages' records, and what it was called with."""
    calls = []
    made = typer.Typer(
        context_settings={"auto_envvar_prefix": "POMONA"}, pretty_exceptions_enable=False
    )

    @options.command(made, example="pomona it")
    def it(
        source: SourceSettings,
        extracting: ExtractSettings,
        reducing: ReduceSettings,
        training: Annotated[TrainSettings | None, When("classifiers", unset="none")],
        spark: SparkSettings,
        serving: ServeSettings,
        words: Annotated[tuple[str, ...], Option("More.", positional=True)] = (),
    ) -> None:
        """Do it."""
        calls.append((source, extracting, reducing, training, spark, serving, words))

    return made, calls


def test_what_is_not_given_is_left_to_the_records(built):
    made, calls = built
    assert _invoke(made, "photos").exit_code == 0
    assert calls == [
        (
            *(SourceSettings(Path("photos")), ExtractSettings(), ReduceSettings(), None),
            *(SparkSettings(), ServeSettings(), ()),
        )
    ]


def test_what_is_given_reaches_the_records(built):
    made, calls = built
    given = (
        "photos --limit 3 --max-pixels 9 --lenient -k 325 --no-standardise --classifier tree "
        "--classifier forest --classifier tree --merge --refused-share 0.1 --no-class-weights "
        "--conf a=b --conf c=d=e --contributions given --retention-days 7 --cors-origin http://a "
        "--cors-origin http://b one two one"
    )
    result = _invoke(made, *given.split())
    assert result.exit_code == 0, result.output
    source, extracting, reducing, training, spark, serving, words = calls[0]
    assert (source.limit, extracting.limits) == (3, settings.DecodeLimits(9, True))
    assert (reducing.components, reducing.standardise) == (325, False)
    assert training == TrainSettings(
        ("tree", "forest"), merge=True, refused_share=0.1, class_weights=False
    )
    assert spark.conf == (("a", "b"), ("c", "d=e"))
    assert serving.contributing == settings.Contributing("given", 7)
    assert serving.cors_origins == ("http://a", "http://b")
    assert words == ("one", "two", "one")


def test_the_environment_gives_values_too(built):
    made, calls = built
    environment = {"POMONA_LIMIT": "2", "POMONA_CLASSIFIER": "tree mlp", "POMONA_LENIENT": "true"}
    assert _invoke(made, "photos", env=environment).exit_code == 0
    source, extracting, _, training, *_ = calls[0]
    assert (source.limit, extracting.limits.lenient) == (2, True)
    assert training.classifiers == ("tree", "mlp")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--merge"], "--merge is given and there is no --classifier"),
        (["--no-final-fit"], "--final-fit is given and there is no --classifier"),
        (["--retention-days", 3], "--retention-days is given and there is no --contributions"),
        (["--limit", 0], "limit is '0'. It must be at least 1 (pictures). Correct --limit"),
        (["--max-pixels", 0], "It must be 1 to 178,956,970 (pixels)."),
        (["--max-bad", "nan"], "max_bad is 'nan'. It must be 0 to 1 (share)."),
    ],
)
def test_what_does_not_fit_is_refused_in_one_line(built, arguments, message, capfd):
    made, calls = built
    result = _invoke(made, "photos", *arguments)
    assert (result.exit_code, calls) == (2, [])
    error = (result.output + capfd.readouterr().err).strip()
    assert message in error
    assert len(error.splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nonsense",),
        ("run",),
        ("run", "photos"),
        ("run", "photos", "--out", "x", "--limit", "many"),
        ("run", "photos", "--out", "x", "--nonsense"),
        ("runn", "photos"),
        ("facts",),
    ],
)
def test_wrong_use_is_one_line_that_says_where_help_is(arguments):
    result = _invoke(app, *arguments)
    assert result.exit_code == 2
    assert result.stderr.startswith("Error: ")
    assert "--help' for what there is.\n" in result.stderr
    assert result.stderr.count("\n") == 1


def test_a_group_without_a_command_shows_its_help():
    result = _invoke(app, "backbones")
    assert result.exit_code == 2
    assert "Example: pomona backbones pull" in result.output
    assert "Error" not in result.output


def test_help_shows_units_limits_and_defaults():
    output = " ".join(_invoke(app, "run", "--help", env={"COLUMNS": "200"}).output.split())
    assert "<pictures>" in output
    assert "[at least 1; default: all]" in output
    assert "<parquet|csv|json>" in output
    assert "[with --classifier; default: off]" in output


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("pomona ru", "run"),
        ("pomona run --merg", "--merge"),
        ("pomona run --classifier lo", "logistic"),
        ("pomona backbones pu", "pull"),
    ],
)
def test_the_shell_completes(words, expected):
    environment = {
        "_POMONA_COMPLETE": "complete_bash",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    result = CliRunner().invoke(app, [], prog_name="pomona", env=environment)
    assert expected in result.output.split()


def test_read_part_refuses_what_no_text_becomes():
    assert read_part("plain", int, 3) is None
    assert isinstance(read_part("n", Annotated[int, Option("N.")], 3), Setting)
    with pytest.raises(TypeError, match="No text becomes that"):
        read_part("n", Annotated[dict[str, int], Option("N.")], None)


def test_command_refuses_two_settings_of_one_name_and_what_is_no_setting():
    with pytest.raises(TypeError, match="called 'threads'"):

        @options.command(typer.Typer(), example="pomona it")
        def it(serving: ServeSettings, asked: settings.PredictSettings) -> None: ...

    with pytest.raises(TypeError, match="'other' of a command is no setting"):

        @options.command(typer.Typer(), example="pomona it")
        def that(other: int) -> None: ...
