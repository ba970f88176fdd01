"""Further views of a finished run, in the form other programs ask for."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.dataset as ds

from pomona import schema
from pomona.errors import ReductionError

__all__ = ["check_vectors", "export_features"]

# Rows held at once; a CSV row of 25,088 numbers is 300 kB.
BATCH_ROWS: Final = 256
UNLABELLED: Final = "unlabelled"


def export_features(features: Path, folder: Path, *, kinds: tuple[str, ...]) -> None:
    """Write ``features`` (Parquet) once more.

    Parameters
    ----------
    features : Path
        ``features/`` of a run.
    folder : Path
        Gets ``features.csv`` (one file; path, label, feat_0, ...) for ``csv`` and
        ``labels/label=LABEL/part-0.parquet`` for ``labels``.
    kinds : tuple of {"csv", "labels"}
    """
    folder.mkdir(parents=True, exist_ok=True)
    if "csv" in kinds:
        _write_csv(features, folder / "features.csv")
    if "labels" in kinds:
        _write_labels(features, folder / "labels")


def check_vectors(folder: Path, *, format: str, n_components: int, n_rows: int) -> None:
    """Read stored vectors back and refuse them unless each has ``n_components`` numbers.

    Raises
    ------
    ReductionError
        If a vector has another length, or rows are missing.
    """
    table = ds.dataset(folder, format=format)
    found = 0
    for batch in table.to_batches(batch_size=BATCH_ROWS):
        found += batch.num_rows
        if schema.PCA in batch.schema.names:
            lengths = set(pc.list_value_length(batch[schema.PCA]).to_pylist())
        else:
            lengths = {sum(name.startswith("pca_") for name in batch.schema.names)}
        if batch.num_rows and lengths != {n_components}:
            raise ReductionError(
                f"The stored vectors in '{folder}' have {sorted(map(str, lengths))} numbers. "
                f"The PCA kept {n_components}. Please report this as a bug."
            )
    if found != n_rows:
        raise ReductionError(
            f"'{folder}' holds {found} vectors. {n_rows} pictures were extracted. "
            "Run 'pomona reduce OUT' again."
        )


def _write_csv(features: Path, file: Path) -> None:
    batches = _spread(features)
    first = next(batches)
    with pa_csv.CSVWriter(file, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)


def _spread(features: Path) -> Iterator[pa.RecordBatch]:
    columns = [schema.PATH, schema.LABEL, schema.FEATURES]
    table = ds.dataset(features, format="parquet")
    for batch in table.to_batches(columns=columns, batch_size=BATCH_ROWS):
        if not batch.num_rows:
            continue
        flat: np.ndarray = batch[schema.FEATURES].flatten().to_numpy(zero_copy_only=False)
        matrix = flat.reshape(batch.num_rows, -1).T
        yield pa.RecordBatch.from_arrays(
            [batch[schema.PATH], batch[schema.LABEL], *(pa.array(column) for column in matrix)],
            names=[schema.PATH, schema.LABEL, *(f"feat_{i}" for i in range(len(matrix)))],
        )


def _write_labels(features: Path, folder: Path) -> None:
    table = ds.dataset(features, format="parquet")
    label = pc.coalesce(ds.field(schema.LABEL), ds.scalar(UNLABELLED))
    columns = {name: ds.field(name) for name in table.schema.names} | {schema.LABEL: label}
    ds.write_dataset(
        table.scanner(columns=columns, batch_size=BATCH_ROWS),
        folder,
        format="parquet",
        # Its names are encoded: no label leads out of the folder.
        partitioning=ds.partitioning(pa.schema([(schema.LABEL, pa.string())]), flavor="hive"),
        basename_template="part-{i}.parquet",
        max_partitions=1 << 16,
        max_open_files=128,
    )
