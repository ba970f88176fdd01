import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pomona.cli.app import app


def _invoke(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--classifier", "oracle"], "Unknown classifier 'oracle'"),
        (["--on", "pixels"], "on is 'pixels'"),
        (["--split", "half"], "Unknown split 'half'"),
        (["--refused-share", "1"], "refused_share is '1.0'"),
        (["--conf", "spark.x"], "has no value"),
        ([], "holds no finished run"),
    ],
)
def test_train_wrong_use_is_one_error_and_exit_2(tmp_path, options, message, capfd):
    result = _invoke("train", tmp_path, *options)
    assert result.exit_code == 2
    error = (result.output + capfd.readouterr().err).strip()
    assert message in error
    assert len(error.splitlines()) == 1


def test_run_checks_the_classifier_before_it_starts(photos, tmp_path, capfd):
    result = _invoke("run", photos, "--out", tmp_path / "out", "--classifier", "oracle")
    assert result.exit_code == 2
    assert "Unknown classifier 'oracle'" in result.output + capfd.readouterr().err


def test_without_the_extra_packing_says_how_to_get_it():
    code = (
        "import sys; sys.modules['onnx'] = None\n"
        "from pomona.errors import SetupError\n"
        "from pomona.training.onnx_export import check_packing\n"
        "try: check_packing()\n"
        "except SetupError as error: print(error)\n"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pip install 'pomona[train]'" in out.stdout
