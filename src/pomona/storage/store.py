"""The parts of OUT, and how a new version of some of them takes the place of the old one."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from pomona.errors import OutputError
from pomona.storage.addresses import is_address, parse_address, to_text
from pomona.storage.locations import LocalLocation, Location
from pomona.storage.records import RUN_FORMAT, RunRecord, parse_record, to_json

__all__ = [
    "COMPARED",
    "EXPORT",
    "FEATURES",
    "MODEL",
    "PARTS",
    "QUARANTINE",
    "REDUCED",
    "REPORT",
    "RUN_FILE",
    "STAGED",
    "STATE",
    "check_output",
    "clear",
    "find_run",
    "is_store",
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
# What Pomona keeps for itself.
STATE: Final = ".pomona"
STAGED: Final = "staged"
COMPARED: Final = "compared"
# Names the staged folder whose parts are being moved into place, and what is to be done.
READY_FILE: Final = ".pomona/ready.json"
LOG: Final = "_delta_log"


def check_output(out: Location, source: str, *, fresh: bool) -> None:
    """Refuse an output that would mix with the source or with other files.

    Raises
    ------
    OutputError
        If ``out`` is inside ``source``, is a file, cannot be written, or holds something else.
    """
    _check_apart(out, source)
    if isinstance(out, LocalLocation):
        _check_folder(out)
    settle(out)
    names = set(out.list()) - {STATE}
    if fresh or not names or is_store(out):
        return
    if RUN_FILE in names:
        raise OutputError(
            f"The output '{out}' holds a run of an earlier Pomona. It cannot be brought up to "
            "date. Add --fresh to delete it and start anew, or choose another place with --out."
        )
    raise OutputError(
        f"The output '{out}' is not empty, and not Pomona's. Its files would be mixed with the "
        "results. Choose another place with --out, or add --fresh."
    )


def _check_apart(out: Location, source: str) -> None:
    outer, inner = _parts_of(source), _parts_of(str(out))
    if inner[: len(outer)] == outer:
        raise OutputError(
            f"The output '{out}' lies inside the source '{source}'. The next run would read its "
            "own output. Choose a place outside the source with --out."
        )
    if outer[: len(inner)] == inner and outer[len(inner)] in (*PARTS, STATE):
        raise OutputError(
            f"The source '{source}' lies inside the output '{out}', in a folder that is replaced. "
            "The pictures would be deleted. Choose another place with --out."
        )


def _parts_of(place: str) -> tuple[str, ...]:
    if is_address(place):
        address = parse_address(place)
        return (
            address.kind,
            address.account or "",
            address.bucket,
            *filter(None, address.key.split("/")),
        )
    return Path(to_text(place)).resolve().parts


def _check_folder(out: LocalLocation) -> None:
    if out.path.exists() and not out.path.is_dir():
        raise OutputError(
            f"The output '{out}' is a file. Results need a folder. Choose another with --out."
        )
    real = out.path.resolve()
    nearest = next(folder for folder in (real, *real.parents) if folder.exists())
    if not os.access(nearest, os.W_OK):
        raise OutputError(
            f"The output '{out}' cannot be written. '{nearest}' does not allow it. "
            "Choose another place with --out."
        )


def is_store(out: Location) -> bool:
    """Return whether a run was begun here, finished or not."""
    return out.at(FEATURES).has(LOG)


def clear(out: Location) -> None:
    """Delete all parts, ``run.json`` first: what is left never looks whole."""
    for name in (RUN_FILE, *PARTS, f"{STATE}/sums", f"{STATE}/{STAGED}"):
        out.delete(name)


@contextmanager
def staging(out: Location) -> Iterator[Location]:
    """Give a fresh folder inside ``out`` to write to; it is removed at the end, come what may."""
    staged = out.at(f"{STATE}/{STAGED}/{secrets.token_hex(6)}")
    settle(out)
    staged.make()
    try:
        yield staged
    finally:
        staged.delete_all()
        out.at(f"{STATE}/{STAGED}").remove_if_empty()
        out.at(STATE).remove_if_empty()


def publish(
    staged: Location,
    out: Location,
    *,
    parts: Sequence[str],
    run: RunRecord,
    merged: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Put ``parts`` of a staged folder in the place of those in ``out``, and then ``run.json``.

    A part that was not written is removed from ``out``: it belonged to an earlier run. Killed at
    any moment, either the old result is still whole or the new one is: one small file decides, and
    :func:`settle` finishes what comes after it.

    Parameters
    ----------
    staged, out : Location
    parts : sequence of str
        Replaced as a whole.
    run : RunRecord
    merged : mapping of str to sequence of str, optional
        Parts that get the staged files beside their own, and lose those named.
    """
    settle(out)
    staged.put(RUN_FILE, to_json(run))
    todo = {
        "staged": str(staged).removeprefix(str(out)).lstrip("/"),
        "written": {
            part: [file.name for file in staged.at(part).files()]
            for part in parts
            if staged.has(part)
        },
        "removed": [part for part in parts if not staged.has(part)],
        "merged": {part: list(names) for part, names in (merged or {}).items()},
    }
    out.put(READY_FILE, json.dumps(todo).encode())
    settle(out)


def settle(out: Location) -> None:
    """Finish a publication that was killed after it had been decided; usually there is none.

    Raises
    ------
    OutputError
        If there is one, and this process may not write there.
    """
    try:
        # In a bucket one request less than to ask whether it is there.
        out.get(READY_FILE)
    except (FileNotFoundError, NotADirectoryError):
        return
    try:
        with _only_one(out):
            try:
                todo = json.loads(out.get(READY_FILE))
            except FileNotFoundError:
                # Another process has just done it.
                return
            _move_parts(out.at(todo["staged"]), out, todo)
    except PermissionError as error:
        raise OutputError(
            f"The result in '{out}' is half moved into place. The command that did it was killed, "
            "and this one may not write there. Run any pomona command on it as its owner."
        ) from error


@contextmanager
def _only_one(out: Location) -> Iterator[None]:
    """Let one process at a time move folders; in a bucket the same copies can be made twice."""
    if not isinstance(out, LocalLocation):
        yield
        return
    # The system gives the lock back when its holder dies.
    handle = os.open(out.path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _move_parts(staged: Location, out: Location, todo: Mapping[str, Any]) -> None:
    # Each step can be done again, by this process or another: what is moved is staged no more.
    if staged.has(RUN_FILE):
        out.delete_files([RUN_FILE])
        for part in todo["removed"]:
            out.delete(part)
        for part, names in todo["written"].items():
            _replace(out.at(part), staged.at(part), names)
        for part, names in todo["merged"].items():
            out.at(part).take(staged.at(part))
            out.at(part).delete_files(names)
        record = staged.get(RUN_FILE)
        out.put(RUN_FILE, record)
    out.delete_files([READY_FILE])
    staged.delete_all()


def _replace(place: Location, staged: Location, names: Sequence[str]) -> None:
    """Put a staged folder in the place of another."""
    if isinstance(place, LocalLocation) and isinstance(staged, LocalLocation):
        if staged.path.exists():
            place.replace_by(staged)
        return
    place.take(staged)
    kept = set(names)
    place.delete_files([file.name for file in place.files() if file.name not in kept])


def find_run(out: Location) -> RunRecord | None:
    """Return ``run.json`` of the last finished run; None where there is none."""
    settle(out)
    try:
        run = parse_record(out.get(RUN_FILE), RunRecord)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise OutputError(
            f"'{out}/{RUN_FILE}' cannot be read. The file is damaged: {error}. "
            "Run the extraction again."
        ) from error
    if run.format_version > RUN_FORMAT:
        raise OutputError(
            f"'{out}/{RUN_FILE}' has format version {run.format_version}. This pomona reads "
            f"up to version {RUN_FORMAT}. Install a newer pomona."
        )
    return run


def read_run(out: Location) -> RunRecord:
    """Return ``run.json`` of a finished run.

    Raises
    ------
    OutputError
        If there is none, or it cannot be read.
    """
    run = find_run(out)
    if run is None:
        raise OutputError(
            f"'{out}' holds no finished run. There is no '{RUN_FILE}' in it. "
            "Run 'pomona extract SOURCE --out OUT' first."
        )
    return run
