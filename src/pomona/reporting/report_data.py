"""All that the report shows, as plain records."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pomona.reporting.recognition_data import RecognitionData
from pomona.storage.store_records import CommitRecord

__all__ = ["QuarantinedPicture", "ReportData"]

FloatArray = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class QuarantinedPicture:
    """One picture that was set aside.

    Parameters
    ----------
    path : str
    size : int or None
        Bytes; ``None`` if not known.
    reason_code : str
        One of :data:`pomona.schema.REASON_CODES`, or any other short code.
    reason : str
        A sentence for people.
    thumbnail : bytes or None
        JPEG file; ``None`` where the picture does not decode.
    """

    path: str
    size: int | None
    reason_code: str
    reason: str
    thumbnail: bytes | None


@dataclass(frozen=True)
class ReportData:
    """All that the report shows.

    Parameters
    ----------
    run : mapping
        The content of ``run.json``, with ``settings``, ``versions``, ``source``, ``engine`` and
        ``created`` (ISO time). Any key may be missing.
    label_counts : mapping from label to int
        Extracted pictures; the label may be empty.
    quarantine_counts : mapping from reason code to int
    quarantined : sequence of QuarantinedPicture
        A sample of bounded length.
    explained_variance_ratio : float array of shape (n_features,) or None
        All components, largest first; ``None`` before the reduction.
    n_components : int or None
        The chosen k.
    points : float array of shape (n_images, 2) or None
        First two principal components of a sample; ``None`` before the reduction.
    point_labels, point_paths : sequences of n_images str
    point_thumbnails : sequence of n_images bytes or None
        JPEG files.
    recognition : RecognitionData, optional
        Where a recogniser was trained.
    commits : sequence of CommitRecord
        Of the store, oldest first.
    """

    run: Mapping[str, Any]
    label_counts: Mapping[str, int]
    quarantine_counts: Mapping[str, int]
    quarantined: Sequence[QuarantinedPicture]
    explained_variance_ratio: FloatArray | None
    n_components: int | None
    points: FloatArray | None
    point_labels: Sequence[str]
    point_paths: Sequence[str]
    point_thumbnails: Sequence[bytes | None]
    recognition: RecognitionData | None = None
    commits: Sequence[CommitRecord] = ()
