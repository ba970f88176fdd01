"""Who is writing to a store right now: a small file each, renewed while its process lives."""

import fcntl
import json
import os
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from typing import Final

from pomona.errors import OutputError, PomonaError
from pomona.storage.locations import LocalLocation, Location

__all__ = ["Claim", "claim", "find_living"]

CLAIMS: Final = ".pomona/claims"
RENEW_S: Final = 60.0
# Longer than any pause of a living process: it commits nothing after half of this.
DEAD_S: Final = 900.0


@dataclass
class Claim:
    """A process that writes to a store.

    Parameters
    ----------
    name : str
        Its time and a random part; begins the name of each file it makes.
    """

    name: str
    _renewed: float = field(default_factory=time.time)
    _numbers: Iterator[int] = field(default_factory=count)
    _batches: Iterator[int] = field(default_factory=count)

    def find_name(self) -> str:
        """Return a name for a new file, which nobody has used."""
        return f"part-{self.name}-{next(self._numbers):05d}-{secrets.token_hex(4)}.parquet"

    def count_batch(self) -> int:
        """Return the number of this process's next batch."""
        return next(self._batches)

    def check(self) -> None:
        """Refuse to go on after a pause in which others may have taken this process for dead.

        Raises
        ------
        PomonaError
        """
        if time.time() - self._renewed > DEAD_S / 2:
            raise PomonaError(
                "This process was stopped for too long. Another may have taken its unfinished "
                "files for leftovers. Start the same command again; nothing that was done is lost."
            )


@contextmanager
def claim(out: Location) -> Iterator[Claim]:
    """Say that this process writes to ``out``, until the block ends.

    Raises
    ------
    OutputError
        If ``out`` cannot be written to.
    """
    name = f"{datetime.now(UTC):%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    place = out.at(CLAIMS)
    mine = Claim(name)
    content = json.dumps({"where": _find_where(), "process": os.getpid()}).encode()
    try:
        place.put(name, content)
    except OSError as error:
        raise OutputError(
            f"The output '{out}' cannot be written. The system says: {error.strerror or error}. "
            "Give the right to write there, make room, or choose another place with --out."
        ) from error
    ended = threading.Event()
    beat = threading.Thread(target=_renew, args=(place, mine, content, ended), daemon=True)
    beat.start()
    with _locked(place, name):
        try:
            yield mine
        finally:
            ended.set()
            with suppress(OSError, PomonaError):
                place.delete(name)


def _renew(place: Location, mine: Claim, content: bytes, ended: threading.Event) -> None:
    while not ended.wait(RENEW_S):
        with suppress(OSError, PomonaError):
            if not isinstance(place, LocalLocation):
                place.put(mine.name, content)
            else:
                # Not a new file: the lock is on this one.
                os.utime(place.local_file(mine.name))
            mine._renewed = time.time()


@contextmanager
def _locked(place: Location, name: str) -> Iterator[None]:
    """Lock the file where a disk can: its holder's death is then known at once."""
    if not isinstance(place, LocalLocation):
        yield
        return
    handle = os.open(place.local_file(name), os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(handle)


def find_living(out: Location, mine: Claim) -> set[str]:
    """Return the claims of others that are alive; those of the dead are deleted."""
    place = out.at(CLAIMS)
    files = {file.name: file.mtime for file in place.files() if not file.name.startswith(".")}
    # By the clock of the disk or the bucket, which wrote both times.
    now = max(files.values(), default=0.0)
    living = set()
    for name, mtime in files.items():
        if name == mine.name:
            continue
        if now - mtime > DEAD_S or _is_dead(place, name):
            place.delete(name)
        else:
            living.add(name)
    return living


def _find_where() -> str | None:
    """Return what says in which space a process number counts; None where nothing says it."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return None


def _is_dead(place: Location, name: str) -> bool:
    if not isinstance(place, LocalLocation):
        return _is_dead_here(place, name)
    try:
        handle = os.open(place.local_file(name), os.O_RDONLY)
    except FileNotFoundError:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    except BlockingIOError:
        return False
    except OSError:
        # A disk without locks: only the time tells.
        return False
    finally:
        os.close(handle)


def _is_dead_here(place: Location, name: str) -> bool:
    """Return whether a claim is of a process of this machine that has ended."""
    try:
        told = json.loads(place.get(name))
    except FileNotFoundError:
        return True
    except ValueError:
        return False
    if told.get("where") is None or told["where"] != _find_where():
        return False
    try:
        os.kill(int(told["process"]), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False
    return False
