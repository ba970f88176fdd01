"""Scores of a recogniser, as run.json and evaluation.json keep them."""

from pomona.storage.record import Record

__all__ = [
    "ClassScores",
    "Confusion",
    "EvaluationRecord",
    "KnownScores",
    "ReliabilityBin",
    "Scores",
    "StrangerScores",
    "UnseenScores",
]


class ReliabilityBin(Record, frozen=True):
    """Pictures whose confidence lies between ``low`` and ``high``: how sure, and how often right.

    Parameters
    ----------
    low, high : float
    n : int
    confidence, accuracy : float
        Means over the bin.
    """

    low: float
    high: float
    n: int
    confidence: float
    accuracy: float


class ClassScores(Record, frozen=True):
    """How one label did: of ``n`` pictures that show it."""

    label: str
    n: int
    precision: float
    recall: float
    f1: float


class Confusion(Record, frozen=True):
    """One mistake: ``n`` pictures of ``label`` were taken for ``predicted``."""

    label: str
    predicted: str
    n: int


class Scores(Record, frozen=True):
    """Scores on labelled pictures that nothing was fitted on; averages over classes that occur.

    Parameters
    ----------
    n : int
    accuracy, balanced_accuracy, macro_f1, top_3_accuracy : float
    fruit_accuracy : float
        Of the likeliest fruit, all its varieties together.
    ece : float
        Expected calibration error.
    reliability : list of ReliabilityBin
    per_class : list of ClassScores
    confusion_pairs : list of Confusion
        The most frequent mistakes, at most 50.
    decisions : dict, optional
        Share of ``variety``, ``fruit`` and ``unknown``.
    """

    n: int
    accuracy: float
    balanced_accuracy: float
    macro_f1: float
    top_3_accuracy: float
    fruit_accuracy: float
    ece: float
    reliability: list[ReliabilityBin]
    per_class: list[ClassScores]
    confusion_pairs: list[Confusion]
    decisions: dict[str, float] | None = None


class KnownScores(Scores, frozen=True, kw_only=True):
    """Pictures of labels the recogniser knows: scores, and the shares of its answers."""

    answered_exactly: float
    answered_fruit: float
    refused: float


class UnseenScores(Record, frozen=True):
    """Pictures of varieties it never saw, of fruits it knows."""

    n: int
    folders: list[str]
    answered_fruit: float
    sure_and_wrong: float
    refused: float


class StrangerScores(Record, frozen=True):
    """Pictures of no fruit it knows."""

    n: int
    folders: list[str]
    refused: float


class EvaluationRecord(Record, frozen=True, kw_only=True):
    """``evaluation.json``: how a recogniser did on a folder of labelled pictures.

    Parameters
    ----------
    model, source : str
        Folders; empty until it is known where they lie.
    n_pictures, n_failed : int
    failed : dict
        By reason code.
    known, unseen_varieties, strangers : records, or None where there are no such pictures
    """

    model: str = ""
    source: str = ""
    n_pictures: int
    n_failed: int
    failed: dict[str, int]
    known: KnownScores | None
    unseen_varieties: UnseenScores | None
    strangers: StrangerScores | None
