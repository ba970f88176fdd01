"""Gather what the report shows from an output folder, in bounded memory and without Spark."""

import hashlib
import heapq
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from pomona import schema
from pomona.errors import ImageError
from pomona.pictures.decode import make_thumbnail
from pomona.pictures.fetch import fetch_bytes
from pomona.reduction.fitted import load_reduction
from pomona.reporting.recognition_data import RecognitionData, collect_recognition
from pomona.reporting.report_data import QuarantinedPicture, ReportData
from pomona.storage.addresses import is_address
from pomona.storage.history import list_commits
from pomona.storage.locations import Location
from pomona.storage.records import RunRecord, to_plain
from pomona.storage.store import FEATURES, MODEL, QUARANTINE, REDUCED
from pomona.storage.table import read_snapshot
from pomona.storage.tables import read_batches

__all__ = ["collect_report"]

MAX_POINTS: Final = 1200
MAX_QUARANTINED: Final = 200
MAX_OF_LABEL: Final = 12
FETCHES: Final = 32

Point = tuple[str, str, float, float]


def collect_report(out: Location, run: RunRecord) -> ReportData:
    """Return what :func:`pomona.reporting.render_report` needs.

    Parameters
    ----------
    out : Location
        Holds ``quarantine/`` and, after a reduction, ``reduced/`` and ``model/``.
    run : RunRecord

    Returns
    -------
    ReportData
        At most 1,200 points, chosen by a hash of their paths, and 200 quarantined pictures.
    """
    points: list[Point] = []
    ratio = None
    with ThreadPoolExecutor(2) as pool:
        # In a bucket each of these waits most of the time.
        quarantined = pool.submit(_read_quarantined, out.at(QUARANTINE))
        commits = pool.submit(list_commits, out)
        if run.n_components and run.settings.reduce:
            ratio = load_reduction(out.at(MODEL)).all_explained_variance_ratio
            points = _sample_points(out.at(REDUCED), run.settings.reduce.format)
    return ReportData(
        run=to_plain(run),
        label_counts=run.label_counts,
        quarantine_counts=run.quarantine_counts,
        quarantined=quarantined.result(),
        explained_variance_ratio=ratio,
        n_components=run.n_components,
        points=np.array([point[2:] for point in points]).reshape(-1, 2) if points else None,
        point_labels=[point[1] for point in points],
        point_paths=[point[0] for point in points],
        point_thumbnails=_thumbnails([point[0] for point in points]),
        recognition=_recognition(out, run),
        commits=commits.result(),
    )


def _recognition(out: Location, run: RunRecord) -> RecognitionData | None:
    if run.training is None:
        return None
    paths: dict[str | None, list[str]] = defaultdict(list)
    snapshot = read_snapshot(out.at(FEATURES))
    names = list(snapshot.files) if snapshot else []
    for batch in read_batches(out.at(FEATURES), names=names, columns=[schema.PATH, schema.LABEL]):
        columns = (batch[schema.PATH].to_pylist(), batch[schema.LABEL].to_pylist())
        for path, label in zip(*columns, strict=True):
            if len(paths[label]) < MAX_OF_LABEL:
                paths[label].append(path)

    def find_thumbnails(label: str, n: int) -> list[bytes]:
        # The labels of merged folders have no folder of their name, and so no pictures here.
        return [jpeg for jpeg in _thumbnails(paths.get(label, [])[:n]) if jpeg is not None]

    return collect_recognition(run.training, find_thumbnails=find_thumbnails)


def _read_quarantined(folder: Location) -> list[QuarantinedPicture]:
    snapshot = read_snapshot(folder)
    names = list(snapshot.files) if snapshot else []
    columns = [schema.PATH, schema.SIZE, schema.REASON_CODE, schema.REASON]
    rows = (
        row
        for batch in read_batches(folder, names=names, columns=columns)
        for row in batch.to_pylist()
    )
    first = heapq.nsmallest(MAX_QUARANTINED, rows, key=lambda row: row[schema.PATH])
    # What killed a decoder once is not decoded again here.
    shown = [
        row[schema.PATH] for row in first if not row[schema.REASON_CODE].startswith("decoder_")
    ]
    thumbnails = dict(zip(shown, _thumbnails(shown), strict=True))
    return [QuarantinedPicture(**row, thumbnail=thumbnails.get(row[schema.PATH])) for row in first]


def _thumbnails(paths: Sequence[str]) -> list[bytes | None]:
    # A bucket answers late, but it answers many at once.
    remote = any(is_address(path) for path in paths)
    with ThreadPoolExecutor(FETCHES if remote else 1) as pool:
        return list(pool.map(_thumbnail, paths))


def _thumbnail(path: str) -> bytes | None:
    try:
        return make_thumbnail(fetch_bytes(path), path=path, side=56)
    except ImageError:
        return None


def _sample_points(folder: Location, format: str) -> list[Point]:
    chosen = heapq.nsmallest(MAX_POINTS, _read_points(folder, format), key=_order)
    return sorted(chosen)


def _order(point: Point) -> bytes:
    return hashlib.blake2b(point[0].encode(), digest_size=8).digest()


def _read_points(folder: Location, format: str) -> Iterator[Point]:
    columns = [schema.PATH, schema.LABEL, schema.PCA, "pca_0", "pca_1"]
    for batch in read_batches(folder, format=format, columns=columns):
        wide = schema.PCA not in batch.schema.names
        numbers = _spread(batch) if wide else _first_two(batch[schema.PCA])
        labels = batch[schema.LABEL].to_pylist()
        for path, label, pair in zip(
            batch[schema.PATH].to_pylist(), labels, numbers.tolist(), strict=True
        ):
            yield path, label or "", *pair


def _first_two(vectors: pa.Array) -> NDArray[np.float64]:
    if len(vectors) == 0:
        return np.zeros((0, 2))
    matrix = vectors.flatten().to_numpy(zero_copy_only=False).reshape(len(vectors), -1)
    return _pad(matrix[:, :2])


def _spread(batch: pa.RecordBatch) -> NDArray[np.float64]:
    names = [name for name in ("pca_0", "pca_1") if name in batch.schema.names]
    return _pad(np.stack([batch[name].to_numpy(zero_copy_only=False) for name in names], axis=1))


def _pad(matrix: NDArray[np.floating]) -> NDArray[np.float64]:
    pairs = np.zeros((len(matrix), 2))
    pairs[:, : matrix.shape[1]] = matrix
    return pairs
