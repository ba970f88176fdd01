"""Which pictures are fitted on, which calibrate, and which only measure."""

import hashlib
import os
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Final

import numpy as np
from numpy.typing import NDArray

from pomona.errors import TrainingError

__all__ = ["CALIBRATION", "TEST", "TRAIN", "Split", "find_sequence", "split_pictures"]

TRAIN: Final = 0
CALIBRATION: Final = 1
TEST: Final = 2

TEST_SHARE: Final = 0.2
CALIBRATION_SHARE: Final = 0.1
# "r_12_100.jpg": turning sequence "r_", frame 12, size 100.
FRAME: Final = re.compile(r"(?P<prefix>.*?)\d+(_\d+)?")


@dataclass(frozen=True)
class Split:
    """The part of every picture.

    Parameters
    ----------
    parts : int8 array of shape (n,)
        0 fitted on, 1 calibrates, 2 measures.
    warnings : tuple of str
        What makes the numbers say less than they seem to.
    """

    parts: NDArray[np.int8]
    warnings: tuple[str, ...] = ()


def split_pictures(paths: Sequence[str], labels: Sequence[str], *, rule: str) -> Split:
    """Split labelled pictures, within each label, by a hash: the same pictures, the same split.

    Parameters
    ----------
    paths, labels : sequences of n str
    rule : str
        As :class:`pomona.settings.TrainSettings` checks it. ``random``; ``grouped``: frames of one
        turning sequence stay together; or ``A:B``: pictures below a folder ``A`` are fitted on,
        those below ``B`` measure.

    Raises
    ------
    TrainingError
        If nothing is left to fit on or to measure with.
    """
    # Where the store is mounted must not decide who is held back.
    root = os.path.commonpath([os.path.dirname(path) for path in paths])
    names = [path.removeprefix(root) for path in paths]
    if rule == "random":
        parts = _split_random(names, labels)
    elif rule == "grouped":
        parts = _split_grouped(names, labels)
    else:
        train, _, test = rule.partition(":")
        parts = _split_folders(paths, train, test)
    _hold_back(parts, names, labels)
    _check(parts, rule)
    return Split(parts, tuple(_warn(parts, labels)))


def find_sequence(path: str) -> str:
    """Return the turning sequence a frame belongs to: its folder and what precedes its number."""
    name = PurePath(path)
    match = FRAME.fullmatch(name.stem)
    return f"{name.parent}{os.sep}{match['prefix'] if match else name.stem}"


def _split_random(paths: Sequence[str], labels: Sequence[str]) -> NDArray[np.int8]:
    parts = np.zeros(len(paths), np.int8)
    for members in _by_label(labels).values():
        ordered = sorted(members, key=lambda i: _order("test", paths[i]))
        # A label with one picture is fitted on; half of two is still one.
        n = min(max(round(TEST_SHARE * len(members)), 1), len(members) - 1)
        parts[ordered[:n]] = TEST
    return parts


def _split_grouped(paths: Sequence[str], labels: Sequence[str]) -> NDArray[np.int8]:
    parts = np.zeros(len(paths), np.int8)
    for members in _by_label(labels).values():
        sequences: dict[str, list[int]] = defaultdict(list)
        for i in members:
            sequences[find_sequence(paths[i])].append(i)
        # Smallest first, so that most frames are left to fit on; the hash breaks ties.
        ordered = sorted(sequences, key=lambda name: (len(sequences[name]), _order("test", name)))
        n_test = 0
        for name in ordered[:-1]:
            if n_test < TEST_SHARE * len(members):
                parts[sequences[name]] = TEST
                n_test += len(sequences[name])
    return parts


def _split_folders(paths: Sequence[str], train: str, test: str) -> NDArray[np.int8]:
    parts = np.full(len(paths), -1, np.int8)
    for i, path in enumerate(paths):
        folders = PurePath(path).parts
        if train in folders:
            parts[i] = TRAIN
        elif test in folders:
            parts[i] = TEST
    n_lost = int((parts == -1).sum())
    if n_lost:
        lost = paths[int((parts == -1).argmax())]
        raise TrainingError(
            f"'{n_lost}' pictures lie neither below '{train}' nor below '{test}', such as "
            f"'{lost}'. Every picture needs a side. Correct --split or extract less."
        )
    return parts


def _hold_back(parts: NDArray[np.int8], paths: Sequence[str], labels: Sequence[str]) -> None:
    members: dict[str, list[int]] = defaultdict(list)
    for i in np.flatnonzero(parts == TRAIN).tolist():
        members[labels[i]].append(i)
    for inside in members.values():
        ordered = sorted(inside, key=lambda i: _order("calibration", paths[i]))
        n = min(max(round(CALIBRATION_SHARE * len(inside)), len(inside) > 2), len(inside) - 1)
        parts[ordered[: max(n, 0)]] = CALIBRATION


def _check(parts: NDArray[np.int8], rule: str) -> None:
    for part, verb in ((TRAIN, "fit on"), (TEST, "measure with")):
        if not (parts == part).any():
            raise TrainingError(
                f"The split '{rule}' leaves nothing to {verb}. It needs pictures on both sides. "
                "Take --split random, or extract more pictures."
            )


def _warn(parts: NDArray[np.int8], labels: Sequence[str]) -> list[str]:
    tested = {labels[i] for i in np.flatnonzero(parts == TEST).tolist()}
    fitted = {labels[i] for i in np.flatnonzero(parts != TEST).tolist()}
    warnings = []
    if untested := sorted(fitted - tested):
        warnings.append(f"{_count(untested)} only fitted on and not measured: {_few(untested)}")
    if unseen := sorted(tested - fitted):
        warnings.append(f"{_count(unseen)} only measured and never fitted on: {_few(unseen)}")
    return warnings


def _count(labels: Sequence[str]) -> str:
    return "1 label is" if len(labels) == 1 else f"{len(labels)} labels are"


def _few(labels: Sequence[str]) -> str:
    return ", ".join(labels[:5]) + (", ..." if len(labels) > 5 else "")


def _by_label(labels: Sequence[str]) -> dict[str, list[int]]:
    members: dict[str, list[int]] = defaultdict(list)
    for i, label in enumerate(labels):
        members[label].append(i)
    return members


def _order(purpose: str, text: str) -> bytes:
    data = f"{purpose}\0{text}".encode("utf-8", "surrogateescape")
    return hashlib.blake2b(data, digest_size=16).digest()
