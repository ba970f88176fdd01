import json

import pytest
from recognition.conftest import LABELS

from pomona.errors import ModelError
from pomona.recognition.model import find_model, read_model
from pomona.storage.locations import LocalLocation


def _edit(folder, **changes):
    path = folder / "model.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_model_reads_back_as_written(model_folder, preprocessing, rule):
    model = read_model(model_folder)
    assert model.labels == LABELS
    assert model.preprocessing == preprocessing
    assert model.rule == rule
    assert model.record.licences == ["Apache-2.0"]
    assert not model.network.needs_onnxruntime
    assert {path.name for path in model_folder.iterdir()} == {"model.json", "recogniser.onnx"}
    assert [path.name for path in model_folder.parent.iterdir()] == ["model"]


def test_labels_are_written_as_the_format_says(model_folder):
    record = json.loads((model_folder / "model.json").read_text())
    assert record["labels"][0] == {
        "label": "Apple Braeburn",
        "fruit_id": "apple",
        "classes": {"fruits360": ["Apple Braeburn"]},
    }
    assert record["labels"][2]["fruit_id"] is None


def test_the_output_folder_stands_for_its_model(model_folder):
    assert str(find_model(model_folder.parent)) == str(model_folder)


def test_a_changed_network_is_refused(model_folder):
    with (model_folder / "recogniser.onnx").open("ab") as file:
        file.write(b"x")
    with pytest.raises(ModelError, match="sha256"):
        read_model(model_folder)


def test_a_missing_file_is_refused(model_folder):
    (model_folder / "recogniser.onnx").unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        read_model(model_folder)
    (model_folder / "model.json").unlink()
    with pytest.raises(ModelError, match="is not a model folder"):
        read_model(model_folder)


def test_a_newer_format_is_refused(model_folder):
    _edit(model_folder, format_version=99)
    with pytest.raises(ModelError, match="format version '99'"):
        read_model(model_folder)


@pytest.mark.parametrize("key", ["labels", "preprocessing", "decision", "recogniser"])
def test_a_folder_without_a_recogniser_is_refused(model_folder, key):
    path = model_folder / "model.json"
    record = json.loads(path.read_text())
    del record[key]
    path.write_text(json.dumps(record))
    with pytest.raises(ModelError, match="is not a recogniser's"):
        read_model(model_folder)


def test_damaged_json_is_refused(model_folder):
    (model_folder / "model.json").write_text("{")
    with pytest.raises(ModelError, match="is not a model folder"):
        read_model(model_folder)


def test_without_a_default_a_model_has_to_be_named(monkeypatch, tmp_path):
    monkeypatch.setattr("pomona.recognition.model.DEFAULT_MODEL", LocalLocation(tmp_path))
    with pytest.raises(ModelError, match="ships no default recogniser"):
        find_model()
