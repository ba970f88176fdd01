"""The output folder: claimed at the start, filled aside, published at the end."""

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pomona.errors import OutputError

__all__ = ["PARTS", "RUN_FILE", "check_output", "publish", "read_run", "staging", "write_run"]

RUN_FILE: Final = "run.json"
PARTS: Final = ("features", "reduced", "quarantine", "model", "report", "export")
STAGING: Final = ".pomona-unfinished"


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
    """Move ``parts`` from ``folder`` to ``out``; ``run.json`` goes first and comes last.

    A part that was not written is removed from ``out``: it belonged to an earlier run.
    """
    (out / RUN_FILE).unlink(missing_ok=True)
    for part in parts:
        shutil.rmtree(out / part, ignore_errors=True)
        if (folder / part).exists():
            (folder / part).rename(out / part)
    if run is not None:
        write_run(out, run)


def write_run(out: Path, run: Mapping[str, Any]) -> None:
    """Write ``run.json`` atomically."""
    temporary = out / f".{RUN_FILE}.tmp"
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(run, file, indent=2, ensure_ascii=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(out / RUN_FILE)


def read_run(out: Path) -> dict[str, Any]:
    """Return ``run.json`` of a finished run.

    Raises
    ------
    OutputError
        If there is none, or it cannot be read.
    """
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
