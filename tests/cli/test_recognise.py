import json

import pytest
from picture_files import encode, make_pixels
from typer.testing import CliRunner

from pomona.cli.app import app

KEYS = ["path", "decision", "label", "fruit_id", "probability", "top", "error"]


def _invoke(*arguments, **more):
    return CliRunner().invoke(app, [str(argument) for argument in arguments], **more)


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photos" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(encode(make_pixels(1)))
    return path


def test_predict_prints_an_answer_and_its_candidates(model_folder, photo):
    result = _invoke("predict", photo, "--model", model_folder, "--top", 2)
    assert result.exit_code == 0, result.output
    assert result.output.startswith(f"{photo}: ")
    assert len(result.output.splitlines()) == 3


def test_predict_prints_one_json_object_a_line(model_folder, photo):
    (photo.parent / "b.jpg").write_bytes(b"no photograph")
    result = _invoke("predict", photo.parent, "--model", model_folder, "--json")
    assert result.exit_code == 0
    good, bad = (json.loads(line) for line in result.stdout.splitlines())
    assert list(good) == list(bad) == KEYS
    assert list(good["top"][0]) == ["label", "fruit_id", "probability"]
    assert bad["error"].startswith("not_an_image")


def test_predict_reads_a_photograph_from_standard_input(model_folder, photo):
    arguments = ("predict", "-", "--model", model_folder, "--json")
    piped = json.loads(_invoke(*arguments, input=photo.read_bytes()).stdout)
    named = json.loads(_invoke("predict", photo, *arguments[2:]).stdout)
    assert piped | {"path": str(photo)} == named


def test_predict_together_gives_one_answer(model_folder, photo):
    (photo.parent / "b.jpg").write_bytes(encode(make_pixels(2)))
    arguments = ("--model", model_folder, "--json", "--together")
    result = _invoke("predict", photo.parent, *arguments)
    assert len(result.stdout.splitlines()) == 1
    assert json.loads(result.stdout)["path"] == str(photo.parent)


def test_predict_fails_where_nothing_decodes(model_folder, photo):
    photo.write_bytes(b"")
    result = _invoke("predict", photo, "--model", model_folder)
    assert result.exit_code == 1
    assert "not usable: empty_file" in result.output


def test_predict_wrong_use(model_folder, tmp_path, capfd):
    empty = tmp_path / "empty"
    empty.mkdir()
    for path, message in ((tmp_path / "gone", "does not exist"), (empty, "No photographs")):
        result = _invoke("predict", path, "--model", model_folder)
        assert result.exit_code == 2
        assert message in result.output + capfd.readouterr().err
    result = _invoke("predict", model_folder, "--model", empty)
    assert result.exit_code == 2


def test_predict_with_a_changed_model_is_one_error(model_folder, photo, capfd):
    (model_folder / "recogniser.onnx").write_bytes(b"x")
    result = _invoke("predict", photo, "--model", model_folder)
    assert result.exit_code == 1
    error = (result.output + capfd.readouterr().err).strip()
    assert "sha256" in error
    assert len(error.splitlines()) == 1


def test_models_show(model_folder):
    assert "3 labels, 1 known fruits" in _invoke("models", "show", model_folder).output
    record = json.loads(_invoke("models", "show", model_folder, "--json").stdout)
    assert record["path"] == str(model_folder)
    assert record["labels"][0]["label"] == "Apple Braeburn"
