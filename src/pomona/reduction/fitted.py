"""A fitted standardiser and PCA as arrays, kept in a model folder."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from pomona.storage.locations import Location, open_location
from pomona.storage.model_folder import (
    read_arrays,
    read_model_record,
    write_arrays,
    write_model_record,
)
from pomona.storage.records import MODEL_FORMAT, JsonObject, ModelRecord

if TYPE_CHECKING:
    # Workers apply a reduction without scikit-learn, which takes half a second to import.
    from pomona.reduction.estimators import PCA, Standardizer

__all__ = ["Reduction", "load_reduction", "save_reduction"]

ARRAYS: Final = (
    "mean",
    "scale",
    "components",
    "explained_variance",
    "explained_variance_ratio",
    "all_explained_variance_ratio",
)


@dataclass(frozen=True)
class Reduction:
    """A fitted standardiser and PCA as arrays.

    Parameters
    ----------
    mean, scale : float64 arrays of shape (n_features,)
        Of the standardiser.
    components : float64 array of shape (n_components, n_features)
    explained_variance, explained_variance_ratio : float64 arrays of shape (n_components,)
    all_explained_variance_ratio : float64 array of shape (rank,)
    whiten : bool
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    components: NDArray[np.float64]
    explained_variance: NDArray[np.float64]
    explained_variance_ratio: NDArray[np.float64]
    all_explained_variance_ratio: NDArray[np.float64]
    whiten: bool

    @classmethod
    def from_fitted(cls, standardizer: "Standardizer", pca: "PCA") -> "Reduction":
        """Take the arrays of two fitted estimators; the PCA was fitted on standardised vectors."""
        return cls(
            standardizer.mean_,
            standardizer.scale_,
            pca.components_,
            pca.explained_variance_,
            pca.explained_variance_ratio_,
            pca.all_explained_variance_ratio_,
            bool(pca.whiten),
        )

    def transform(self, features: NDArray[np.floating]) -> NDArray[np.float32]:
        """Return the components of ``features`` (n, n_features), float32 (n, n_components)."""
        standardised = (features.astype(np.float64) - self.mean) / self.scale
        reduced = standardised @ self.components.T
        if self.whiten:
            reduced /= np.sqrt(self.explained_variance)
        return reduced.astype(np.float32)


def save_reduction(
    folder: Location, reduction: Reduction, *, backbone: JsonObject, fitted_on: int | None = None
) -> None:
    """Write ``model.json`` and one ``.npy`` file per array to ``folder``."""
    arrays = write_arrays(folder, {name: getattr(reduction, name) for name in ARRAYS})
    record = ModelRecord(
        format_version=MODEL_FORMAT,
        backbone=backbone,
        whiten=reduction.whiten,
        n_features=len(reduction.mean),
        n_components=len(reduction.components),
        arrays=arrays,
        fitted_on=fitted_on,
    )
    write_model_record(folder, record)


def load_reduction(folder: Location | Path | str) -> Reduction:
    """Return what :func:`save_reduction` wrote, after checking every hash.

    Raises
    ------
    ModelError
        If a file is missing, damaged or of another format version.
    """
    place = open_location(folder)
    record = read_model_record(place)
    arrays = read_arrays(place, record, ARRAYS)
    return Reduction(**arrays, whiten=bool(record.whiten))
