"""The cache folder: networks that were pulled or added, each whole and verified or not there.

::

    CACHE/backbones/NAME/manifest.json      record, sha256, versions, check against Keras
    CACHE/backbones/NAME/<sha256>.onnx      named by its content, so that no two ever meet

An entry is made in a folder whose name starts with a dot, and renamed when it is complete. One
that holds another layer than the pooled outputs is called ``NAME.LAYER``.
"""

import errno
import hashlib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from pomona.backbones.spec import POOLINGS, BackboneSpec
from pomona.backbones.spec_table import read_spec
from pomona.errors import SettingsError, SetupError
from pomona.storage.locations import LocalLocation

__all__ = [
    "MANIFEST",
    "Entry",
    "check_name",
    "check_writable",
    "default_cache",
    "entry_name",
    "find_entry",
    "hash_file",
    "list_entries",
    "remove_entry",
    "store_entry",
    "verify_entry",
]

MANIFEST: Final = "manifest.json"
PROBE: Final = ".writable"
FORMAT_VERSION: Final = 1
NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}(\.[A-Za-z0-9_-]{1,64})?")


@dataclass(frozen=True)
class Entry:
    """One network of the cache.

    Parameters
    ----------
    name : str
        Of the folder.
    folder : Path
    spec : BackboneSpec
    manifest : mapping
        All that ``manifest.json`` holds.
    """

    name: str
    folder: Path
    spec: BackboneSpec
    manifest: Mapping[str, Any]

    @property
    def weights(self) -> Path:
        """The ONNX file."""
        return self.folder / self.spec.weights


def default_cache() -> Path:
    """Return ``$XDG_CACHE_HOME/pomona``, or ``~/.cache/pomona`` where that is not set."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "pomona"


def entry_name(name: str, pooling: str | None) -> str:
    """Return the entry that holds this output: pooled ones share one, a layer has its own."""
    return name if pooling is None or pooling in POOLINGS else f"{name}.{pooling}"


def check_name(name: str) -> None:
    """Refuse a name that could not be a folder's.

    Raises
    ------
    SettingsError
    """
    if not NAME.fullmatch(name):
        raise SettingsError(
            f"The backbone name '{name}' cannot be used. It may hold letters, digits, '_' and '-', "
            "and starts with a letter or a digit. Choose another name."
        )


def find_entry(cache: Path, name: str) -> Entry | None:
    """Return the entry called ``name``, or None; what is damaged is an error, not None.

    Raises
    ------
    SetupError
        If the manifest cannot be read.
    """
    if not NAME.fullmatch(name):
        return None
    folder = cache / "backbones" / name
    if not folder.is_dir():
        return None
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        if manifest["format_version"] != FORMAT_VERSION:
            raise ValueError(f"format version {manifest['format_version']}, not {FORMAT_VERSION}")
        table = manifest["backbone"]
        spec = read_spec(table, name=table["name"], origin="The manifest")
        if Path(spec.weights).name != spec.weights:
            raise ValueError(f"weights are '{spec.weights}'")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SetupError(
            f"The cache entry '{folder}' is damaged: {error}. It cannot be used. "
            f"Run 'pomona backbones remove {name}' and get the network again."
        ) from error
    return Entry(name, folder, spec, manifest)


def list_entries(cache: Path) -> Iterator[Entry | SetupError]:
    """Yield every entry in the order of names, and an error in the place of a damaged one."""
    folder = cache / "backbones"
    for name in LocalLocation(folder).list():
        if name.startswith("."):
            continue
        try:
            entry = find_entry(cache, name)
        except SetupError as error:
            yield error
            continue
        if entry is not None:
            yield entry


def verify_entry(entry: Entry) -> Path:
    """Return the ONNX file of an entry after checking its sha256.

    Raises
    ------
    SetupError
        If it is missing or not the one of the manifest.
    """
    advice = f"Run 'pomona backbones remove {entry.name}' and get the network again."
    if not entry.weights.is_file():
        raise SetupError(
            f"The weights '{entry.weights}' are missing. The manifest names them. {advice}"
        )
    sha256 = hash_file(entry.weights)
    if sha256 != entry.spec.sha256:
        raise SetupError(
            f"The weights '{entry.weights}' have sha256 '{sha256}'. The manifest says "
            f"'{entry.spec.sha256}', so the file is damaged or replaced. {advice}"
        )
    return entry.weights


def hash_file(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check_writable(cache: Path) -> None:
    """Refuse a cache folder that nothing can be stored in, before any long work.

    Raises
    ------
    SetupError
    """
    folder = LocalLocation(cache / "backbones")
    try:
        folder.put(PROBE, b"")
        folder.delete(PROBE)
    except OSError as error:
        raise _not_writable(cache, error) from error


def store_entry(
    cache: Path,
    spec: BackboneSpec,
    fill: Callable[[Path], None],
    *,
    name: str,
    facts: Mapping[str, Any],
    check: Callable[[BackboneSpec, Path], None] | None = None,
) -> Entry:
    """Add an entry: all of it or nothing; an earlier one of this name is replaced at the end.

    Parameters
    ----------
    cache : Path
    spec : BackboneSpec
        ``weights`` and ``sha256`` are filled in.
    fill : callable
        Writes the ONNX file to the path it is given.
    name : str
        Of the entry.
    facts : mapping
        Further items of the manifest: versions, source, check against Keras.
    check : callable, optional
        Called with the record and the file before the entry becomes visible; raises to refuse it.

    Raises
    ------
    SetupError
        If the cache cannot be written, or the disk is full.
    """
    check_name(name)
    with _storing(cache, name) as folder:
        unnamed = LocalLocation(folder.path / "model.onnx")
        fill(unnamed.path)
        sha256 = hash_file(unnamed.path)
        spec = replace(spec, weights=f"{sha256[:32]}.onnx", sha256=sha256)
        file = folder.path / spec.weights
        LocalLocation(file).replace_by(unnamed)
        if check is not None:
            check(spec, file)
        manifest = {
            "format_version": FORMAT_VERSION,
            "entry": name,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "bytes": file.stat().st_size,
            **facts,
            "fingerprint": spec.fingerprint(),
            "backbone": spec.to_dict(),
        }
        folder.put(MANIFEST, (json.dumps(manifest, indent=2) + "\n").encode())
    return Entry(name, cache / "backbones" / name, spec, manifest)


def remove_entry(cache: Path, name: str) -> None:
    """Delete an entry, damaged or not.

    Raises
    ------
    SettingsError
        If there is none of this name.
    """
    folder = cache / "backbones" / name
    if not NAME.fullmatch(name) or not folder.is_dir():
        raise SettingsError(
            f"The cache '{cache}' holds no backbone '{name}'. Nothing was removed. "
            "Run 'pomona backbones list' for what it holds."
        )
    LocalLocation(folder).remove()


@contextmanager
def _storing(cache: Path, name: str) -> Iterator[LocalLocation]:
    """Give a new folder that becomes the entry ``name`` if the block ends well."""
    with ExitStack() as stack:
        try:
            entry = LocalLocation(cache / "backbones" / name)
            folder = stack.enter_context(entry.replacement())
        except OSError as error:
            raise _not_writable(cache, error) from error
        try:
            yield folder
        except OSError as error:
            if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
                raise
            raise SetupError(
                f"The disk of the cache '{cache}' is full: {error.strerror}. Nothing was stored, "
                "and what was there is untouched. Make room, or choose another disk with --cache."
            ) from error


def _not_writable(cache: Path, error: OSError) -> SetupError:
    return SetupError(
        f"The cache folder '{cache}' cannot be written: {error.strerror}. Networks are stored "
        "there. Choose another with --cache."
    )
