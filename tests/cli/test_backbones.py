import json
from typing import Any

import pytest
from tiny_networks import write_network, write_spec
from typer.testing import CliRunner

from pomona.cli.app import app


@pytest.fixture
def invoke(tmp_path, capfd):
    def run(*arguments, exit_code=0):
        command = ["backbones", *map(str, arguments), "--cache", str(tmp_path / "cache")]
        result = CliRunner().invoke(app, command)
        output = result.output + capfd.readouterr().err
        assert result.exit_code == exit_code, output
        return " ".join(output.split())

    return run


@pytest.fixture
def added(invoke, tmp_path):
    invoke(*("add", "tiny", write_network(tmp_path / "a.onnx")), write_spec(tmp_path / "a.toml"))
    return tmp_path / "cache" / "backbones" / "tiny"


@pytest.mark.parametrize("command", ["list", "show", "pull", "add", "verify", "remove"])
def test_help_has_an_example_and_every_option_a_text(command):
    import typer

    result = CliRunner().invoke(app, ["backbones", command, "--help"])
    assert result.exit_code == 0
    assert f"Example: pomona backbones {command}" in result.output
    root: Any = typer.main.get_command(app)
    group = root.commands["backbones"]
    assert all(p.help for p in group.commands[command].params if p.param_type_name == "option")


def test_list_tells_what_is_here(invoke, added):
    lines = (
        CliRunner()
        .invoke(app, ["backbones", "list", "--cache", str(added.parents[1])])
        .output.splitlines()
    )
    states = {line.split()[0]: line.split()[1] for line in lines[1:]}
    assert (states["efficientnet_lite0"], states["tiny"]) == ("shipped", "here")
    assert any(line.startswith("vgg16") and "to pull" in line and "fc2" in line for line in lines)


def test_show_verify_and_remove(invoke, added):
    manifest = json.loads((added / "manifest.json").read_text())
    assert manifest["fingerprint"] in invoke("show", "tiny")
    assert "it runs" in invoke("verify", "tiny")
    assert "removed" in invoke("remove", "tiny")
    assert "Unknown backbone 'tiny'" in invoke("verify", "tiny", exit_code=2)
    assert "to pull" not in invoke("show", "efficientnet_lite0")
    assert "pomona backbones pull resnet50" in invoke("show", "resnet50")


def test_list_and_verify_tell_of_damage(invoke, added):
    weights = next(added.glob("*.onnx"))
    weights.write_bytes(weights.read_bytes()[:-1])
    assert "damaged or replaced" in invoke("verify", "tiny", exit_code=1)
    (added / "manifest.json").write_text("{")
    assert "damaged" in invoke("list")


@pytest.mark.parametrize(
    ("arguments", "exit_code", "message"),
    [
        (["show", "mobilenet9"], 2, "Unknown backbone 'mobilenet9'"),
        (["pull", "mobilenet9"], 2, "Unknown backbone 'mobilenet9'"),
        (["pull", "efficientnet_lite0"], 2, "There is nothing to pull"),
        (["pull", "vgg16", "--weights", "/nowhere.h5"], 2, "do not exist"),
        (["pull", "vgg16", "--weights", __file__], 2, "unknown extension"),
        (["verify", "vgg16"], 1, "pomona backbones pull vgg16"),
        (["remove", "vgg16"], 2, "holds no backbone 'vgg16'"),
        (["add", "/nowhere.pomona"], 2, "is not a packed network"),
        (["add", "mine", "model.onnx"], 2, "has no record"),
    ],
)
def test_wrong_use_is_one_error(invoke, arguments, exit_code, message):
    output = invoke(*arguments, exit_code=exit_code)
    assert message in output
    assert output.count("Error") == 1


def test_pull_without_the_extra_says_which(invoke, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "keras", None)
    assert "pip install 'pomona[keras]'" in invoke("pull", "vgg16", exit_code=1)
