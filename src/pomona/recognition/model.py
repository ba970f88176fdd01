"""A recogniser in its model folder: which labels, which pixels, when an answer is sure enough."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pomona.errors import ModelError
from pomona.recognition.decisions import DecisionRule
from pomona.recognition.labels import ModelLabel
from pomona.recognition.views import Preprocessing
from pomona.storage.locations import LocalLocation, Location, open_location
from pomona.storage.model_folder import (
    MODEL_FILE,
    NETWORK_FILE,
    check_network,
    read_model_record,
    write_model_record,
    write_network,
)
from pomona.storage.records import (
    MODEL_FORMAT,
    DecisionRecord,
    ModelRecord,
    NetworkFile,
    replace,
)
from pomona.storage.store import MODEL, settle

__all__ = ["DEFAULT_MODEL", "INPUT", "OUTPUTS", "Model", "find_model", "read_model", "write_model"]

INPUT: Final = "images"
OUTPUTS: Final = ("probabilities", "features", "strangeness")
DEFAULT_MODEL: Final = LocalLocation(Path(__file__).with_name("default"))


@dataclass(frozen=True)
class Model:
    """What ``model.json`` says of a recogniser.

    Parameters
    ----------
    folder : Location
        The model folder.
    labels : tuple of ModelLabel
        In the order of the probabilities.
    preprocessing : Preprocessing
    rule : DecisionRule
    network : NetworkFile
    record : ModelRecord
        The whole of ``model.json``.
    """

    folder: Location
    labels: tuple[ModelLabel, ...]
    preprocessing: Preprocessing
    rule: DecisionRule
    network: NetworkFile
    record: ModelRecord = field(repr=False)

    @property
    def onnx(self) -> Path:
        """The network's file."""
        return self.folder.local_file(NETWORK_FILE)


def find_model(place: Path | str | Location | None = None) -> Location:
    """Return the model folder to use: the given one, an output folder's, or the shipped default.

    Raises
    ------
    ModelError
        If there is none.
    """
    if place is None:
        if DEFAULT_MODEL.has(MODEL_FILE):
            return DEFAULT_MODEL
        raise ModelError(
            "This pomona ships no default recogniser. A model folder has to be named. "
            "Train one with 'pomona train OUT' and pass --model OUT."
        )
    folder = open_location(place)
    settle(folder)
    if not folder.has(MODEL_FILE) and folder.at(MODEL).has(MODEL_FILE):
        return folder.at(MODEL)
    return folder


def read_model(place: Path | str | Location | None = None) -> Model:
    """Read ``model.json`` and check the sha256 of the network.

    Parameters
    ----------
    place : Path, str or Location, optional
        Model folder, or the output folder that holds it; the shipped default if not given.

    Raises
    ------
    ModelError
        If a file is missing, changed, of a newer format version, or not a recogniser's.
    """
    folder = find_model(place)
    record = read_model_record(folder)
    parts = (record.labels, record.preprocessing, record.decision, record.recogniser)
    labels, preprocessing, decision, network = parts
    if labels is None or preprocessing is None or decision is None or network is None:
        raise _not_a_recogniser(folder, "it names no network, labels or rule")
    try:
        model = Model(
            folder,
            tuple(ModelLabel(**label) for label in labels),
            Preprocessing.from_dict(preprocessing),
            DecisionRule(decision.rejection_threshold, decision.variety_min, decision.fruit_min),
            network,
            record,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _not_a_recogniser(folder, f"{type(error).__name__} {error}") from error
    check_network(folder, network)
    return model


def write_model(
    folder: Location,
    onnx: bytes,
    *,
    labels: Sequence[ModelLabel],
    preprocessing: Preprocessing,
    rule: DecisionRule,
    about: ModelRecord | None = None,
    needs_onnxruntime: bool = False,
) -> None:
    """Write both files into ``folder``; what ``model.json`` of a reduction says there is kept.

    Parameters
    ----------
    folder : Location
    onnx : bytes
        From :func:`pomona.training.onnx_export.build_recogniser`.
    labels : sequence of ModelLabel
    preprocessing : Preprocessing
    rule : DecisionRule
    about : ModelRecord, optional
        ``created``, ``training``, ``metrics``, ``calibration`` and ``licences`` are taken from it.
    needs_onnxruntime : bool
    """
    record = ModelRecord(format_version=MODEL_FORMAT)
    if folder.has(MODEL_FILE):
        record = read_model_record(folder)
    about = about or ModelRecord(format_version=MODEL_FORMAT)
    record = replace(
        record,
        recogniser=write_network(
            folder, onnx, input=INPUT, outputs=OUTPUTS, needs_onnxruntime=needs_onnxruntime
        ),
        labels=[label.as_dict() for label in labels],
        preprocessing=preprocessing.as_dict(),
        decision=DecisionRecord(
            rejection_threshold=rule.rejection_threshold,
            variety_min=rule.variety_min,
            fruit_min=rule.fruit_min,
        ),
        created=about.created,
        training=about.training,
        metrics=about.metrics,
        calibration=about.calibration,
        licences=about.licences,
    )
    write_model_record(folder, record)


def _not_a_recogniser(folder: Location, why: str) -> ModelError:
    return ModelError(
        f"'{folder}/{MODEL_FILE}' is not a recogniser's: {why}. "
        "Train again with 'pomona train OUT'."
    )
