"""What this machine has of all that Pomona can use, and what would mend the rest."""

import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from importlib.util import find_spec
from pathlib import Path
from typing import Final, Literal

__all__ = ["Check", "check_machine"]

PYTHON_MIN, PYTHON_END = (3, 11), (3, 14)
# What Spark, the workers and the result of a small run take together.
DISK_MIN_GB: Final = 1.0
EXTRAS: Final = {
    "fast": "decodes faster (Numba)",
    "serve": "the phone app and its server",
    "train": "pack a recogniser",
    "keras": "pull networks of Keras",
}


@dataclass(frozen=True)
class Check:
    """One line about this machine.

    Parameters
    ----------
    name : str
    state : {"ok", "absent", "missing"}
        ``missing`` is needed by ``pomona run``; what is ``absent`` it can do without.
    found : str
        What is there: a version, a place.
    mend : str
        The command that brings what is not there; empty if there is nothing to do.
    """

    name: str
    state: Literal["ok", "absent", "missing"]
    found: str
    mend: str = ""


def check_machine() -> list[Check]:
    """Look at everything; starts nothing but ``java -version`` and ``nvidia-smi``."""
    return [
        Check("Pomona", "ok", _version("pomona") or "not installed as a package"),
        _check_python(),
        _check_java(),
        _check_spark(),
        _check_libraries(),
        *_check_engines(),
        *_check_extras(),
        _check_runtime(),
        _check_networks(),
        *_check_credentials(),
        *_check_disks(),
    ]


def _check_python() -> Check:
    fits = PYTHON_MIN <= sys.version_info[:2] < PYTHON_END
    found = f"{platform.python_version()}, {sys.executable}"
    mend = "" if fits else "install Python 3.12, then: make PYTHON=python3.12 setup"
    return Check("Python", "ok" if fits else "missing", found, mend)


def _check_java() -> Check:
    from pomona.errors import SetupError
    from pomona.spark.java import check_java

    try:
        java = check_java()
    except SetupError as error:
        what, _, _ = str(error).partition(". ")
        return Check("Java", "missing", what, "pomona doctor --fix")
    return Check("Java", "ok", f"{java.version}, {java.command} ({java.origin})")


def _check_spark() -> Check:
    found = _version("pyspark")
    if found is None:
        return Check("Spark", "missing", "no pyspark", "pip install pomona")
    return Check("Spark", "ok", found)


def _check_libraries() -> Check:
    names = list(_requirements(None))
    missing = [name for name in names if _version(name) is None]
    if missing:
        return Check("libraries", "missing", f"without {', '.join(missing)}", "pip install pomona")
    return Check("libraries", "ok", f"all {len(names)} of the base installation")


def _check_engines() -> Iterator[Check]:
    from pomona.backbones.engines.gpus import list_gpus

    found = _version("openvino")
    yield Check(
        "engine openvino",
        "ok" if found else "missing",
        found or "not installed",
        "" if found else "pip install pomona",
    )
    on_gpu = _version("onnxruntime-gpu")
    found = _version("onnxruntime") or on_gpu
    yield Check(
        "engine onnxruntime",
        "ok" if found else "absent",
        found or "not installed",
        "" if found else "pip install 'pomona[onnxruntime]'",
    )
    gpus = list_gpus()
    seen = "; ".join(gpus) or "no NVIDIA GPU or driver"
    if gpus and on_gpu is None:
        mend = "pip uninstall onnxruntime; pip install 'pomona[cuda]'"
        yield Check("engine onnxruntime-cuda", "absent", f"{seen}; no ONNX Runtime for it", mend)
    else:
        yield Check("engine onnxruntime-cuda", "ok" if gpus else "absent", seen)


def _check_extras() -> Iterator[Check]:
    for extra, purpose in EXTRAS.items():
        missing = [name for name in _requirements(extra) if _version(name) is None]
        yield Check(
            f"extra {extra}",
            "absent" if missing else "ok",
            f"{purpose}: without {', '.join(missing)}" if missing else purpose,
            f"pip install 'pomona[{extra}]'" if missing else "",
        )


def _check_runtime() -> Check:
    package = find_spec("pomona.serving")
    folder = Path(package.origin or "").parent if package else Path()
    stamp = folder / "static" / "vendor" / "VERSION"
    if not stamp.is_file():
        return Check(
            "runtime of the phone app", "absent", "none: the app asks the server", "make web"
        )
    return Check("runtime of the phone app", "ok", stamp.read_text(encoding="utf-8").strip())


def _check_networks() -> Check:
    from pomona.backbones.cache import Entry, default_cache, list_entries

    entries = list(list_entries(default_cache()))
    names = ["efficientnet_lite0 (shipped)", *(e.name for e in entries if isinstance(e, Entry))]
    damaged = [entry for entry in entries if not isinstance(entry, Entry)]
    if damaged:
        found = f"{', '.join(names)}; {len(damaged)} damaged"
        return Check("networks", "absent", found, "pomona backbones list")
    return Check("networks", "ok", ", ".join(names))


def _check_credentials() -> Iterator[Check]:
    from pomona.storage.credentials import list_credentials

    for cloud, names in list_credentials().items():
        state: Literal["ok", "absent"] = "ok" if names else "absent"
        yield Check(f"credentials {cloud}", state, ", ".join(names) or "none")


def _check_disks() -> Iterator[Check]:
    from pomona.backbones.cache import default_cache

    for name, folder in (("cache", default_cache()), ("temporary", Path(tempfile.gettempdir()))):
        place = next(path for path in (folder, *folder.parents) if path.is_dir())
        free_gb = shutil.disk_usage(place).free / 1e9
        has_room = free_gb >= DISK_MIN_GB
        yield Check(
            f"disk, {name} files",
            "ok" if has_room else "missing",
            f"{free_gb:.1f} GB free for {folder}",
            "" if has_room else f"make room for {DISK_MIN_GB:.0f} GB",
        )


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _requirements(extra: str | None) -> Iterator[str]:
    # What the package itself declares, so that no second list can grow old.
    try:
        lines = requires("pomona") or []
    except PackageNotFoundError:
        lines = []
    for line in lines:
        asked = re.search(r"extra == ['\"]([\w-]+)", line)
        name = re.match(r"[\w.-]+", line)
        if name and (asked[1] if asked else None) == extra:
            yield name[0]
