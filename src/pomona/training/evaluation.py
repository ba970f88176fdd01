"""Score a recogniser on labelled pictures: known varieties, unseen ones, and what is no fruit."""

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from pomona.errors import ImageError, SourceError
from pomona.recognition.decisions import Answer
from pomona.recognition.recogniser import Recogniser
from pomona.recognition.verdicts import is_exact, is_refused, score_fruits, share
from pomona.schema import OnProgress
from pomona.storage.record import fields_of
from pomona.storage.scores import EvaluationRecord, KnownScores, StrangerScores, UnseenScores
from pomona.training.labelling import find_label
from pomona.training.metrics import score_predictions

__all__ = ["Evaluation", "evaluate_pictures"]

Fetch = Callable[[str], bytes]


@dataclass(frozen=True)
class Evaluation:
    """How a recogniser did on one folder.

    Parameters
    ----------
    record : EvaluationRecord
    paths_by_label : dict from label to paths
        Of pictures of known varieties that were answered wrongly.
    """

    record: EvaluationRecord
    paths_by_label: dict[str, list[str]]


@dataclass(frozen=True)
class _Seen:
    path: str
    folder: str
    index: int | None
    fruit: str | None
    answer: Answer
    probabilities: Any


def evaluate_pictures(
    recogniser: Recogniser,
    pictures: Sequence[tuple[str, str | None]],
    *,
    fetch: Fetch,
    strangers: bool = False,
    on_progress: OnProgress | None = None,
) -> Evaluation:
    """Ask about every picture and compare.

    Parameters
    ----------
    recogniser : Recogniser
    pictures : sequence of (path, folder name)
    fetch : callable
        From a path to its bytes; raises :class:`ImageError`.
    strangers : bool
        All pictures show no fruit: only refusals are counted.
    on_progress : callable, optional

    Raises
    ------
    SourceError
        If no folder has a label or a fruit the recogniser knows.
    """
    labels = recogniser.model.labels
    folders = {folder or "" for _, folder in pictures}
    known = {name: (None, None) if strangers else find_label(name, labels) for name in folders}
    if not strangers and all(fruit is None for _, fruit in known.values()):
        some = ", ".join(f"'{name}'" for name in sorted(folders)[:5])
        raise SourceError(
            f"None of the {len(folders)} folders has a label the recogniser knows: {some}. Folder "
            "names are compared with its labels and classes. Rename them, or add --strangers if "
            "the pictures show no fruit."
        )
    seen: list[_Seen] = []
    failed: Counter[str] = Counter()
    for i, (path, folder) in enumerate(pictures):
        try:
            scores = recogniser.score(fetch(path), path=path)
        except ImageError as error:
            failed[error.reason_code] += 1
        else:
            answer = recogniser.decide(scores)
            name = folder or ""
            seen.append(_Seen(path, name, *known[name], answer, scores.probabilities[0]))
        if on_progress is not None:
            on_progress(i + 1, len(pictures))
    record = EvaluationRecord(
        n_pictures=len(pictures),
        n_failed=sum(failed.values()),
        failed=dict(failed),
        known=_score_known([one for one in seen if one.index is not None], recogniser),
        unseen_varieties=_score_unseen(
            [one for one in seen if one.index is None and one.fruit is not None]
        ),
        strangers=_score_strangers([one for one in seen if one.fruit is None]),
    )
    wrong: dict[str, list[str]] = defaultdict(list)
    for one in seen:
        if one.index is not None and int(one.probabilities.argmax()) != one.index:
            wrong[labels[one.index].label].append(one.path)
    return Evaluation(record, dict(wrong))


def _score_known(seen: Sequence[_Seen], recogniser: Recogniser) -> KnownScores | None:
    if not seen:
        return None
    labels = recogniser.model.labels
    y = np.array([one.index for one in seen])
    metrics = score_predictions(np.stack([one.probabilities for one in seen]), y, labels=labels)
    exact = (is_exact(one.answer, labels[i].label) for one, i in zip(seen, y.tolist(), strict=True))
    fruits = _score_fruits(seen)
    return KnownScores(
        **fields_of(metrics),
        answered_exactly=share(exact),
        answered_fruit=fruits["answered_fruit"],
        refused=fruits["refused"],
    )


def _score_unseen(seen: Sequence[_Seen]) -> UnseenScores | None:
    if not seen:
        return None
    folders = sorted({one.folder for one in seen})
    return UnseenScores(n=len(seen), folders=folders, **_score_fruits(seen))


def _score_strangers(seen: Sequence[_Seen]) -> StrangerScores | None:
    if not seen:
        return None
    return StrangerScores(
        n=len(seen),
        folders=sorted({one.folder for one in seen}),
        refused=share(is_refused(one.answer) for one in seen),
    )


def _score_fruits(seen: Sequence[_Seen]) -> dict[str, float]:
    return score_fruits([one.answer for one in seen], [one.fruit for one in seen])
