import json

import pytest
from picture_files import encode, make_pixels
from recognition.conftest import LABELS
from typer.testing import CliRunner

import pomona
from pomona.cli.app import app
from pomona.errors import SourceError
from pomona.storage.records import to_plain
from pomona.training.labelling import find_label


@pytest.fixture
def labelled(tmp_path):
    """Folders of a known label, a trained class, an unseen variety and of nothing known."""
    root = tmp_path / "labelled"
    for i, folder in enumerate(["Apple Braeburn", "Pink-Lady", "Apple Golden 1", "sofa"]):
        (root / folder).mkdir(parents=True)
        for j in range(3):
            (root / folder / f"{j}.jpg").write_bytes(encode(make_pixels(10 * i + j)))
    (root / "sofa" / "broken.jpg").write_bytes(b"")
    return root


@pytest.mark.parametrize(
    ("folder", "expected"),
    [
        ("Apple Braeburn", (0, "apple")),
        ("Pink-Lady", (1, "apple")),
        # The same thing in the other data set, by the facts.
        ("Apple Pink Lady", (1, "apple")),
        ("gizmo", (2, "label:Gizmo")),
        ("Apple Golden 1", (None, "apple")),
        # A fruit, and none this recogniser could name.
        ("Pineapple", (None, None)),
        ("sofa", (None, None)),
    ],
)
def test_find_label_by_name_class_and_fruit(folder, expected):
    assert find_label(folder, LABELS) == expected


def test_evaluate_tells_known_unseen_and_strangers_apart(model_folder, labelled, tmp_path):
    record = pomona.evaluate(model_folder, pomona.SourceSettings(labelled), out=tmp_path / "report")
    assert (record.n_pictures, record.n_failed) == (13, 1)
    assert record.failed == {"empty_file": 1}
    assert record.known.n == 6
    assert record.unseen_varieties.folders == ["Apple Golden 1"]
    assert record.strangers.folders == ["sofa"]
    assert json.loads((tmp_path / "report" / "evaluation.json").read_text()) == to_plain(record)
    page = (tmp_path / "report" / "index.html").read_text()
    assert "Pomona evaluation" in page
    assert "How sure, and how often right" in page
    assert "Labels missed most often" in page
    assert 'href="#settings"' not in page


def test_evaluate_strangers_counts_refusals_only(model_folder, labelled):
    record = pomona.evaluate(model_folder, pomona.SourceSettings(labelled), strangers=True)
    assert record.strangers.n == 12
    assert record.known is None


def test_a_folder_with_no_known_label_is_one_clear_error(model_folder, labelled):
    with pytest.raises(SourceError, match="None of the 1 folders has a label"):
        pomona.evaluate(model_folder, pomona.SourceSettings(labelled / "sofa"))


def test_evaluate_command(model_folder, labelled, tmp_path):
    common = ["evaluate", str(model_folder), str(labelled), "--threads", "1", "--quiet"]
    result = CliRunner().invoke(app, [*common, "--out", str(tmp_path / "report")])
    assert result.exit_code == 0, result.output
    for text in ("known labels  6 pictures", "unseen  3 pictures", "look at"):
        assert text in result.output
    result = CliRunner().invoke(app, [*common, "--json"])
    assert json.loads(result.stdout)["known"]["n"] == 6
