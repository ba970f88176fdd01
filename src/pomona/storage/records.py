"""``run.json`` and ``model.json``: what stands in them, with types; read and written here only."""

from typing import Final

from pomona.settings import (
    ExtractSettings,
    ReduceSettings,
    RunSettings,
    SourceSettings,
    TrainSettings,
    UpdateSettings,
)
from pomona.storage.record import (
    JsonObject,
    Record,
    json_schema,
    parse_record,
    replace,
    to_json,
    to_plain,
)
from pomona.storage.scores import Scores
from pomona.storage.store_records import ChangesRecord, DriftRecord

__all__ = [
    "MODEL_FORMAT",
    "RUN_FORMAT",
    "ArrayFile",
    "ClassifierRecord",
    "DecisionRecord",
    "JsonObject",
    "ModelRecord",
    "NetworkFile",
    "RunRecord",
    "SettingsRecord",
    "SparkRecord",
    "TrainingRecord",
    "json_schema",
    "parse_record",
    "replace",
    "to_json",
    "to_plain",
]

RUN_FORMAT: Final = 2
MODEL_FORMAT: Final = 1


class SparkRecord(Record, frozen=True):
    """Where Spark ran."""

    master: str


class SettingsRecord(Record, frozen=True):
    """What the user chose, defaults included; a stage that did not run has none."""

    source: SourceSettings
    extract: ExtractSettings
    spark: SparkRecord | None = None
    update: UpdateSettings | None = None
    run: RunSettings | None = None
    reduce: ReduceSettings | None = None


class ClassifierRecord(Record, frozen=True):
    """One classifier that was fitted.

    Parameters
    ----------
    name : str
    seconds_fit : float
    chosen_by : float
        Accuracy on the calibration part; the largest goes into the model folder.
    temperature : float
    tuning : list of dict
        Settings tried, each with its ``accuracy``, best first.
    metrics : Scores
    """

    name: str
    seconds_fit: float
    chosen_by: float
    temperature: float
    tuning: list[JsonObject]
    metrics: Scores


class TrainingRecord(Record, frozen=True):
    """How a recogniser was trained.

    Parameters
    ----------
    settings : TrainSettings
    classifier : str
        The one in the model folder.
    n_labels, n_unlabelled : int
    counts : dict
        Label to pictures of ``train``, ``calibration`` and ``test``.
    overlap : dict
        Near-duplicates between the training and the test part.
    warnings : list of str
    classifiers : list of ClassifierRecord
    seconds : float
    """

    settings: TrainSettings
    classifier: str
    n_labels: int
    n_unlabelled: int
    counts: dict[str, dict[str, int]]
    overlap: JsonObject
    warnings: list[str]
    classifiers: list[ClassifierRecord]
    seconds: float


class RunRecord(Record, frozen=True, kw_only=True):
    """``run.json``: what a finished run did.

    Parameters
    ----------
    format_version : int
        0 in files written before there was one.
    images_found, images_extracted, images_quarantined : int
        The first is always the sum of the other two.
    seconds_total, seconds_spark_start, seconds_extract : float
    extract_images_per_second : float
    backbone, backbone_sha256, backbone_fingerprint : str
        Name, hash of the weights, and a hash of every number that matters.
    backbone_spec : dict
        All numbers of the network; :func:`pomona.backbones.read_spec` is the way back.
    engine : str
    n_features : int
    n_components, explained_variance : int and float, or None
        None before the reduction.
    label_counts : dict
        Extracted pictures by label.
    quarantine_counts : dict
        Quarantined pictures by reason code.
    source, source_sha256 : str
        The folder, and a hash that changes when a picture is added, removed or touched.
    created : str
        ISO time, UTC.
    settings : SettingsRecord
    versions : dict
        Of Python, Pomona and the libraries that make numbers.
    seconds_reduce, seconds_train, seconds_report : float, optional
    vectors_checked : int, optional
        Reduced vectors read back and found as long as the PCA says.
    training : TrainingRecord, optional
    changes : ChangesRecord
        What this run found and did; the counts above are of all that the store holds.
    drift : DriftRecord, optional
    """

    format_version: int = 0
    images_found: int
    images_extracted: int
    images_quarantined: int
    seconds_total: float
    seconds_spark_start: float
    seconds_extract: float
    extract_images_per_second: float
    backbone: str
    backbone_sha256: str
    backbone_fingerprint: str
    backbone_spec: JsonObject
    engine: str
    n_features: int
    n_components: int | None
    explained_variance: float | None
    label_counts: dict[str, int]
    quarantine_counts: dict[str, int]
    source: str
    source_sha256: str
    created: str
    settings: SettingsRecord
    versions: dict[str, str]
    seconds_reduce: float | None = None
    vectors_checked: int | None = None
    training: TrainingRecord | None = None
    seconds_train: float | None = None
    seconds_report: float | None = None
    changes: ChangesRecord = ChangesRecord()
    drift: DriftRecord | None = None


class ArrayFile(Record, frozen=True):
    """One array of a model folder."""

    file: str
    shape: list[int]
    sha256: str


class NetworkFile(Record, frozen=True):
    """The network of a model folder.

    Parameters
    ----------
    file, sha256 : str
    size_bytes : int
    input : str
        Tensor that takes the pixels.
    outputs : list of str
    needs_onnxruntime : bool
        It holds operators that only ONNX Runtime runs (trees and forests).
    """

    file: str
    sha256: str
    size_bytes: int
    input: str
    outputs: list[str]
    needs_onnxruntime: bool


class DecisionRecord(Record, frozen=True):
    """When an answer is sure enough; see :class:`pomona.recognition.decisions.DecisionRule`."""

    rejection_threshold: float | None
    variety_min: float
    fruit_min: float


class ModelRecord(Record, frozen=True):
    """``model.json``: what a model folder holds; a reduction, a recogniser, or both.

    Parameters
    ----------
    format_version : int
    backbone : dict, optional
        Of the reduction: the network that made the features.
    whiten, n_features, n_components, arrays, fitted_on : optional
        Of the reduction; the last is the number of pictures it was fitted on.
    recogniser : NetworkFile, optional
        This and all that follows is there where a recogniser was trained.
    labels : list of dict
        ``label, fruit_id, classes``, in the order of the probabilities.
    preprocessing : dict
        See :class:`pomona.recognition.views.Preprocessing`.
    decision : DecisionRecord
    created : str
        ISO time, UTC.
    training, metrics, calibration : dict
        What it was made from, how well it does on pictures held back, how sure it may be.
    licences : list of str
        Of the weights and the pictures.
    """

    format_version: int
    backbone: JsonObject | None = None
    whiten: bool | None = None
    n_features: int | None = None
    n_components: int | None = None
    arrays: dict[str, ArrayFile] | None = None
    fitted_on: int | None = None
    recogniser: NetworkFile | None = None
    labels: list[JsonObject] | None = None
    preprocessing: JsonObject | None = None
    decision: DecisionRecord | None = None
    created: str | None = None
    training: JsonObject | None = None
    metrics: JsonObject | None = None
    calibration: JsonObject | None = None
    licences: list[str] | None = None
