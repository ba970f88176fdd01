"""The second half of a run: standardise, keep 95 % of the variance by PCA, write Parquet."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from columns import list_column, rows_of
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

VARIANCE_KEPT = 0.95


def read_features(folder: Path) -> tuple[pa.Table, NDArray[np.float32]]:
    """Return the table (path, label) and the float32 features of shape (n_images, n_features)."""
    table = pq.read_table(folder, columns=["path", "label", "features"])
    return table.select(["path", "label"]), rows_of(table.column("features"))


def reduce_features(out: Path) -> int:
    """Read ``out/features``, write ``out/reduced`` and return the number of components kept."""
    keys, features = read_features(out / "features")
    pipeline = make_pipeline(StandardScaler(), PCA(n_components=VARIANCE_KEPT, svd_solver="full"))
    reduced = pipeline.fit_transform(features).astype(np.float32, copy=False)
    folder = out / "reduced"
    folder.mkdir(parents=True)
    pq.write_table(keys.append_column("pca", list_column(reduced)), folder / "part-0.parquet")
    return int(reduced.shape[1])
