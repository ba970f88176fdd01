"""Places where results are kept, behind the few verbs that a disk and a bucket both have."""

import os
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Protocol, Self
from uuid import uuid4

from pomona.errors import SettingsError
from pomona.storage.addresses import is_address, parse_address, to_text

__all__ = ["LocalLocation", "Location", "StoredFile", "open_local", "open_location"]

# What is being written has such a name until it is whole; no reader takes it for a result.
UNFINISHED: Final = ".tmp"


@dataclass(frozen=True)
class StoredFile:
    """A file of a location.

    Parameters
    ----------
    name : str
        Below the location, with ``/`` between its parts.
    size : int
        Bytes.
    mtime : float
        Seconds since 1970, by the clock of the disk or the bucket.
    """

    name: str
    size: int
    mtime: float


class Location(Protocol):
    """A folder of results; tasks on other machines get it as it is, so it can be pickled.

    Names are relative, and may hold ``/``.
    """

    def at(self, name: str) -> Self:
        """Return the folder ``name`` below this one."""
        ...

    def list(self) -> list[str]:
        """Return the names directly in it, sorted, without what is unfinished."""
        ...

    def files(self) -> Sequence[StoredFile]:
        """Return all files below, those in hidden folders and unfinished ones too."""
        ...

    def has(self, name: str) -> bool:
        """Return whether there is a file or a folder of this name."""
        ...

    def get(self, name: str) -> bytes:
        """Return a file's bytes; raises OSError if it cannot be read."""
        ...

    def open(self, name: str) -> BinaryIO:
        """Open a file to read parts of it; raises OSError if it cannot be read."""
        ...

    def put(self, name: str, content: bytes) -> None:
        """Write a file; a reader sees the old or the new one, never a part."""
        ...

    def put_if_absent(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; of several at a time exactly one gets True.

        ``content`` has to be the caller's alone.
        """
        ...

    def writer(self, name: str) -> AbstractContextManager[BinaryIO]:
        """Open a file that appears when the block ends well, and not at all otherwise."""
        ...

    def local_file(self, name: str) -> Path:
        """Return where a library that opens files by path finds this one."""
        ...

    def make(self) -> None:
        """Let there be a folder, though nothing is in it yet."""
        ...

    def delete(self, name: str) -> None:
        """Delete a file, or a folder with all that is in it; nothing there is no error."""
        ...

    def delete_files(self, names: Sequence[str]) -> None:
        """Delete files by their names; one that is gone already is no error."""
        ...

    def delete_all(self) -> None:
        """Delete the folder itself."""
        ...

    def remove_if_empty(self) -> None:
        """Delete the folder unless something is in it."""
        ...

    def delete_unfinished(self) -> None:
        """Delete what killed writers left here."""
        ...

    def take(self, other: "Location") -> None:
        """Take the files of another folder of the same kind over, replacing those of their names.

        Killed in the middle, it can be called again.
        """
        ...


@dataclass(frozen=True)
class LocalLocation:
    """A folder on a disk that this process sees; what :class:`Location` says holds.

    Parameters
    ----------
    path : Path
        Need not exist.
    private : bool
        Only the owner may read what is made here.
    """

    path: Path
    private: bool = False

    def __str__(self) -> str:
        return str(self.path)

    def __reduce__(self) -> tuple[type[Self], tuple[Path, bool]]:
        # Another process has another working directory.
        return type(self), (self.path.absolute(), self.private)

    def at(self, name: str) -> Self:
        """Return the folder ``name`` below this one."""
        return type(self)(self.path / name, self.private)

    def list(self) -> list[str]:
        """Return the names directly in it, sorted, without what is unfinished."""
        if not self.path.is_dir():
            return []
        return sorted(
            entry.name for entry in self.path.iterdir() if not entry.name.endswith(UNFINISHED)
        )

    def files(self) -> Sequence[StoredFile]:
        """Return all files below, those in hidden folders and unfinished ones too."""
        found = []
        for folder, _, names in os.walk(self.path):
            for name in names:
                path = Path(folder, name)
                try:
                    stat = path.stat()
                except FileNotFoundError:
                    continue
                found.append(
                    StoredFile(path.relative_to(self.path).as_posix(), stat.st_size, stat.st_mtime)
                )
        return found

    def has(self, name: str) -> bool:
        """Return whether there is a file or a folder of this name."""
        return (self.path / name).exists()

    def get(self, name: str) -> bytes:
        """Return a file's bytes; raises OSError if it cannot be read."""
        return (self.path / name).read_bytes()

    def open(self, name: str) -> BinaryIO:
        """Open a file to read parts of it; raises OSError if it cannot be read."""
        return (self.path / name).open("rb")

    def put(self, name: str, content: bytes) -> None:
        """Write a file; a reader sees the old or the new one, never a part."""
        with self.writer(name) as file:
            file.write(content)

    def put_if_absent(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; of several at a time exactly one gets True."""
        with self._unfinished(name) as (unfinished, file):
            file.write(content)
            _flush(file)
            try:
                # Unlike a rename, a link never replaces.
                os.link(unfinished, self.path / name)
            except FileExistsError:
                return False
            return True

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """Open a file that appears when the block ends well, and not at all otherwise."""
        with self._unfinished(name) as (unfinished, file):
            yield file
            _flush(file)
            unfinished.replace(self.path / name)

    @contextmanager
    def _unfinished(self, name: str) -> Iterator[tuple[Path, BinaryIO]]:
        target = self.path / name
        self._make(target.parent)
        path = target.with_name(f".{target.name}.{uuid4().hex[:12]}{UNFINISHED}")
        mode = 0o600 if self.private else 0o666
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
            with os.fdopen(handle, "wb") as file:
                yield path, file
        finally:
            path.unlink(missing_ok=True)

    def local_file(self, name: str) -> Path:
        """Return where a library that opens files by path finds this one."""
        return self.path / name

    def make(self) -> None:
        """Let there be a folder, though nothing is in it yet."""
        self._make(self.path)

    def _make(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700 if self.private else 0o777)

    def delete(self, name: str) -> None:
        """Delete a file, or a folder with all that is in it; nothing there is no error."""
        _delete(self.path / name)

    def delete_files(self, names: Sequence[str]) -> None:
        """Delete files by their names; one that is gone already is no error."""
        for name in names:
            (self.path / name).unlink(missing_ok=True)

    def delete_all(self) -> None:
        """Delete the folder itself; a writer that is just being stopped may add a last file."""
        for _ in range(30):
            shutil.rmtree(self.path, ignore_errors=True)
            if not self.path.exists():
                return
            time.sleep(0.1)

    def delete_unfinished(self) -> None:
        """Delete what killed writers left here."""
        for path in self.path.glob(f".*{UNFINISHED}"):
            path.unlink(missing_ok=True)

    def take(self, other: "Location") -> None:
        """Take the files of another folder on the same disk over."""
        if not isinstance(other, LocalLocation):
            raise TypeError("A folder takes over from a folder.")
        for file in other.files():
            target = self.path / file.name
            self._make(target.parent)
            with suppress(FileNotFoundError):
                (other.path / file.name).replace(target)

    def replace_by(self, other: "LocalLocation") -> None:
        """Put another folder or file in the place of this one; a bucket cannot do that."""
        _delete(self.path)
        self._make(self.path.parent)
        other.path.rename(self.path)

    @contextmanager
    def replacement(self) -> Iterator["LocalLocation"]:
        """Give a new folder that takes the place of this one when the block ends well.

        Until then nobody sees it, and what was here stays.
        """
        self._make(self.path.parent)
        fresh = self._hidden("unfinished")
        self._make(fresh.path)
        try:
            yield fresh
            for name in fresh.list():
                # The rename must not reach the disk before the bytes do.
                with (fresh.path / name).open("rb") as file:
                    os.fsync(file.fileno())
            old = self._hidden("replaced")
            if self.path.exists():
                self.path.rename(old.path)
            fresh.path.rename(self.path)
            old.delete_all()
        finally:
            fresh.delete_all()

    def remove(self) -> None:
        """Delete the folder, out of sight in one step: half of it never looks whole."""
        doomed = self._hidden("removed")
        self.path.rename(doomed.path)
        doomed.delete_all()

    def remove_if_empty(self) -> None:
        """Delete the folder unless something is in it."""
        with suppress(OSError):
            self.path.rmdir()

    def _hidden(self, why: str) -> "LocalLocation":
        name = f".{why}-{self.path.name}-{uuid4().hex[:12]}"
        return LocalLocation(self.path.with_name(name), self.private)


def open_location(place: "Path | str | Location", *, private: bool = False) -> Location:
    """Return the location that a path or an address names.

    Parameters
    ----------
    place : Path, str or Location
    private : bool
        Only the owner may read what is made there; of a bucket its own rules say who may.

    Raises
    ------
    SettingsError
        If it is an address of a kind that is not known.
    """
    if not isinstance(place, str | Path):
        return place
    if is_address(place):
        from pomona.storage.bucket_location import BucketLocation

        address = parse_address(str(place))
        if address.kind == "hdfs":
            from pomona.storage.hdfs import HdfsLocation

            return HdfsLocation(address)
        return BucketLocation(address)
    return LocalLocation(Path(to_text(place)), private)


def open_local(place: "Path | str | LocalLocation") -> LocalLocation:
    """Return a folder of this machine.

    Raises
    ------
    SettingsError
        If an address of a bucket is given.
    """
    if isinstance(place, LocalLocation):
        return place
    if is_address(place):
        raise SettingsError(
            f"'{place}' is an address of a bucket. This command works on folders of this machine. "
            "Name a folder."
        )
    return LocalLocation(Path(to_text(place)))


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _flush(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())
