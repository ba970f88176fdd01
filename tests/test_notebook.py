"""The example notebook runs, and is stored with its pictures so that it renders without running."""

from pathlib import Path

import pytest
from picture_files import copy_frames

NOTEBOOK = Path(__file__).parents[1] / "examples" / "fruits_pipeline.ipynb"


def _outputs(notebook):
    return [out for cell in notebook.cells if cell.cell_type == "code" for out in cell.outputs]


# Of the kernel's own sockets.
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::RuntimeWarning")
def test_notebook_runs(tmp_path):
    import nbformat
    from nbclient import NotebookClient

    notebook = nbformat.read(NOTEBOOK, 4)
    assert sum("image/png" in out.get("data", {}) for out in _outputs(notebook)) == 3
    copy_frames(tmp_path / "fruit" / "frames", n_labels=6, n_each=8)
    where = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=300, resources=where).execute()
    texts = [out.text for out in _outputs(notebook) if out.output_type == "stream"]
    assert any("components hold 95 %" in text for text in texts)
    assert list((tmp_path / "result" / "reduced").glob("part-*.parquet"))


def test_notebook_is_short_and_names_no_machine():
    text = NOTEBOOK.read_text(encoding="utf-8")
    assert len(text) < 300_000
    assert "/home/" not in text
    assert "/tmp/" not in text
