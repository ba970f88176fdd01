"""HDFS through hdfs-native, without Java: an experiment, until a real NameNode was tried."""

import hashlib
import os
import socket
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from uuid import uuid4

from pomona.errors import SetupError
from pomona.storage.addresses import Address, Addressed
from pomona.storage.copies import keep_copy
from pomona.storage.locations import UNFINISHED, Location, StoredFile

__all__ = ["HdfsLocation", "list_hdfs", "read_hdfs"]

CONNECT_S: Final = 5.0
BLOCK_BYTES: Final = 8 << 20


def _open_client(address: Address) -> Any:
    # A client has threads that a forked child must not inherit.
    return _open(address.bucket, os.getpid())


@cache
def _open(host: str, process: int) -> Any:
    try:
        from hdfs_native import Client
    except ImportError as error:
        raise SetupError(
            f"'hdfs://{host}' needs a package that is not here. HDFS is read without Java, by "
            "hdfs-native. Run 'pip install pomona[hdfs]'."
        ) from error
    name, _, port = host.partition(":")
    if port:
        # The client itself would try for three minutes. A name without a port is one of
        # HADOOP_CONF_DIR, and stands for several machines.
        try:
            socket.create_connection((name, int(port)), CONNECT_S).close()
        except OSError as error:
            raise SetupError(
                f"No NameNode answers at 'hdfs://{host}': {error.strerror or error}. It has to be "
                "reached from here and from every worker. Correct the address, or start it."
            ) from error
    return Client(f"hdfs://{host}")


def list_hdfs(address: Address) -> Iterator[tuple[str, int, str, datetime]]:
    """Yield key, size, version and time of all files below an address, in no order.

    HDFS has no ETags: length and time of the last change stand for one.
    """
    for status in _open_client(address).list_status(f"/{address.key}", recursive=True):
        if not status.isdir:
            moment = datetime.fromtimestamp(status.modification_time / 1000, UTC)
            yield status.path.lstrip("/"), status.length, _find_version(status), moment


def read_hdfs(address: Address, *, version: str | None, most: int) -> tuple[bytes | None, bool]:
    """Return a file's bytes, None where they are more than ``most``; and whether it is another."""
    client = _open_client(address)
    status = client.get_file_info(f"/{address.key}")
    if version is not None and _find_version(status) != version:
        return b"", True
    if status.length > most:
        return None, False
    with client.read(f"/{address.key}") as file:
        return bytes(file.read()), False


def _find_version(status: Any) -> str:
    return f"{status.modification_time}-{status.length}"


class HdfsLocation(Addressed):
    """A folder of HDFS; what :class:`pomona.storage.locations.Location` says holds."""

    @property
    def _client(self) -> Any:
        return _open_client(self.address)

    def _path(self, name: str) -> str:
        return f"/{self._key(name)}"

    def list(self) -> list[str]:
        """Return the names directly in it, sorted, without what is unfinished."""
        names = [status.path.rsplit("/", 1)[-1] for status in self._statuses(recursive=False)]
        return sorted(name for name in names if not name.endswith(UNFINISHED))

    def _statuses(self, *, recursive: bool) -> Sequence[Any]:
        try:
            return [*self._client.list_status(self._path(""), recursive=recursive)]
        except FileNotFoundError:
            return []

    def files(self) -> Sequence[StoredFile]:
        """Return all files below, with their sizes and times."""
        start = len(self._path("").rstrip("/")) + 1
        return [
            StoredFile(status.path[start:], status.length, status.modification_time / 1000)
            for status in self._statuses(recursive=True)
            if not status.isdir
        ]

    def has(self, name: str) -> bool:
        """Return whether there is a file or a folder of this name."""
        try:
            self._client.get_file_info(self._path(name))
        except FileNotFoundError:
            return False
        return True

    def get(self, name: str) -> bytes:
        """Return a file's bytes; raises OSError if it cannot be read."""
        with self._client.read(self._path(name)) as file:
            return bytes(file.read())

    def open(self, name: str) -> BinaryIO:
        """Open a file to read parts of it."""
        return cast(BinaryIO, self._client.read(self._path(name)))

    def put(self, name: str, content: bytes) -> None:
        """Write a file; a reader sees the old or the new one, never a part."""
        self._write(name, [content], overwrite=True)

    def put_if_absent(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; of several at a time exactly one gets True."""
        try:
            self._write(name, [content], overwrite=False)
        except FileExistsError:
            return False
        return True

    def _write(self, name: str, blocks: Iterable[bytes], *, overwrite: bool) -> None:
        """Write beside it, and rename: that is one step of the NameNode."""
        client, target = self._client, self._path(name)
        folder, _, last = target.rpartition("/")
        client.mkdirs(folder or "/", create_parent=True)
        path = f"{folder}/.{last}.{uuid4().hex[:12]}{UNFINISHED}"
        try:
            with client.create(path) as file:
                for block in blocks:
                    file.write(block)
            client.rename(path, target, overwrite=overwrite)
        except BaseException:
            with suppress(OSError):
                client.delete(path)
            raise

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """Open a file that appears when the block ends well, and not at all otherwise."""
        with tempfile.TemporaryFile() as file:
            yield cast(BinaryIO, file)
            file.seek(0)
            self._write(name, iter(lambda: file.read(BLOCK_BYTES), b""), overwrite=True)

    def local_file(self, name: str) -> Path:
        """Return where a library that opens files by path finds a copy of this one."""
        version = _find_version(self._client.get_file_info(self._path(name)))
        folder = hashlib.sha256(f"{self}/{name}/{version}".encode()).hexdigest()[:24]
        return keep_copy(folder, Path(name).name, lambda: self.get(name))

    def make(self) -> None:
        """Let there be a folder, though nothing is in it yet."""
        self._client.mkdirs(self._path(""), create_parent=True)

    def delete(self, name: str) -> None:
        """Delete a file, or a folder with all that is in it; nothing there is no error."""
        with suppress(FileNotFoundError):
            self._client.delete(self._path(name), recursive=True)

    def delete_files(self, names: Sequence[str]) -> None:
        """Delete files by their names; one that is gone already is no error."""
        for name in names:
            with suppress(FileNotFoundError):
                self._client.delete(self._path(name))

    def delete_all(self) -> None:
        """Delete the folder itself."""
        self.delete("")

    def remove_if_empty(self) -> None:
        """Delete the folder unless something is in it."""
        if not self._statuses(recursive=False):
            self.delete("")

    def delete_unfinished(self) -> None:
        """Delete what killed writers left here."""
        for status in self._statuses(recursive=False):
            if status.path.endswith(UNFINISHED):
                self.delete(status.path.rsplit("/", 1)[-1])

    def take(self, other: Location) -> None:
        """Take the files of another folder over into this one, replacing what has their names."""
        if not isinstance(other, HdfsLocation):
            raise TypeError("HDFS takes over from HDFS.")
        for file in other.files():
            target = self._path(file.name)
            self._client.mkdirs(target.rpartition("/")[0] or "/", create_parent=True)
            with suppress(FileNotFoundError):
                self._client.rename(other._path(file.name), target, overwrite=True)
