"""The page about the command line is what the commands are."""

import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def writer():
    path = ROOT / "tools/write_cli_reference.py"
    spec = importlib.util.spec_from_file_location("write_cli_reference", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_is_fresh(writer):
    written = writer.PAGE.read_text(encoding="utf-8")
    assert written == writer.render_reference(), "run: python tools/write_cli_reference.py"


def test_reference_has_every_command_and_option(writer):
    import typer

    from pomona.cli.app import app

    page = writer.render_reference()
    for words, command in writer._walk("pomona", typer.main.get_command(app)):
        section = page.split(f"\n## {words}\n")[1].split("\n## ")[0]
        common = {setting.key for setting in writer.list_parts(writer.ConsoleSettings)}
        for parameter in command.params:
            if parameter.param_type_name == "option" and parameter.name not in common:
                assert f"`{parameter.opts[0]}`" in section
