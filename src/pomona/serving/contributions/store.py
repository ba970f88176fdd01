"""Photographs that people contribute: stored without metadata, found again by a code only.

::

    CONTRIB/<label>/<random id>.jpg          a source of pictures for ``pomona run``
    CONTRIB/.contributions/<hash>.json       what is known of one; the name is the hash of its code

Nothing here needs a web library, so that the commands work without the extra.
"""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from PIL import Image

from pomona.errors import OutputError, SettingsError

__all__ = ["ContributionStore", "FullError", "check_label"]

RECORDS: Final = ".contributions"
CODE_BYTES: Final = 20
GROUP: Final = 4
MAX_SIDE: Final = 2048
QUALITY: Final = 92
MAX_LABEL_BYTES: Final = 120


class FullError(OutputError):
    """The folder holds as many contributions as it may."""


class ContributionStore:
    """The folder of contributions.

    Parameters
    ----------
    folder : Path
        Made when the first photograph comes.
    max_pictures : int
        More than this are refused.
    """

    def __init__(self, folder: Path, *, max_pictures: int = 10_000) -> None:
        self.folder = folder
        self._records = folder / RECORDS
        self._max = max_pictures

    def add(self, image: Image.Image, *, label: str, consent_version: str, lang: str) -> str:
        """Store one upright RGB picture; return the code that deletes it.

        Parameters
        ----------
        image : PIL.Image.Image
            It is written anew: nothing of the file it came from is kept but its pixels.
        label : str
            From :func:`check_label`.
        consent_version, lang : str
            Which text the contributor agreed to.

        Raises
        ------
        FullError
            If there are too many.
        OutputError
            If the folder cannot be written.
        """
        code = _make_code()
        name = secrets.token_hex(16) + ".jpg"
        record = {
            "file": f"{label}/{name}",
            "date": datetime.now(UTC).date().isoformat(),
            "consent_version": consent_version,
            "lang": lang,
        }
        try:
            self._records.mkdir(parents=True, exist_ok=True, mode=0o700)
            if sum(1 for _ in self._records.glob("*.json")) >= self._max:
                raise FullError(
                    f"'{self.folder}' holds {self._max} contributions. More are not taken. "
                    "Use them, or purge old ones."
                )
            # The record first: a picture that no code deletes must never exist.
            _write_aside(self._record_path(code), json.dumps(record).encode())
            (self.folder / label).mkdir(exist_ok=True)
            _write_aside(self.folder / label / name, _encode(image))
        except OSError as error:
            with suppress(OSError):
                self._record_path(code).unlink(missing_ok=True)
            raise OutputError(
                f"'{self.folder}' cannot take a contribution. The system says: {error.strerror}. "
                "Make room, or give access to the folder."
            ) from error
        return code

    def delete(self, code: str) -> bool:
        """Remove the photograph of a code and all that is known of it; False if there is none."""
        path = self._record_path(code)
        record = _read(path)
        if record is None:
            return False
        self._remove(path, record)
        return True

    def purge(self, *, retention_days: int, today: date | None = None) -> int:
        """Remove what was given more than ``retention_days`` ago; return how many."""
        last = (today or datetime.now(UTC).date()) - timedelta(days=retention_days)
        n = 0
        for path, record in self._all():
            if date.fromisoformat(record["date"]) < last:
                self._remove(path, record)
                n += 1
        return n

    def count(self) -> int:
        """Return how many contributions there are."""
        return sum(1 for _ in self._all())

    def _all(self) -> Iterator[tuple[Path, dict[str, Any]]]:
        for path in sorted(self._records.glob("*.json")):
            record = _read(path)
            if record is not None:
                yield path, record

    def _remove(self, path: Path, record: dict[str, Any]) -> None:
        picture = self.folder / record["file"]
        picture.unlink(missing_ok=True)
        # Only now: as long as the picture is there its code has to work.
        path.unlink(missing_ok=True)
        with suppress(OSError):
            picture.parent.rmdir()

    def _record_path(self, code: str) -> Path:
        plain = "".join(letter for letter in code.upper() if letter.isalnum())
        return self._records / f"{hashlib.sha256(plain.encode()).hexdigest()}.json"


def check_label(label: str, known: frozenset[str]) -> str:
    """Return a label that is safe as the name of a folder.

    Raises
    ------
    SettingsError
        If it is none that is known, or could leave the folder.
    """
    is_safe = (
        not label.startswith(".")
        and not any(letter in "/\\\0" or not letter.isprintable() for letter in label)
        and 0 < len(label.encode()) <= MAX_LABEL_BYTES
    )
    if label not in known or not is_safe:
        raise SettingsError(
            "The label is none that this server takes. It has to be a label of the recogniser or "
            "the English name of a fruit with facts. See /v1/model and /v1/facts."
        )
    return label


def _make_code() -> str:
    text = base64.b32encode(secrets.token_bytes(CODE_BYTES)).decode()
    return "-".join(text[i : i + GROUP] for i in range(0, len(text), GROUP))


def _encode(image: Image.Image) -> bytes:
    import io

    if max(image.size) > MAX_SIDE:
        image = image.copy()
        image.thumbnail((MAX_SIDE, MAX_SIDE), Image.Resampling.LANCZOS)
    # Pillow writes what the picture's info holds; a new one holds nothing.
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    out = io.BytesIO()
    clean.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _write_aside(path: Path, content: bytes) -> None:
    scratch = path.with_name(f".{path.name}.part")
    try:
        with open(os.open(scratch, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        scratch.replace(path)
    except OSError:
        with suppress(OSError):
            scratch.unlink(missing_ok=True)
        raise


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record if isinstance(record, dict) else None
