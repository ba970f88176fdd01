"""Answers to photographs on disk: one record each, whatever happens to the photograph."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from pomona.errors import ImageError, SourceError
from pomona.pictures.walk import EXTENSIONS, find_pictures
from pomona.recognition.decisions import TOP
from pomona.recognition.recogniser import Recogniser, join_scores

__all__ = ["find_photos", "predict_photo", "predict_photos", "predict_together"]

Record = dict[str, Any]


def find_photos(source: Path) -> list[str]:
    """Return the photograph itself, or all below a folder, sorted.

    Raises
    ------
    SourceError
        If there is nothing there.
    """
    if source.is_file():
        return [str(source)]
    if not source.is_dir():
        raise SourceError(
            f"The photograph '{source}' does not exist. A file or a folder is needed. "
            "Check the path; '-' reads one photograph from standard input."
        )
    paths = [picture.path for picture in find_pictures(str(source))]
    if not paths:
        raise SourceError(
            f"No photographs below '{source}'. Looked for {', '.join(sorted(EXTENSIONS))} in all "
            "its folders. Check the path."
        )
    return paths


def predict_photos(
    recogniser: Recogniser, paths: Iterable[str], *, top: int = TOP
) -> Iterator[Record]:
    """Yield one record per photograph, in the same order; one that does not decode has ``error``.

    Yields
    ------
    dict
        ``path, decision, label, fruit_id, probability, top, error``.
    """
    for path in paths:
        try:
            content = _read(path)
        except ImageError as error:
            yield _failed(path, error)
        else:
            yield predict_photo(recogniser, content, path=path, top=top)


def predict_photo(recogniser: Recogniser, photo: bytes, *, path: str, top: int = TOP) -> Record:
    """Return the record of one photograph, given its bytes."""
    try:
        answer = recogniser.identify(photo, path=path, top=top)
    except ImageError as error:
        return _failed(path, error)
    return {"path": path, **answer.as_dict(), "error": None}


def predict_together(
    recogniser: Recogniser, paths: Sequence[str], *, name: str, top: int = TOP
) -> Record:
    """Return one record for several photographs of one fruit; ``error`` says which are left out."""
    scores, errors = [], []
    for path in paths:
        try:
            scores.append(recogniser.score(_read(path), path=path))
        except ImageError as error:
            errors.append(f"{path}: {error.reason_code}: {error.reason}")
    if not scores:
        return _failed(name, ImageError("corrupt", "None of the photographs decodes."))
    answer = recogniser.decide(join_scores(scores), top=top)
    return {"path": name, **answer.as_dict(), "error": "; ".join(errors) or None}


def _read(path: str) -> bytes:
    # pyarrow comes with it, and takes a while to import.
    from pomona.pictures.fetch import fetch_bytes

    return fetch_bytes(path)


def _failed(path: str, error: ImageError) -> Record:
    return {
        "path": path,
        "decision": "unknown",
        "label": None,
        "fruit_id": None,
        "probability": None,
        "top": [],
        "error": f"{error.reason_code}: {error.reason}",
    }
