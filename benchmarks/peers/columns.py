"""Arrays with one row per picture as Parquet columns of lists, and back."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


def rows_of(column: pa.ChunkedArray) -> NDArray[np.float32]:
    """Return a column of equally long lists as an array with one row per list."""
    values = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
    rows: NDArray[np.float32] = values.astype(np.float32, copy=False).reshape(len(column), -1)
    return rows


def list_column(rows: NDArray[np.float32]) -> pa.ListArray:
    """Return an array with one row per picture as a column of lists of float."""
    n_rows, width = rows.shape
    offsets = pa.array(np.arange(0, (n_rows + 1) * width, width, dtype=np.int32))
    return pa.ListArray.from_arrays(offsets, pa.array(np.ascontiguousarray(rows).reshape(-1)))
