"""Further views of a finished run, in the form other programs ask for."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO, Final
from urllib.parse import quote

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv

from pomona import schema
from pomona.errors import ReductionError
from pomona.storage.locations import Location
from pomona.storage.table import write_rows
from pomona.storage.tables import read_batches

__all__ = ["check_vectors", "export_features", "write_lines"]

UNLABELLED: Final = "unlabelled"
COLUMNS: Final = (schema.PATH, schema.LABEL, schema.FEATURES)


def export_features(
    features: Location, folder: Location, *, names: Sequence[str], views: tuple[str, ...]
) -> None:
    """Write ``features`` once more.

    Parameters
    ----------
    features : Location
        ``features/`` of a run.
    folder : Location
        Gets ``features.csv`` (path, label, feat_0, ...) for ``csv``, ``features.json`` (a line for
        each picture) for ``json``, and ``labels/label=LABEL/part-...parquet`` for ``labels``.
    names : sequence of str
        Of the files that count.
    views : tuple of {"csv", "json", "labels"}
    """
    folder.make()
    if "csv" in views:
        with folder.writer("features.csv") as file:
            _write_csv(file, read_batches(features, names=names, columns=COLUMNS))
    if "json" in views:
        with folder.writer("features.json") as file:
            _write_json(file, read_batches(features, names=names, columns=COLUMNS))
    if "labels" in views:
        _write_labels(features, folder.at("labels"), names)


def check_vectors(folder: Location, *, format: str, n_components: int, n_rows: int) -> None:
    """Read stored vectors back and refuse them unless each has ``n_components`` numbers.

    Raises
    ------
    ReductionError
        If a vector has another length, or rows are missing.
    """
    n_stored = 0
    for batch in read_batches(folder, format=format):
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


def write_lines(
    file: BinaryIO, batches: Iterator[pa.RecordBatch], *, format: str, vector: str, prefix: str
) -> None:
    """Write path, label and a vector as CSV (a column per number) or JSON (a line per row)."""
    (_write_csv if format == "csv" else _write_json)(file, batches, vector, prefix)


def _write_csv(
    file: BinaryIO,
    batches: Iterator[pa.RecordBatch],
    vector: str = schema.FEATURES,
    prefix: str = "feat_",
) -> None:
    writer: pa_csv.CSVWriter | None = None
    for batch in batches:
        if not batch.num_rows:
            continue
        wide = _spread(batch, vector, prefix)
        if writer is None:
            writer = pa_csv.CSVWriter(file, wide.schema)
        writer.write_batch(wide)
    if writer is not None:
        writer.close()


def _spread(batch: pa.RecordBatch, vector: str, prefix: str) -> pa.RecordBatch:
    flat: np.ndarray[Any, Any] = batch[vector].flatten().to_numpy(zero_copy_only=False)
    matrix = flat.reshape(batch.num_rows, -1).T
    return pa.RecordBatch.from_arrays(
        [batch[schema.PATH], batch[schema.LABEL], *(pa.array(column) for column in matrix)],
        names=[schema.PATH, schema.LABEL, *(f"{prefix}{i}" for i in range(len(matrix)))],
    )


def _write_json(
    file: BinaryIO,
    batches: Iterator[pa.RecordBatch],
    vector: str = schema.FEATURES,
    prefix: str = "",
) -> None:
    for batch in batches:
        for path, label, numbers in _lines(batch, vector):
            row = {schema.PATH: path, schema.LABEL: label, vector: numbers}
            file.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")


def _lines(batch: pa.RecordBatch, vector: str) -> Iterator[tuple[str, str | None, list[float]]]:
    flat: np.ndarray[Any, Any] = batch[vector].flatten().to_numpy(zero_copy_only=False)
    # As float64 0.1 would read 0.10000000149011612; of float32 the shortest digits are enough.
    numbers = flat.astype(str).astype(np.float64).reshape(batch.num_rows, -1)
    columns = (batch[schema.PATH].to_pylist(), batch[schema.LABEL].to_pylist(), numbers.tolist())
    return zip(*columns, strict=True)


def _write_labels(features: Location, folder: Location, names: Sequence[str]) -> None:
    for number, name in enumerate(sorted(names)):
        groups: dict[str, list[pa.RecordBatch]] = defaultdict(list)
        for batch in read_batches(features, names=[name]):
            labels = pc.fill_null(batch[schema.LABEL], UNLABELLED)
            for label in labels.unique().to_pylist():
                groups[label].append(batch.filter(pc.equal(labels, label)))
        for label, batches in groups.items():
            rows = pa.Table.from_batches(batches).drop_columns([schema.LABEL])
            # Its name is encoded: no label leads out of the folder.
            place = f"label={quote(label, safe='')}"
            write_rows(folder.at(place), f"part-{number:05d}.parquet", rows)
