"""A stand-in for hdfs-native over a folder: no NameNode can be had for tests.

Signatures and errors are those of the package's own stubs; what HDFS does beneath them (blocks,
leases, Kerberos, several NameNodes) is not here. ``POMONA_TEST_HDFS`` names the folder.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO


class Client:
    """The calls that Pomona makes."""

    def __init__(self, url: str | None = None, config: dict[str, str] | None = None) -> None:
        self._root = Path(os.environ["POMONA_TEST_HDFS"])

    def _at(self, path: str) -> Path:
        assert path.startswith("/"), path
        return self._root / path.lstrip("/")

    def get_file_info(self, path: str) -> Any:
        place = self._at(path)
        stat = place.stat()
        return SimpleNamespace(
            path="/" + place.relative_to(self._root).as_posix(),
            length=0 if place.is_dir() else stat.st_size,
            isdir=place.is_dir(),
            modification_time=stat.st_mtime_ns // 1_000_000,
        )

    def list_status(self, path: str, recursive: bool = False) -> Iterator[Any]:
        place = self._at(path)
        place.stat()
        found = place.rglob("*") if recursive else place.iterdir()
        for one in [place] if place.is_file() else found:
            yield self.get_file_info("/" + one.relative_to(self._root).as_posix())

    def read(self, path: str) -> BinaryIO:
        return self._at(path).open("rb")

    def create(self, path: str, write_options: Any = None) -> BinaryIO:
        return self._at(path).open("xb")

    def mkdirs(self, path: str, permission: int = 0o755, create_parent: bool = False) -> None:
        self._at(path).mkdir(permission, parents=create_parent, exist_ok=True)

    def rename(self, src: str, dst: str, overwrite: bool = False) -> None:
        if overwrite:
            self._at(src).replace(self._at(dst))
        else:
            # One step, as the NameNode's.
            os.link(self._at(src), self._at(dst))
            self._at(src).unlink()

    def delete(self, path: str, recursive: bool = False) -> bool:
        place = self._at(path)
        if not place.exists():
            return False
        if place.is_dir():
            if not recursive and any(place.iterdir()):
                raise OSError("directory is not empty")
            shutil.rmtree(place)
        else:
            place.unlink()
        return True
