"""Photographs that people contribute: stored without metadata, found again by a code only.

::

    CONTRIB/<label>/<random id>.jpg          a source of pictures for ``pomona run``
    CONTRIB/.contributions/<hash>.json       what is known of one; the name is the hash of its code

Nothing here needs a web library, so that the commands work without the extra.
"""

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from PIL import Image

from pomona.errors import OutputError, SettingsError
from pomona.storage.locations import open_location

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
    """The folder or bucket of contributions.

    Parameters
    ----------
    folder : Path or str
        Made when the first photograph comes.
    max_pictures : int
        More than this are refused.
    """

    def __init__(self, folder: Path | str, *, max_pictures: int = 10_000) -> None:
        self.folder = folder
        self._place = open_location(folder, private=True)
        self._records = self._place.at(RECORDS)
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
            if len(self._record_names()) >= self._max:
                raise FullError(
                    f"'{self.folder}' holds {self._max} contributions. More are not taken. "
                    "Use them, or purge old ones."
                )
            # The record first: a picture that no code deletes must never exist.
            self._records.put(_record_name(code), json.dumps(record).encode())
            self._place.at(label).put(name, _encode(image))
        except OSError as error:
            with suppress(OSError):
                self._records.delete(_record_name(code))
            raise OutputError(
                f"'{self.folder}' cannot take a contribution. The system says: "
                f"{error.strerror or error}. "
                "Make room, or give access to the folder."
            ) from error
        return code

    def delete(self, code: str) -> bool:
        """Remove the photograph of a code and all that is known of it; False if there is none."""
        name = _record_name(code)
        record = self._read(name)
        if record is None:
            return False
        self._remove(name, record)
        return True

    def find(self, code: str) -> str | None:
        """Return the name of a code's photograph below the folder; None if there is none."""
        record = self._read(_record_name(code))
        return None if record is None else str(record["file"])

    def purge(self, *, retention_days: int, today: date | None = None) -> int:
        """Remove what was given more than ``retention_days`` ago; return how many."""
        last = (today or datetime.now(UTC).date()) - timedelta(days=retention_days)
        n = 0
        for name, record in self._all():
            if date.fromisoformat(record["date"]) < last:
                self._remove(name, record)
                n += 1
        return n

    def count(self) -> int:
        """Return how many contributions there are."""
        return sum(1 for _ in self._all())

    def _record_names(self) -> list[str]:
        return [name for name in self._records.list() if name.endswith(".json")]

    def _all(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for name in self._record_names():
            record = self._read(name)
            if record is not None:
                yield name, record

    def _read(self, name: str) -> dict[str, Any] | None:
        try:
            record = json.loads(self._records.get(name))
        except (OSError, ValueError):
            return None
        return record if isinstance(record, dict) else None

    def _remove(self, name: str, record: dict[str, Any]) -> None:
        label, _, picture = record["file"].rpartition("/")
        self._place.at(label).delete(picture)
        # Only now: as long as the picture is there its code has to work.
        self._records.delete(name)
        self._place.at(label).remove_if_empty()


def _record_name(code: str) -> str:
    plain = "".join(letter for letter in code.upper() if letter.isalnum())
    return f"{hashlib.sha256(plain.encode()).hexdigest()}.json"


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
