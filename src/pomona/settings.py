"""Frozen settings, one dataclass per stage, with their defaults."""

import re
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from pomona.errors import SettingsError

__all__ = [
    "AUTO_ENGINE",
    "CLASSIFIERS",
    "DEFAULT_MAX_PIXELS",
    "ClassifierName",
    "DecodeLimits",
    "ExtractSettings",
    "ReduceSettings",
    "RunSettings",
    "SourceSettings",
    "SparkSettings",
    "TableFormat",
    "TrainSettings",
    "parse_components",
    "settings_to_dict",
]

TableFormat = Literal["parquet", "csv", "json"]
ExportKind = Literal["csv", "labels"]
AUTO_ENGINE: Final = "auto"
ClassifierName = Literal["logistic", "tree", "forest", "mlp"]
DEFAULT_MAX_PIXELS: Final = 89_478_485
# Pillow refuses at this number by itself, whatever we allow.
PILLOW_MAX_PIXELS: Final = 178_956_970
FOLDER_PAIR: Final = re.compile("[^:]+:[^:]+")
CLASSIFIERS: Final = get_args(ClassifierName)


@dataclass(frozen=True)
class SourceSettings:
    """Which pictures to take, and what their labels are.

    Parameters
    ----------
    source : Path
        Folder, read with all its subfolders; names that start with a dot are left out.
    label : str
        ``folder`` (the parent folder's name), ``none``, ``regex:PATTERN`` (group ``label`` or the
        first group, searched in the path below the source) or ``csv:FILE`` (columns path, label).
    glob : str, optional
        Only paths below the source that match; ``*`` also matches ``/``.
    limit : int, optional
        At most this many pictures, the first in the order of their paths.
    sample : int, optional
        At most this many pictures of each label, chosen by a hash of the path.
    """

    source: Path
    label: str = "folder"
    glob: str | None = None
    limit: int | None = None
    sample: int | None = None

    def __post_init__(self) -> None:
        _check_positive("limit", self.limit)
        _check_positive("sample", self.sample)
        if self.label not in ("folder", "none") and not self.label.startswith(("regex:", "csv:")):
            raise SettingsError(
                f"Unknown label rule '{self.label}'. Known: folder, none, regex:PATTERN, csv:FILE. "
                "Choose one of these with --label."
            )


@dataclass(frozen=True)
class DecodeLimits:
    """What a picture may be.

    Parameters
    ----------
    max_pixels : int
        Width times height above which a picture is refused unread.
    lenient : bool
        Accept pictures whose extension names another format or whose EXIF block is damaged.
    """

    max_pixels: int = DEFAULT_MAX_PIXELS
    lenient: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.max_pixels <= PILLOW_MAX_PIXELS:
            raise SettingsError(
                f"max_pixels is '{self.max_pixels}'. It must be between 1 and "
                f"{PILLOW_MAX_PIXELS:,}, the decoder's own limit. "
                "Give a number in that range, or leave the default."
            )


@dataclass(frozen=True)
class ExtractSettings:
    """How pictures become features.

    Parameters
    ----------
    backbone : str
        Shipped, or pulled or added with ``pomona backbones``.
    pooling : str, optional
        Output of the network: avg, max, flatten or a layer; None is the network's own.
    resize : {"squash", "crop"}, optional
        None is the network's own rule.
    engine : str
        ``auto`` takes the GPU where Spark gives tasks one, else OpenVINO.
    cache : Path, optional
        Folder of pulled and added networks; None is ``$XDG_CACHE_HOME/pomona``.
    limits : DecodeLimits
        What a picture may be.
    max_bad : float
        Share of unusable pictures above which the run fails.
    features_format : {"parquet", "csv", "json"}
    """

    backbone: str = "efficientnet_lite0"
    pooling: str | None = None
    resize: str | None = None
    engine: str = AUTO_ENGINE
    cache: Path | None = None
    limits: DecodeLimits = field(default_factory=DecodeLimits)
    max_bad: float = 0.05
    features_format: TableFormat = "parquet"

    def __post_init__(self) -> None:
        _check_format("features_format", self.features_format)
        if not 0 <= self.max_bad <= 1:
            raise SettingsError(
                f"max_bad is '{self.max_bad}'. It is a share of the pictures, from 0 to 1. "
                "Give 0.05 to allow one unusable picture in twenty."
            )


@dataclass(frozen=True)
class ReduceSettings:
    """How features become few numbers.

    Parameters
    ----------
    components : float or int
        A float up to 1 is a share of the variance; an int is a number of components.
    standardise : bool
        Divide each feature by its standard deviation first.
    whiten : bool
        Give every component unit variance.
    format : {"parquet", "csv", "json"}
        Of ``reduced/``.
    """

    components: float | int = 0.95
    standardise: bool = True
    whiten: bool = False
    format: TableFormat = "parquet"

    def __post_init__(self) -> None:
        _check_format("format", self.format)


@dataclass(frozen=True)
class RunSettings:
    """What a run does beside extracting.

    Parameters
    ----------
    reduce : bool
        Standardise and reduce the features.
    check : bool
        Read the reduced vectors back and compare their lengths with the PCA's.
    export : tuple of {"csv", "labels"}
        Further views of the features, in ``export/``: one CSV file, one folder per label.
    """

    reduce: bool = True
    check: bool = False
    export: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for kind in self.export:
            if kind not in get_args(ExportKind):
                raise SettingsError(
                    f"Unknown export '{kind}'. Known: {', '.join(get_args(ExportKind))}. "
                    "Choose one of these with --export."
                )


@dataclass(frozen=True)
class TrainSettings:
    """How vectors and labels become a recogniser.

    Parameters
    ----------
    classifiers : tuple of {"logistic", "tree", "forest", "mlp"}
        All are fitted and compared; the best on the calibration part goes into the model folder.
    on : {"features", "reduced"}
        What they are fitted on.
    split : str
        ``random``, ``grouped`` or a pair of folder names ``A:B``.
    tune : bool
        Search a small grid by cross-validation first.
    class_weights : bool
        Weigh rare labels up, so that each counts alike.
    merge : bool
        Folders that the facts say show the same thing become one label.
    refused_share : float
        Share of real fruit that may be refused as unknown.
    refit : bool
        The best classifier is fitted once more on all pictures of the training side, also those
        that measured it; of a pair of folders the second is never fitted on.
    """

    classifiers: tuple[ClassifierName, ...] = ("logistic",)
    on: Literal["features", "reduced"] = "reduced"
    split: str = "random"
    tune: bool = False
    class_weights: bool = True
    merge: bool = False
    refused_share: float = 0.05
    refit: bool = True

    def __post_init__(self) -> None:
        unknown = [name for name in self.classifiers if name not in CLASSIFIERS]
        if unknown or not self.classifiers:
            raise SettingsError(
                f"Unknown classifier '{', '.join(unknown)}'. Known: {', '.join(CLASSIFIERS)}. "
                "Choose one or more of these with --classifier."
            )
        if self.on not in ("features", "reduced"):
            raise SettingsError(
                f"on is '{self.on}'. Known: features, reduced. Choose one of these with --on."
            )
        if self.split not in ("random", "grouped") and not FOLDER_PAIR.fullmatch(self.split):
            raise SettingsError(
                f"Unknown split '{self.split}'. Known: random, grouped, and a pair of folder names "
                "such as Training:Test. Choose one of these with --split."
            )
        if not 0 <= self.refused_share < 1:
            raise SettingsError(
                f"refused_share is '{self.refused_share}'. It is a share of real fruit, from 0 to "
                "below 1. Give 0.05 to refuse one photograph in twenty."
            )


@dataclass(frozen=True)
class SparkSettings:
    """Which Spark to use.

    Parameters
    ----------
    master : str, optional
        Spark master; None leaves it to ``spark-submit``, or ``local[*]`` where there is none.
    conf : tuple of (str, str)
        Further Spark settings; they win over Pomona's own.
    """

    master: str | None = None
    conf: tuple[tuple[str, str], ...] = ()


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


def settings_to_dict(settings: Any) -> dict[str, Any]:
    """Return a settings record as plain JSON values."""
    return {name: _to_json(value) for name, value in asdict(settings).items()}


def _to_json(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    return list(value) if isinstance(value, tuple) else value


def _check_positive(name: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise SettingsError(
            f"{name} is '{value}'. It counts pictures, so it starts at 1. "
            f"Give a number from 1, or leave --{name} out."
        )


def _check_format(name: str, value: str) -> None:
    if value not in get_args(TableFormat):
        raise SettingsError(f"{name} is '{value}'. Known: parquet, csv, json. Choose one of these.")
