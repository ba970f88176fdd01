"""One fitted model folder: model.json and plain arrays, versioned and hashed; no pickle."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from pomona.errors import SetupError

if TYPE_CHECKING:
    # Workers apply a reduction without scikit-learn, which takes half a second to import.
    from pomona.reduction.estimators import PCA, Standardizer

__all__ = ["FORMAT_VERSION", "MODEL_FILE", "Reduction", "load_reduction", "save_reduction"]

FORMAT_VERSION: Final = 1
MODEL_FILE: Final = "model.json"
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


def save_reduction(folder: Path, reduction: Reduction, *, backbone: Mapping[str, Any]) -> None:
    """Write ``model.json`` and one ``.npy`` file per array to ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, Any] = {}
    for name in ARRAYS:
        array = getattr(reduction, name)
        path = folder / f"{name}.npy"
        np.save(path, array, allow_pickle=False)
        arrays[name] = {"file": path.name, "shape": list(array.shape), "sha256": _sha256(path)}
    model = {
        "format_version": FORMAT_VERSION,
        "backbone": dict(backbone),
        "whiten": reduction.whiten,
        "n_features": len(reduction.mean),
        "n_components": len(reduction.components),
        "arrays": arrays,
    }
    (folder / MODEL_FILE).write_text(json.dumps(model, indent=2) + "\n", encoding="utf-8")


def load_reduction(folder: Path) -> Reduction:
    """Return what :func:`save_reduction` wrote, after checking every hash.

    Raises
    ------
    SetupError
        If a file is missing, damaged or of another format version.
    """
    try:
        model = json.loads((folder / MODEL_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SetupError(
            f"'{folder}' is not a model folder. Its '{MODEL_FILE}' cannot be read. "
            "Run 'pomona reduce OUT' to make one."
        ) from error
    if model.get("format_version") != FORMAT_VERSION:
        raise SetupError(
            f"The model in '{folder}' has format version '{model.get('format_version')}'. "
            f"This pomona reads version {FORMAT_VERSION}. Run 'pomona reduce OUT' again."
        )
    arrays = {name: _load_array(folder, name, model["arrays"][name]["sha256"]) for name in ARRAYS}
    return Reduction(**arrays, whiten=model["whiten"])


def _load_array(folder: Path, name: str, sha256: str) -> NDArray[np.float64]:
    path = folder / f"{name}.npy"
    if not path.is_file() or _sha256(path) != sha256:
        raise SetupError(
            f"The model array '{path}' is missing or damaged. Its sha256 is not the one in "
            f"'{MODEL_FILE}'. Run 'pomona reduce OUT' again."
        )
    array: NDArray[np.float64] = np.load(path, allow_pickle=False)
    return array


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
