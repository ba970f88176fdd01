import importlib.util

import pytest
from typer.testing import CliRunner

from pomona.cli.app import app


def _invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--tls-cert", "cert.pem"], "Only one of --tls-cert and --tls-key"),
        (["--tls-cert", "a.pem", "--tls-key", "b.pem"], "'a.pem' does not exist"),
        (["--tls-cert", "a.pem", "--tls-key", "b.pem", "--tls-self-signed"], "Leave one of them"),
        (["--api-keys", "none.txt"], "'none.txt' does not exist"),
        (["--retention-days", "3"], "there is no --contributions"),
        (["--cors-origin", "*"], "The origin '*'"),
        (["--cors-origin", "https://x.example/path"], "The origin"),
        (["--workers", "0"], "workers"),
        (["--port", "70000"], "port"),
        (["--rate-limit", "-1"], "rate-limit"),
    ],
)
def test_wrong_use_is_exit_2(options, message, capfd):
    result = _invoke("serve", *options)
    assert result.exit_code == 2
    assert message in " ".join((result.output + capfd.readouterr().err).split())


def test_without_a_recogniser_it_says_so(tmp_path, capfd):
    result = _invoke("serve", "--model", tmp_path)
    assert result.exit_code == 1
    assert "is not a model folder" in result.output + capfd.readouterr().err


@pytest.mark.parametrize("package", ["fastapi", "uvicorn", "python_multipart", "qrcode"])
def test_a_missing_extra_is_one_error_with_the_command(monkeypatch, capfd, package):
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == package else real(name)
    )
    result = _invoke("serve")
    assert result.exit_code == 1
    error = result.output + capfd.readouterr().err
    assert f"'{package}'" in error
    assert "pip install 'pomona[serve]'" in error


@pytest.mark.parametrize("command", ["delete", "purge"])
def test_help_of_contributions_has_examples(command):
    result = _invoke("contributions", command, "--help")
    assert result.exit_code == 0
    assert f"Example: pomona contributions {command}" in result.output


def test_the_log_is_about_the_server_only():
    from pomona.cli.serve import _log_config

    loggers = _log_config(quiet=False, log_json=True)["loggers"]
    assert loggers["uvicorn"]["level"] == "ERROR"
    assert _log_config(quiet=False, log_json=False)["root"]["level"] == "CRITICAL"
