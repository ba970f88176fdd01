"""The output folder: claimed at the start, filled aside, published at the end."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from pomona.errors import OutputError
from pomona.storage.locations import LocalLocation
from pomona.storage.records import RUN_FORMAT, RunRecord, parse_record, to_json

__all__ = [
    "EXPORT",
    "FEATURES",
    "MODEL",
    "PARTS",
    "QUARANTINE",
    "REDUCED",
    "REPORT",
    "RUN_FILE",
    "check_features",
    "check_output",
    "publish",
    "read_run",
    "settle",
    "staging",
]

RUN_FILE: Final = "run.json"
FEATURES: Final = "features"
REDUCED: Final = "reduced"
QUARANTINE: Final = "quarantine"
MODEL: Final = "model"
REPORT: Final = "report"
EXPORT: Final = "export"
PARTS: Final = (FEATURES, REDUCED, QUARANTINE, MODEL, REPORT, EXPORT)
STAGING: Final = ".pomona-unfinished"
# A whole new result that is being moved into place.
READY: Final = ".pomona-ready"
READY_FILE: Final = "parts.json"


def check_output(out: LocalLocation, source: Path, *, overwrite: bool) -> None:
    """Refuse an output folder that would mix with the source or with other files.

    Raises
    ------
    OutputError
        If ``out`` is inside ``source``, is a file, cannot be written, or is not empty.
    """
    real = out.path.resolve()
    if real == source.resolve() or source.resolve() in real.parents:
        raise OutputError(
            f"The output '{out}' lies inside the source '{source}'. The next run would read its "
            "own output. Choose a folder outside the source with --out."
        )
    if any(real / part in (source.resolve(), *source.resolve().parents) for part in PARTS):
        raise OutputError(
            f"The source '{source}' lies inside the output '{out}', in a folder that is replaced. "
            "The pictures would be deleted. Choose another folder with --out."
        )
    if out.path.exists() and not out.path.is_dir():
        raise OutputError(
            f"The output '{out}' is a file. Results need a folder. Choose another with --out."
        )
    nearest = next(folder for folder in (real, *real.parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        raise OutputError(
            f"The output '{out}' cannot be written. '{nearest}' does not allow it. "
            "Choose another folder with --out."
        )
    settle(out)
    names = out.list()
    if not overwrite and set(names) - {STAGING}:
        state = "holds a finished run" if RUN_FILE in names else "is not empty"
        raise OutputError(
            f"The output '{out}' {state}. Nothing is replaced without being asked. "
            "Choose another folder with --out, or add --overwrite."
        )


def check_features(out: LocalLocation) -> None:
    """Refuse an output folder whose features are gone.

    Raises
    ------
    OutputError
    """
    if not out.has(FEATURES):
        raise OutputError(
            f"'{out}' has no features. The folder '{out.at(FEATURES)}' is missing. "
            "Run 'pomona extract SOURCE --out OUT' first."
        )


@contextmanager
def staging(out: LocalLocation) -> Iterator[LocalLocation]:
    """Give a fresh folder inside ``out`` to write to; it is removed at the end, come what may.

    What a killed run leaves there never looks like a result, and the next run clears it.
    """
    staged = out.at(STAGING)
    existed = out.path.exists()
    settle(out)
    staged.delete_all()
    staged.make()
    try:
        yield staged
    finally:
        staged.delete_all()
        if not existed and not out.list():
            out.delete_all()


def publish(
    staged: LocalLocation, out: LocalLocation, *, parts: tuple[str, ...], run: RunRecord | None
) -> None:
    """Put ``parts`` of a staged folder in the place of those in ``out``, and then ``run.json``.

    A part that was not written is removed from ``out``: it belonged to an earlier run. Killed at
    any moment, either the old result is still whole or the new one is: one rename decides, and
    :func:`settle` finishes what comes after it.
    """
    settle(out)
    written = [part for part in parts if staged.has(part)]
    removed = [part for part in parts if part not in written]
    if run is None:
        removed.append(RUN_FILE)
    else:
        staged.put(RUN_FILE, to_json(run))
    staged.put(READY_FILE, json.dumps({"written": written, "removed": removed}).encode())
    out.at(READY).replace_by(staged)
    settle(out)


def settle(out: LocalLocation) -> None:
    """Finish a publication that was killed after it had been decided; usually there is none.

    Raises
    ------
    OutputError
        If there is one, and this process may not write there.
    """
    if not out.has(READY):
        return
    try:
        with _only_one(out):
            _move_parts(out.at(READY), out)
    except PermissionError as error:
        raise OutputError(
            f"The result in '{out}' is half moved into place. The command that did it was killed, "
            "and this one may not write there. Run any pomona command on it as its owner."
        ) from error


@contextmanager
def _only_one(out: LocalLocation) -> Iterator[None]:
    # The system gives the lock back when its holder dies.
    handle = os.open(out.path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _move_parts(ready: LocalLocation, out: LocalLocation) -> None:
    # Without its list, everything is moved already; then only the empty folder is left.
    if ready.has(READY_FILE):
        replaced = json.loads(ready.get(READY_FILE))
        if ready.has(RUN_FILE):
            out.delete(RUN_FILE)
        for part in replaced["removed"]:
            out.delete(part)
        for part in replaced["written"]:
            if ready.has(part):
                out.at(part).replace_by(ready.at(part))
        if ready.has(RUN_FILE):
            out.at(RUN_FILE).replace_by(ready.at(RUN_FILE))
        ready.delete(READY_FILE)
    ready.delete_all()


def read_run(out: LocalLocation) -> RunRecord:
    """Return ``run.json`` of a finished run.

    Raises
    ------
    OutputError
        If there is none, or it cannot be read.
    """
    settle(out)
    try:
        run = parse_record(out.get(RUN_FILE), RunRecord)
    except FileNotFoundError as error:
        raise OutputError(
            f"'{out}' holds no finished run. There is no '{RUN_FILE}' in it. "
            "Run 'pomona extract SOURCE --out OUT' first."
        ) from error
    except (OSError, ValueError) as error:
        raise OutputError(
            f"'{out.path / RUN_FILE}' cannot be read. The file is damaged: {error}. "
            "Run the extraction again."
        ) from error
    if run.format_version > RUN_FORMAT:
        raise OutputError(
            f"'{out.path / RUN_FILE}' has format version {run.format_version}. This pomona reads "
            f"up to version {RUN_FORMAT}. Install a newer pomona."
        )
    return run
