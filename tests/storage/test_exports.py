import csv

import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
import pytest

from pomona.errors import ReductionError
from pomona.storage.exports import check_vectors, export_features
from pomona.storage.locations import LocalLocation

ROWS = [
    {"path": "/f.jpg", "label": "..", "features": [1.0, 2.0]},
    {"path": "/a, b.jpg", "label": 'red "apple"', "features": [0.1, 1e-20]},
    {"path": "/c.jpg", "label": None, "features": [3.0, -4.5]},
    {"path": "/d/e.jpg", "label": "a/b é", "features": [1 / 3, 0.0]},
]
KIND = pa.schema([("path", "string"), ("label", "string"), ("features", pa.list_(pa.float32()))])


@pytest.fixture
def features(tmp_path):
    folder = tmp_path / "features"
    folder.mkdir()
    for i in range(2):
        rows = ROWS[:3] if i == 0 else ROWS[3:]
        pq.write_table(pa.Table.from_pylist(rows, KIND), folder / f"part-{i}.parquet")
    return LocalLocation(folder)


def test_csv_is_one_file_that_gives_the_same_numbers(features, tmp_path):
    export_features(
        features,
        LocalLocation(tmp_path / "export"),
        names=["part-0.parquet", "part-1.parquet"],
        views=("csv",),
    )
    with (tmp_path / "export" / "features.csv").open(newline="", encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert list(rows[0]) == ["path", "label", "feat_0", "feat_1"]
    for found, row in zip(rows, ROWS, strict=True):
        assert (found["path"], found["label"]) == (row["path"], row["label"] or "")
        numbers = [np.float32(found[f"feat_{i}"]) for i in range(2)]
        assert numbers == list(np.array(row["features"], np.float32))


def test_labels_are_folders(features, tmp_path):
    export_features(
        features,
        LocalLocation(tmp_path / "export"),
        names=["part-0.parquet", "part-1.parquet"],
        views=("labels",),
    )
    folder = tmp_path / "export" / "labels"
    assert [path.name for path in folder.parent.iterdir()] == ["labels"]
    assert len(list(folder.iterdir())) == 4
    kind = ds.partitioning(pa.schema([("label", pa.string())]), flavor="hive")
    table = ds.dataset(folder, format="parquet", partitioning=kind).to_table().to_pylist()
    assert {row["path"]: row["label"] for row in table} == {
        row["path"]: row["label"] or "unlabelled" for row in ROWS
    }


@pytest.mark.parametrize("format", ["parquet", "csv"])
def test_check_vectors_reads_them_back(tmp_path, format):
    folder = tmp_path / "reduced"
    folder.mkdir()
    if format == "csv":
        (folder / "part-0.csv").write_text("path,label,pca_0,pca_1\n/a,b,1,2\n")
    else:
        table = pa.table({"path": ["/a"], "pca": pa.array([[1.0, 2.0]], pa.list_(pa.float32()))})
        pq.write_table(table, folder / "part-0.parquet")
    check_vectors(LocalLocation(folder), format=format, n_components=2, n_rows=1)
    with pytest.raises(ReductionError, match=r"have \['2'\] numbers. The PCA kept 3"):
        check_vectors(LocalLocation(folder), format=format, n_components=3, n_rows=1)
    with pytest.raises(ReductionError, match="holds 1 vectors. 2 pictures"):
        check_vectors(LocalLocation(folder), format=format, n_components=2, n_rows=2)
