"""Results kept in a bucket; what :class:`pomona.storage.locations.Location` says holds."""

import hashlib
import io
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Final, cast
from uuid import uuid4

from pomona.storage.addresses import Addressed
from pomona.storage.buckets import RETRY, open_bucket, stored_errors
from pomona.storage.copies import keep_copy
from pomona.storage.locations import Location, StoredFile

__all__ = ["BucketLocation"]

# Requests at a time where many small ones are made: latency rules, not bandwidth.
THREADS: Final = 16
# Read at once behind the bytes that were asked for; the footer of a table is smaller.
READ_AHEAD: Final = 256 << 10
# A part of a table is 20 MB; what is larger goes to the disk first.
HELD_BYTES: Final = 64 << 20


class BucketLocation(Addressed):
    """A folder of a bucket: all keys below a prefix."""

    @property
    def _store(self) -> Any:
        return open_bucket(self.address)

    def list(self) -> list[str]:
        """Return the names directly in it, sorted."""
        import obstore

        def ask() -> Any:
            with stored_errors(self.address):
                return obstore.list_with_delimiter(self._store, self._key("") or None)

        found = RETRY(ask)
        keys = [*found["common_prefixes"], *(item["path"] for item in found["objects"])]
        return sorted({key.rstrip("/").rsplit("/", 1)[-1] for key in keys})

    def files(self) -> Sequence[StoredFile]:
        """Return all files below, with their sizes and times."""
        import obstore

        prefix = self._key("")
        start = len(prefix) + 1 if prefix else 0

        def ask() -> Sequence[StoredFile]:
            with stored_errors(self.address):
                return [
                    StoredFile(
                        item["path"][start:], item["size"], item["last_modified"].timestamp()
                    )
                    for page in obstore.list(self._store, prefix or None)
                    for item in page
                ]

        return RETRY(ask)

    def has(self, name: str) -> bool:
        """Return whether there is a file or a folder of this name."""
        import obstore

        try:
            with stored_errors(self.address):
                obstore.head(self._store, self._key(name))
                return True
        except FileNotFoundError:
            pass
        return bool(self.at(name).list())

    def get(self, name: str) -> bytes:
        """Return a file's bytes; raises OSError if it cannot be read."""
        import obstore

        def ask() -> bytes:
            with stored_errors(self.address):
                return bytes(obstore.get(self._store, self._key(name)).bytes())

        return RETRY(ask)

    def open(self, name: str) -> BinaryIO:
        """Open a file to read parts of it."""
        import obstore

        with stored_errors(self.address):
            reader = obstore.open_reader(self._store, self._key(name), buffer_size=READ_AHEAD)
        return cast(BinaryIO, io.BufferedReader(_Readable(reader), READ_AHEAD))

    def put(self, name: str, content: bytes) -> None:
        """Write a file; a reader sees the old or the new one, never a part."""
        import obstore

        with stored_errors(self.address):
            # In one request: parts would be three round trips.
            parts = len(content) > HELD_BYTES
            obstore.put(self._store, self._key(name), content, use_multipart=parts)

    def put_if_absent(self, name: str, content: bytes) -> bool:
        """Write a file unless there is one; of several at a time exactly one gets True.

        ``content`` has to be the caller's alone: after an answer that was lost on the way, it
        tells one's own file from another's.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError

        try:
            with stored_errors(self.address, passing=AlreadyExistsError):
                obstore.put(self._store, self._key(name), content, mode="create")
        except AlreadyExistsError:
            try:
                return self.get(name) == content
            except FileNotFoundError:
                return False
        return True

    @contextmanager
    def writer(self, name: str) -> Iterator[BinaryIO]:
        """Open a file that appears when the block ends well, and not at all otherwise."""
        import obstore

        with tempfile.SpooledTemporaryFile(max_size=HELD_BYTES) as file:
            yield cast(BinaryIO, file)
            parts = file.tell() > HELD_BYTES
            file.seek(0)
            with stored_errors(self.address):
                obstore.put(self._store, self._key(name), cast(Any, file), use_multipart=parts)

    def local_file(self, name: str) -> Path:
        """Return where a library that opens files by path finds a copy of this one."""
        import obstore

        with stored_errors(self.address):
            version = obstore.head(self._store, self._key(name))["e_tag"] or uuid4().hex
        folder = hashlib.sha256(f"{self}/{name}/{version}".encode()).hexdigest()[:24]
        return keep_copy(folder, Path(name).name, lambda: self.get(name))

    def make(self) -> None:
        """Do nothing: a bucket has no empty folders."""

    def delete(self, name: str) -> None:
        """Delete a file, or a folder with all that is in it; nothing there is no error."""
        import obstore

        keys = [self._key(name)] if name else []
        keys += [self._key(f"{name}/{file.name}".lstrip("/")) for file in self.at(name).files()]
        with stored_errors(self.address):
            for start in range(0, len(keys), 1000):
                _delete(obstore, self._store, keys[start : start + 1000])

    def delete_files(self, names: Sequence[str]) -> None:
        """Delete files by their names; one that is gone already is no error."""
        import obstore

        with stored_errors(self.address):
            for start in range(0, len(names), 1000):
                _delete(
                    obstore, self._store, [self._key(name) for name in names[start : start + 1000]]
                )

    def delete_all(self) -> None:
        """Delete the folder itself."""
        self.delete("")

    def remove_if_empty(self) -> None:
        """Do nothing: a bucket has no empty folders."""

    def delete_unfinished(self) -> None:
        """Do nothing: what is not whole is not in a bucket."""

    def take(self, other: Location) -> None:
        """Take the files of another folder over into this one, replacing what has their names."""
        import obstore

        if not isinstance(other, BucketLocation):
            raise TypeError("A bucket takes over from a bucket.")

        def move(name: str) -> None:
            source, target = other._key(name), self._key(name)
            try:
                with stored_errors(self.address):
                    obstore.copy(self._store, source, target)
                    _delete(obstore, self._store, [source])
            except FileNotFoundError:
                # Another process, or this one before it was killed, has moved it.
                return

        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(move, [file.name for file in other.files()]))


class _Readable(io.RawIOBase):
    """obstore's reader as Python's own sort of file, which pyarrow and zipfile know."""

    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = memoryview(self._reader.read(len(buffer)))
        buffer[: len(data)] = data
        return len(data)

    def seek(self, offset: int, whence: int = 0, /) -> int:
        return int(self._reader.seek(offset, whence))

    def tell(self) -> int:
        return int(self._reader.tell())


def _delete(obstore: Any, store: Any, keys: list[str]) -> None:
    try:
        obstore.delete(store, keys)
    except FileNotFoundError:
        # Azure and Google say so of the first that is gone; the others still have to go.
        for key in keys:
            try:
                obstore.delete(store, key)
            except FileNotFoundError:
                continue
