"""The model folder: ``model.json``, arrays and a network, hashed and versioned; no pickle."""

import hashlib
import io
import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pomona.errors import ModelError
from pomona.storage.locations import Location
from pomona.storage.records import (
    MODEL_FORMAT,
    ArrayFile,
    ModelRecord,
    NetworkFile,
    parse_record,
    replace,
    to_json,
)
from pomona.storage.tables import map_files

__all__ = [
    "MODEL_FILE",
    "NETWORK_FILE",
    "check_network",
    "copy_recogniser",
    "read_arrays",
    "read_model_record",
    "write_arrays",
    "write_model_record",
    "write_network",
]

MODEL_FILE: Final = "model.json"
NETWORK_FILE: Final = "recogniser.onnx"
# What model.json says of a reduction; all else is of the recogniser.
REDUCTION_FIELDS: Final = (
    "backbone",
    "whiten",
    "n_features",
    "n_components",
    "arrays",
    "fitted_on",
)


def read_model_record(folder: Location) -> ModelRecord:
    """Return ``model.json``.

    Raises
    ------
    ModelError
        If it is missing, damaged, or of a newer format version.
    """
    try:
        content = folder.get(MODEL_FILE)
        version = json.loads(content)["format_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ModelError(
            f"'{folder}' is not a model folder. Its '{MODEL_FILE}' cannot be read. "
            "Name one that 'pomona reduce OUT' or 'pomona train OUT' made."
        ) from error
    if not isinstance(version, int) or version > MODEL_FORMAT:
        raise ModelError(
            f"The model in '{folder}' has format version '{version}'. This pomona reads up to "
            f"version {MODEL_FORMAT}. Install a newer pomona, or make the model again."
        )
    try:
        return parse_record(content, ModelRecord)
    except ValueError as error:
        raise ModelError(
            f"'{folder}' is not a whole model folder. Its '{MODEL_FILE}' says: {error}. "
            "Make it again with 'pomona reduce OUT' or 'pomona train OUT'."
        ) from error


def write_model_record(folder: Location, record: ModelRecord) -> None:
    """Write ``model.json``; the files it names are there already."""
    folder.put(MODEL_FILE, to_json(record))


def write_arrays(folder: Location, arrays: Mapping[str, NDArray[Any]]) -> dict[str, ArrayFile]:
    """Write one ``.npy`` file per array; return what ``model.json`` says of them."""
    files = {}
    for name, array in arrays.items():
        buffer = io.BytesIO()
        np.save(buffer, array, allow_pickle=False)
        content = buffer.getvalue()
        files[name] = ArrayFile(
            file=f"{name}.npy", shape=list(array.shape), sha256=hashlib.sha256(content).hexdigest()
        )
        folder.put(files[name].file, content)
    return files


def read_arrays(
    folder: Location, record: ModelRecord, names: Iterable[str]
) -> dict[str, NDArray[np.float64]]:
    """Return arrays of a model folder, after checking their hashes.

    Raises
    ------
    ModelError
        If one is not named in ``record``, missing, or damaged.
    """
    names = list(names)
    return dict(
        zip(names, map_files(partial(_read_array, folder, record), folder, names), strict=True)
    )


def _read_array(folder: Location, record: ModelRecord, name: str) -> NDArray[np.float64]:
    file = (record.arrays or {}).get(name)
    try:
        content = folder.get(f"{name}.npy")
    except OSError:
        content = b""
    if file is None or hashlib.sha256(content).hexdigest() != file.sha256:
        raise ModelError(
            f"The model array '{folder}/{name}.npy' is missing or damaged. Its "
            f"sha256 is not the one in '{MODEL_FILE}'. Run 'pomona reduce OUT' again."
        )
    array: NDArray[np.float64] = np.load(io.BytesIO(content), allow_pickle=False)
    return array


def write_network(
    folder: Location, onnx: bytes, *, input: str, outputs: Iterable[str], needs_onnxruntime: bool
) -> NetworkFile:
    """Write ``recogniser.onnx``; return what ``model.json`` says of it."""
    folder.put(NETWORK_FILE, onnx)
    return NetworkFile(
        file=NETWORK_FILE,
        sha256=hashlib.sha256(onnx).hexdigest(),
        size_bytes=len(onnx),
        input=input,
        outputs=list(outputs),
        needs_onnxruntime=needs_onnxruntime,
    )


def check_network(folder: Location, network: NetworkFile) -> None:
    """Compare the network with its hash.

    Raises
    ------
    ModelError
        If it is missing or another one.
    """
    path = f"{folder}/{NETWORK_FILE}"
    try:
        sha256 = hashlib.sha256(folder.get(NETWORK_FILE)).hexdigest()
    except OSError as error:
        raise ModelError(
            f"The network '{path}' cannot be read: {error.strerror or error}. "
            f"'{MODEL_FILE}' names it. Copy the whole model folder again."
        ) from error
    if sha256 != network.sha256:
        raise ModelError(
            f"The network '{path}' has sha256 '{sha256}'. '{MODEL_FILE}' says "
            f"'{network.sha256}', so the file was changed or is damaged. Copy the whole model "
            "folder again."
        )


def copy_recogniser(source: Location, target: Location) -> None:
    """Give a model folder that has a reduction the recogniser of another, if that has one."""
    try:
        old = read_model_record(source)
    except ModelError:
        return
    if old.recogniser is None:
        return
    new = read_model_record(target)
    target.put(NETWORK_FILE, source.get(NETWORK_FILE))
    reduction = {name: getattr(new, name) for name in REDUCTION_FIELDS}
    write_model_record(target, replace(old, **reduction))
