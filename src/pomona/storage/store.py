"""The output folder: claimed at the start, filled aside, published at the end."""

import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pomona.errors import OutputError

__all__ = [
    "PARTS",
    "RUN_FILE",
    "check_output",
    "publish",
    "read_run",
    "settle",
    "staging",
    "write_run",
]

RUN_FILE: Final = "run.json"
PARTS: Final = ("features", "reduced", "quarantine", "model", "report", "export")
STAGING: Final = ".pomona-unfinished"
# A whole new result that is being moved into place.
READY: Final = ".pomona-ready"
READY_FILE: Final = "parts.json"


def check_output(out: Path, source: Path, *, overwrite: bool) -> None:
    """Refuse an output folder that would mix with the source or with other files.

    Raises
    ------
    OutputError
        If ``out`` is inside ``source``, is a file, cannot be written, or is not empty.
    """
    real = out.resolve()
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
    if out.exists() and not out.is_dir():
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
    names = {entry.name for entry in out.iterdir()} if out.exists() else set()
    if not overwrite and names - {STAGING}:
        state = "holds a finished run" if RUN_FILE in names else "is not empty"
        raise OutputError(
            f"The output '{out}' {state}. Nothing is replaced without being asked. "
            "Choose another folder with --out, or add --overwrite."
        )


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """Give a fresh folder inside ``out`` to write to; it is removed at the end, come what may.

    What a killed run leaves there never looks like a result, and the next run clears it.
    """
    folder = out / STAGING
    existed = out.exists()
    settle(out)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        _remove(folder)
        if not existed and not any(out.iterdir()):
            out.rmdir()


def _remove(folder: Path) -> None:
    # A task that is just being cancelled may still write its last file.
    for _ in range(30):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.1)


def publish(
    folder: Path, out: Path, *, parts: tuple[str, ...], run: Mapping[str, Any] | None
) -> None:
    """Put ``parts`` of a staged folder in the place of those in ``out``, and then ``run.json``.

    A part that was not written is removed from ``out``: it belonged to an earlier run. Killed at
    any moment, either the old result is still whole or the new one is: one rename decides, and
    :func:`settle` finishes what comes after it.
    """
    settle(out)
    written = [part for part in parts if (folder / part).exists()]
    replaced = {"written": written, "removed": [part for part in parts if part not in written]}
    if run is None:
        replaced["removed"].append(RUN_FILE)
    else:
        write_run(folder, run)
    _write_json(folder / READY_FILE, replaced)
    folder.rename(out / READY)
    settle(out)


def settle(out: Path) -> None:
    """Finish a publication that was killed after it had been decided; usually there is none.

    Raises
    ------
    OutputError
        If there is one, and this process may not write there.
    """
    if not (out / READY).exists():
        return
    try:
        with _only_one(out):
            _move_parts(out / READY, out)
    except PermissionError as error:
        raise OutputError(
            f"The result in '{out}' is half moved into place. The command that did it was killed, "
            "and this one may not write there. Run any pomona command on it as its owner."
        ) from error


@contextmanager
def _only_one(out: Path) -> Iterator[None]:
    # The system gives the lock back when its holder dies.
    handle = os.open(out, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _move_parts(ready: Path, out: Path) -> None:
    # Without its list, everything is moved already; then only the empty folder is left.
    if (ready / READY_FILE).exists():
        replaced = json.loads((ready / READY_FILE).read_text(encoding="utf-8"))
        if (ready / RUN_FILE).exists():
            (out / RUN_FILE).unlink(missing_ok=True)
        for part in replaced["removed"]:
            _delete(out / part)
        for part in replaced["written"]:
            if (ready / part).exists():
                _delete(out / part)
                (ready / part).rename(out / part)
        if (ready / RUN_FILE).exists():
            (ready / RUN_FILE).rename(out / RUN_FILE)
        (ready / READY_FILE).unlink()
    shutil.rmtree(ready, ignore_errors=True)


def _delete(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_run(out: Path, run: Mapping[str, Any]) -> None:
    """Write ``run.json`` atomically."""
    _write_json(out / RUN_FILE, run)


def _write_json(path: Path, values: Mapping[str, Any]) -> None:
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(values, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def read_run(out: Path) -> dict[str, Any]:
    """Return ``run.json`` of a finished run.

    Raises
    ------
    OutputError
        If there is none, or it cannot be read.
    """
    settle(out)
    path = out / RUN_FILE
    try:
        run: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise OutputError(
            f"'{out}' holds no finished run. There is no '{RUN_FILE}' in it. "
            "Run 'pomona extract SOURCE --out OUT' first."
        ) from error
    except (OSError, ValueError) as error:
        raise OutputError(
            f"'{path}' cannot be read. The file is damaged: {error}. Run the extraction again."
        ) from error
    return run
