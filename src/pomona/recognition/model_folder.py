"""The model folder: ``recogniser.onnx`` and ``model.json``, hashed and versioned; no pickle."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from pomona.errors import ModelError
from pomona.recognition.decisions import DecisionRule, ModelLabel
from pomona.recognition.views import Preprocessing
from pomona.reduction.fitted import FORMAT_VERSION, MODEL_FILE
from pomona.storage.store import settle

__all__ = [
    "DEFAULT_MODEL",
    "ONNX_FILE",
    "OUTPUTS",
    "Model",
    "find_model",
    "read_model",
    "save_model",
    "write_model",
]

ONNX_FILE: Final = "recogniser.onnx"
INPUT: Final = "images"
OUTPUTS: Final = ("probabilities", "features", "strangeness")
DEFAULT_MODEL: Final = Path(__file__).with_name("default")


@dataclass(frozen=True)
class Model:
    """What ``model.json`` says of a recogniser.

    Parameters
    ----------
    path : Path
        The model folder.
    labels : tuple of ModelLabel
        In the order of the probabilities.
    preprocessing : Preprocessing
    rule : DecisionRule
    record : dict
        The whole of ``model.json``.
    """

    path: Path
    labels: tuple[ModelLabel, ...]
    preprocessing: Preprocessing
    rule: DecisionRule
    record: dict[str, Any] = field(repr=False)

    @property
    def onnx(self) -> Path:
        """The network."""
        return self.path / ONNX_FILE

    @property
    def needs_onnxruntime(self) -> bool:
        """Whether it holds operators that only ONNX Runtime runs (trees and forests)."""
        return bool(self.record["recogniser"]["needs_onnxruntime"])


def find_model(path: Path | None = None) -> Path:
    """Return the model folder to use: the given one, an output folder's, or the shipped default.

    Raises
    ------
    ModelError
        If there is none.
    """
    if path is None:
        if (DEFAULT_MODEL / MODEL_FILE).is_file():
            return DEFAULT_MODEL
        raise ModelError(
            "This pomona ships no default recogniser. A model folder has to be named. "
            "Train one with 'pomona train OUT' and pass --model OUT."
        )
    settle(path)
    if not (path / MODEL_FILE).is_file() and (path / "model" / MODEL_FILE).is_file():
        return path / "model"
    return path


def read_model(path: Path | None = None) -> Model:
    """Read ``model.json`` and check the sha256 of the network.

    Parameters
    ----------
    path : Path, optional
        Model folder, or the output folder that holds it; the shipped default if not given.

    Raises
    ------
    ModelError
        If a file is missing, changed, of a newer format version, or not a recogniser's.
    """
    folder = find_model(path)
    record = _read_record(folder)
    try:
        model = Model(
            folder,
            tuple(ModelLabel(**label) for label in record["labels"]),
            Preprocessing.from_dict(record["preprocessing"]),
            DecisionRule.from_dict(record["decision"]),
            record,
        )
        expected = record["recogniser"]["sha256"]
    except (KeyError, TypeError, ValueError) as error:
        raise ModelError(
            f"'{folder / MODEL_FILE}' is not a recogniser's: {type(error).__name__} {error}. "
            "Train again with 'pomona train OUT'."
        ) from error
    _check_network(model.onnx, expected)
    return model


def write_model(
    folder: Path,
    onnx: bytes,
    *,
    labels: Sequence[ModelLabel],
    preprocessing: Preprocessing,
    rule: DecisionRule,
    more: Mapping[str, Any],
    needs_onnxruntime: bool = False,
) -> None:
    """Write both files into ``folder``; what ``model.json`` of a reduction says there is kept.

    Parameters
    ----------
    folder : Path
        Made if missing. Not atomic: see :func:`save_model`.
    onnx : bytes
        From :func:`pomona.training.onnx_export.build_recogniser`.
    labels : sequence of ModelLabel
    preprocessing : Preprocessing
    rule : DecisionRule
    more : mapping
        Further keys: ``training``, ``metrics``, ``calibration``, ``licences``, ...
    needs_onnxruntime : bool
    """
    folder.mkdir(parents=True, exist_ok=True)
    record = _read_record(folder) if (folder / MODEL_FILE).is_file() else {}
    (folder / ONNX_FILE).write_bytes(onnx)
    record |= {"format_version": FORMAT_VERSION}
    record |= {
        "recogniser": {
            "file": ONNX_FILE,
            "sha256": hashlib.sha256(onnx).hexdigest(),
            "size_bytes": len(onnx),
            "input": INPUT,
            "outputs": list(OUTPUTS),
            "needs_onnxruntime": needs_onnxruntime,
        },
        "labels": [label.as_dict() for label in labels],
        "preprocessing": preprocessing.as_dict(),
        "decision": {
            "rejection_threshold": rule.rejection_threshold,
            "variety_min": rule.variety_min,
            "fruit_min": rule.fruit_min,
        },
        **more,
    }
    text = json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    (folder / MODEL_FILE).write_text(text, encoding="utf-8")


def save_model(folder: Path, onnx: bytes, **what: Any) -> Model:
    """Write a model folder aside and put it in place of ``folder`` in one step.

    Parameters
    ----------
    folder : Path
        Whatever was there is replaced.
    onnx : bytes
    **what
        As for :func:`write_model`.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=".pomona-model-") as scratch:
        fresh, old = Path(scratch) / "fresh", Path(scratch) / "old"
        write_model(fresh, onnx, **what)
        if folder.exists():
            folder.rename(old)
        fresh.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
    return read_model(folder)


def _read_record(folder: Path) -> dict[str, Any]:
    path = folder / MODEL_FILE
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        version = record["format_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"'{folder}' is not a model folder. Its '{MODEL_FILE}' cannot be read. "
            "Name one that 'pomona train OUT' made."
        ) from error
    if not isinstance(version, int) or version > FORMAT_VERSION:
        raise ModelError(
            f"The model in '{folder}' has format version '{version}'. This pomona reads up to "
            f"version {FORMAT_VERSION}. Install a newer pomona, or train again."
        )
    return dict(record)


def _check_network(path: Path, expected: str) -> None:
    try:
        with path.open("rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise ModelError(
            f"The network '{path}' cannot be read: {os.strerror(error.errno or 0)}. "
            f"'{MODEL_FILE}' names it. Copy the whole model folder again."
        ) from error
    if found != expected:
        raise ModelError(
            f"The network '{path}' has sha256 '{found}'. '{MODEL_FILE}' says '{expected}', so the "
            "file was changed or is damaged. Copy the whole model folder again."
        )
