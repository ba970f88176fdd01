"""One file from machine to machine: a network of the cache with its manifest, verified."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Final

from pomona.backbones.cache import MANIFEST, Entry, check_name, store_entry, verify_entry
from pomona.backbones.registry import NETWORKS, is_shipped
from pomona.backbones.spec_table import read_spec
from pomona.errors import SettingsError, SetupError
from pomona.storage.locations import LocalLocation

__all__ = ["pack_entry", "unpack_entry"]

WEIGHTS: Final = "model.onnx"
MAX_MANIFEST: Final = 1 << 20
FACTS: Final = ("origin", "versions", "check", "keras")


def pack_entry(entry: Entry, file: Path) -> Path:
    """Write an entry to one file, all of it or nothing.

    Raises
    ------
    SetupError
        If the entry is damaged or the file cannot be written.
    """
    weights = verify_entry(entry)
    try:
        # A folder that is not there is more likely a wrong path than a wish for a new one.
        file.parent.stat()
        with (
            LocalLocation(file.parent).writer(file.name) as target,
            # Weights do not compress.
            zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive,
        ):
            archive.writestr(MANIFEST, json.dumps(dict(entry.manifest), indent=2))
            archive.write(weights, WEIGHTS)
    except OSError as error:
        raise SetupError(
            f"The file '{file}' cannot be written: {error.strerror}. The network is in the cache "
            "all the same. Choose another place with --to."
        ) from error
    return file


def unpack_entry(file: Path, *, cache: Path) -> Entry:
    """Add to the cache what :func:`pack_entry` wrote elsewhere, after checking its sha256.

    Raises
    ------
    SettingsError
        If the file is not such a file, or is damaged.
    SetupError
        If the cache cannot be written.
    """
    try:
        with zipfile.ZipFile(file) as archive:
            if archive.getinfo(MANIFEST).file_size > MAX_MANIFEST:
                raise ValueError("its manifest is too long")
            manifest = json.loads(archive.read(MANIFEST))
            table = manifest["backbone"]
            name, expected = str(table["name"]), table["sha256"]
            spec = read_spec(table, name=name, origin=f"The file '{file}'")
            check_name(name)
            if name in NETWORKS and is_shipped(NETWORKS[name].spec):
                raise ValueError(f"'{name}' is in the package")

            def fill(path: Path) -> None:
                with archive.open(WEIGHTS) as source, path.open("wb") as target:
                    shutil.copyfileobj(source, target, 1 << 20)

            def check(stored: object, path: Path) -> None:
                if getattr(stored, "sha256", "") != expected:
                    raise ValueError("its network is not the one of its manifest")

            facts = {key: manifest[key] for key in FACTS if key in manifest}
            return store_entry(
                cache, spec, fill, name=str(manifest["entry"]), facts=facts, check=check
            )
    except (SettingsError, SetupError):
        raise
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise SettingsError(
            f"The file '{file}' is not a packed network, or is damaged: {error}. Nothing was "
            "stored. Make it again with 'pomona backbones pull NAME --to FILE'."
        ) from error
