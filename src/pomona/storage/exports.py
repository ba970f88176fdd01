"""Further views of a finished run, in the form other programs ask for."""

from collections.abc import Iterator
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
import pyarrow.dataset as ds

from pomona import schema
from pomona.errors import ReductionError
from pomona.storage.locations import LocalLocation, Location
from pomona.storage.tables import open_table

__all__ = ["check_vectors", "export_features"]

# Rows held at once; a CSV row of 25,088 numbers is 300 kB.
BATCH_ROWS: Final = 256
UNLABELLED: Final = "unlabelled"


def export_features(features: Location, folder: LocalLocation, *, views: tuple[str, ...]) -> None:
    """Write ``features`` (Parquet) once more.

    Parameters
    ----------
    features : Location
        ``features/`` of a run.
    folder : LocalLocation
        Gets ``features.csv`` (one file; path, label, feat_0, ...) for ``csv`` and
        ``labels/label=LABEL/part-0.parquet`` for ``labels``.
    views : tuple of {"csv", "labels"}
    """
    folder.make()
    if "csv" in views:
        _write_csv(features, folder, "features.csv")
    if "labels" in views:
        _write_labels(features, folder.at("labels"))


def check_vectors(folder: Location, *, format: str, n_components: int, n_rows: int) -> None:
    """Read stored vectors back and refuse them unless each has ``n_components`` numbers.

    Raises
    ------
    ReductionError
        If a vector has another length, or rows are missing.
    """
    table = open_table(folder, format=format)
    n_stored = 0
    for batch in table.to_batches(batch_size=BATCH_ROWS):
        n_stored += batch.num_rows
        if schema.PCA in batch.schema.names:
            lengths = set(pc.list_value_length(batch[schema.PCA]).to_pylist())
        else:
            lengths = {sum(name.startswith("pca_") for name in batch.schema.names)}
        if batch.num_rows and lengths != {n_components}:
            raise ReductionError(
                f"The stored vectors in '{folder}' have {sorted(map(str, lengths))} numbers. "
                f"The PCA kept {n_components}. Please report this as a bug."
            )
    if n_stored != n_rows:
        raise ReductionError(
            f"'{folder}' holds {n_stored} vectors. {n_rows} pictures were extracted. "
            "Run 'pomona reduce OUT' again."
        )


def _write_csv(features: Location, folder: Location, name: str) -> None:
    batches = _spread(features)
    first = next(batches)
    with folder.writer(name) as file, pa_csv.CSVWriter(file, first.schema) as writer:
        writer.write_batch(first)
        for batch in batches:
            writer.write_batch(batch)


def _spread(features: Location) -> Iterator[pa.RecordBatch]:
    columns = [schema.PATH, schema.LABEL, schema.FEATURES]
    table = open_table(features)
    for batch in table.to_batches(columns=columns, batch_size=BATCH_ROWS):
        if not batch.num_rows:
            continue
        flat: np.ndarray = batch[schema.FEATURES].flatten().to_numpy(zero_copy_only=False)
        matrix = flat.reshape(batch.num_rows, -1).T
        yield pa.RecordBatch.from_arrays(
            [batch[schema.PATH], batch[schema.LABEL], *(pa.array(column) for column in matrix)],
            names=[schema.PATH, schema.LABEL, *(f"feat_{i}" for i in range(len(matrix)))],
        )


def _write_labels(features: Location, folder: LocalLocation) -> None:
    table = open_table(features)
    label = pc.coalesce(ds.field(schema.LABEL), ds.scalar(UNLABELLED))
    columns = {name: ds.field(name) for name in table.schema.names} | {schema.LABEL: label}
    ds.write_dataset(
        table.scanner(columns=columns, batch_size=BATCH_ROWS),
        folder.path,
        format="parquet",
        # Its names are encoded: no label leads out of the folder.
        partitioning=ds.partitioning(pa.schema([(schema.LABEL, pa.string())]), flavor="hive"),
        basename_template="part-{i}.parquet",
        max_partitions=1 << 16,
        max_open_files=128,
    )
