"""Settings of the stages of a run: what Python functions take and the command line offers."""

import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final, Literal, get_args

from pomona.errors import SettingsError
from pomona.settings.option import Option, Record

__all__ = [
    "AUTO_ENGINE",
    "CLASSIFIERS",
    "DEFAULT_MAX_PIXELS",
    "ClassifierName",
    "DecodeLimits",
    "ExtractSettings",
    "ReduceSettings",
    "SourceSettings",
    "StoredResult",
    "TableFormat",
    "TrainSettings",
    "parse_components",
]

TableFormat = Literal["parquet", "csv", "json"]
AUTO_ENGINE: Final = "auto"
ClassifierName = Literal["logistic", "tree", "forest", "mlp"]
DEFAULT_MAX_PIXELS: Final = 89_478_485
# Pillow refuses at this number by itself, whatever we allow.
PILLOW_MAX_PIXELS: Final = 178_956_970
FOLDER_PAIR: Final = re.compile("[^:]+:[^:]+")
CLASSIFIERS: Final = get_args(ClassifierName)

PICTURES: Final = "Which pictures"
FEATURES: Final = "Features"
REDUCTION: Final = "Standardise and PCA"
TRAINING: Final = "Recogniser"
OUTPUT: Final = "Output and log"

# Said once for every command that opens a network.
Pooling = Annotated[
    str | None,
    Option(
        "Output of the network: avg, max, flatten or a layer such as fc2.",
        FEATURES,
        unset="the network's own",
    ),
]
Cache = Annotated[
    Path | None,
    Option("Folder of pulled and added networks.", FEATURES, unset="$XDG_CACHE_HOME/pomona"),
]

StoredResult = Annotated[
    str, Option("Folder or bucket of an earlier extraction.", unit="OUT", positional=True)
]


def parse_components(text: str) -> float | int:
    """Return ``"0.95"`` as the share 0.95 and ``"325"`` as the number 325.

    Raises
    ------
    SettingsError
        If it is neither.
    """
    try:
        number: float | int = int(text) if text.strip().isdigit() else float(text)
    except ValueError:
        number = 0
    if 0 < number <= 1 or (isinstance(number, int) and number >= 1):
        return number
    raise SettingsError(
        f"Components is '{text}'. It must be a share above 0 and at most 1.0, or a whole number "
        "from 1. Give 0.95 to keep 95 % of the variance, or 325 to keep 325 components."
    )


@dataclass(frozen=True)
class SourceSettings(Record):
    """Which pictures to take, and what their labels are.

    Folders and files whose names start with a dot are left out.
    """

    source: Annotated[
        str,
        Option(
            "Folder of pictures, read with all its subfolders; or a bucket: s3://, az://, gs://.",
            positional=True,
        ),
    ]
    label: Annotated[
        str,
        Option(
            "Where labels come from: 'folder' (parent folder), 'none', 'regex:PATTERN' (its group "
            "'label' or first group, searched in the path below SOURCE) or 'csv:FILE' (columns "
            "path, label).",
            PICTURES,
            unit="rule",
        ),
    ] = "folder"
    glob: Annotated[
        str | None,
        Option(
            "Only paths below SOURCE that match, such as '*/front_*'; '*' also matches '/'.",
            PICTURES,
            unit="pattern",
            unset="all",
        ),
    ] = None
    limit: Annotated[
        int | None,
        Option(
            "At most this many pictures, first by path.",
            PICTURES,
            unit="pictures",
            unset="all",
            at_least=1,
        ),
    ] = None
    sample: Annotated[
        int | None,
        Option(
            "At most this many pictures of each label, chosen by a hash of the path.",
            PICTURES,
            unit="pictures",
            unset="all",
            at_least=1,
        ),
    ] = None

    def __post_init__(self) -> None:
        super().__post_init__()
        # Python code gives a Path as well.
        object.__setattr__(self, "source", os.fspath(self.source))
        if self.label not in ("folder", "none") and not self.label.startswith(("regex:", "csv:")):
            raise SettingsError(
                f"Unknown label rule '{self.label}'. Known: folder, none, regex:PATTERN, csv:FILE. "
                "Choose one of these with --label."
            )


@dataclass(frozen=True)
class DecodeLimits(Record):
    """What a picture may be."""

    max_pixels: Annotated[
        int,
        Option(
            "Refuse pictures of more pixels (width x height), unread.",
            FEATURES,
            unit="pixels",
            at_least=1,
            at_most=PILLOW_MAX_PIXELS,
        ),
    ] = DEFAULT_MAX_PIXELS
    lenient: Annotated[
        bool, Option("Take pictures with a wrong extension or a damaged EXIF block.", FEATURES)
    ] = False


@dataclass(frozen=True)
class ExtractSettings(Record):
    """How pictures become features."""

    backbone: Annotated[
        str,
        Option(
            "Network that makes the features: shipped, or pulled or added with 'pomona backbones'.",
            FEATURES,
            unit="name",
        ),
    ] = "efficientnet_lite0"
    pooling: Pooling = None
    resize: Annotated[
        str | None,
        Option(
            "squash (no crop) or crop (keep the aspect, cut the centre).",
            FEATURES,
            unset="the network's own",
        ),
    ] = None
    engine: Annotated[
        str,
        Option(
            "What runs the network: openvino, onnxruntime, onnxruntime-cuda, or auto: the GPU "
            "where Spark gives tasks one, else OpenVINO.",
            FEATURES,
            unit="name",
        ),
    ] = AUTO_ENGINE
    cache: Cache = None
    limits: DecodeLimits = field(default_factory=DecodeLimits)
    max_bad: Annotated[
        float,
        Option(
            "Fail when more than this share of the pictures is unusable; 0.05 allows one in "
            "twenty.",
            FEATURES,
            unit="share",
            at_least=0,
            at_most=1,
        ),
    ] = 0.05


@dataclass(frozen=True)
class ReduceSettings(Record):
    """How features become few numbers."""

    components: Annotated[
        float | int,
        Option(
            "Share of the variance to keep (0.95), or number of components (325).",
            REDUCTION,
            unit="share|number",
            short="-k",
            parse=parse_components,
        ),
    ] = 0.95
    standardise: Annotated[
        bool, Option("Divide each feature by its standard deviation first.", REDUCTION)
    ] = True
    whiten: Annotated[bool, Option("Give every component unit variance.", REDUCTION)] = False
    format: Annotated[TableFormat, Option("Table format of reduced/.", REDUCTION)] = "parquet"


@dataclass(frozen=True)
class TrainSettings(Record):
    """How vectors and labels become a recogniser."""

    classifiers: Annotated[
        tuple[ClassifierName, ...],
        Option(
            "What to fit; several are compared, and the best on the calibration part goes into "
            "the model folder.",
            TRAINING,
            name="classifier",
        ),
    ] = ("logistic",)
    on: Annotated[Literal["features", "reduced"], Option("What it is fitted on.", TRAINING)] = (
        "reduced"
    )
    split: Annotated[
        str,
        Option(
            "What measures it: random; grouped (turning sequences stay together); or a pair of "
            "folder names, such as Training:Test.",
            TRAINING,
            unit="rule",
        ),
    ] = "random"
    tune: Annotated[bool, Option("Search a small grid by cross-validation first.", TRAINING)] = (
        False
    )
    class_weights: Annotated[
        bool, Option("Let rare labels count as much as common ones.", TRAINING)
    ] = True
    merge: Annotated[
        bool, Option("One label for folders that the facts say show the same.", TRAINING)
    ] = False
    refused_share: Annotated[
        float,
        Option(
            "Share of real fruit that may be refused as unknown, below 1.",
            TRAINING,
            unit="share",
            at_least=0,
        ),
    ] = 0.05
    final_fit: Annotated[
        bool,
        Option(
            "Fit the best one once more, on the pictures that measured it too; of a pair of "
            "folders the second is never fitted on.",
            TRAINING,
        ),
    ] = True

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.classifiers:
            raise SettingsError(
                f"There is no classifier. Known: {', '.join(CLASSIFIERS)}. "
                "Choose one or more with --classifier."
            )
        if self.split not in ("random", "grouped") and not FOLDER_PAIR.fullmatch(self.split):
            raise SettingsError(
                f"Unknown split '{self.split}'. Known: random, grouped, and a pair of folder names "
                "such as Training:Test. Choose one of these with --split."
            )
        if self.refused_share >= 1:
            raise SettingsError(
                f"refused_share is '{self.refused_share}'. It is a share of real fruit, from 0 to "
                "below 1. Give 0.05 to refuse one photograph in twenty."
            )
