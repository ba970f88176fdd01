"""The options of the command line: their names, help texts and the settings file."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final

import typer

__all__ = [
    "BackboneName",
    "ClassWeights",
    "Classifiers",
    "Components",
    "Conf",
    "Config",
    "DryRun",
    "EngineName",
    "FeaturesFormat",
    "Folder",
    "Format",
    "Glob",
    "Label",
    "Lenient",
    "Limit",
    "LogJson",
    "Master",
    "MaxBad",
    "MaxPixels",
    "Merge",
    "On",
    "Out",
    "Overwrite",
    "Quiet",
    "Refit",
    "RefusedShare",
    "Sample",
    "Source",
    "SplitRule",
    "Standardise",
    "Tune",
    "Whiten",
    "option",
]

PICTURES: Final = "Which pictures"
FEATURES: Final = "Features"
REDUCTION: Final = "Standardise and PCA"
TRAINING: Final = "Recogniser"
SPARK: Final = "Spark"
OUTPUT: Final = "Output and log"


def _load_config(context: typer.Context, path: Path | None) -> Path | None:
    if path is None:
        return None
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(
            f"The settings file '{path}' cannot be read: {error}. It must be TOML. "
            "Correct the path or the file."
        ) from error
    known = {
        parameter.name.replace("_", "-")
        for parameter in context.command.params
        if parameter.param_type_name == "option" and parameter.name not in (None, "config", "help")
    }
    values = {**table, **table.get(context.command.name or "", {})}
    values = {name: value for name, value in values.items() if not isinstance(value, dict)}
    unknown = sorted(name for name in values if name.replace("_", "-") not in known)
    if unknown:
        raise typer.BadParameter(
            f"The settings file '{path}' has the unknown name '{unknown[0]}'. Known: "
            f"{', '.join(sorted(known))}. Correct the name."
        )
    context.default_map = {name.replace("-", "_"): value for name, value in values.items()}
    return path


def option(help: str, *names: str, panel: str | None = None, **more: Any) -> Any:
    """Return a Typer option that belongs to a panel of the help page."""
    return typer.Option(*names, help=help, show_envvar=False, rich_help_panel=panel, **more)


Source = Annotated[Path, typer.Argument(help="Folder of pictures, read with all its subfolders.")]
Folder = Annotated[Path, typer.Argument(help="Output folder of an earlier extraction.")]
Out = Annotated[Path, option("Folder for the results.", "--out", "-o", panel=OUTPUT)]
Label = Annotated[
    str,
    option(
        "Where labels come from: 'folder' (parent folder), 'none', 'regex:PATTERN' (its group, "
        "searched in the path) or 'csv:FILE' (columns path, label).",
        "--label",
        panel=PICTURES,
    ),
]
Glob = Annotated[
    str | None,
    option("Only paths below SOURCE that match, such as '*/front_*'.", "--glob", panel=PICTURES),
]
Limit = Annotated[
    int | None, option("At most this many pictures, first by path.", "--limit", panel=PICTURES)
]
Sample = Annotated[
    int | None,
    option(
        "At most this many pictures of each label, chosen by a hash of the path.",
        "--sample",
        panel=PICTURES,
    ),
]
BackboneName = Annotated[
    str, option("Network that makes the features.", "--backbone", panel=FEATURES)
]
EngineName = Annotated[
    str, option("What runs the network: openvino or onnxruntime.", "--engine", panel=FEATURES)
]
MaxPixels = Annotated[
    int, option("Refuse pictures of more pixels (width x height).", "--max-pixels", panel=FEATURES)
]
Lenient = Annotated[
    bool,
    option(
        "Take pictures with a wrong extension or a damaged EXIF block.", "--lenient", panel=FEATURES
    ),
]
MaxBad = Annotated[
    float,
    option(
        "Fail when more than this share of the pictures is unusable.", "--max-bad", panel=FEATURES
    ),
]
FeaturesFormat = Annotated[
    str,
    option("Table format of features/: parquet, csv or json.", "--features-format", panel=FEATURES),
]
Components = Annotated[
    str,
    option(
        "Share of the variance to keep (0.95), or number of components (325).",
        "--components",
        "-k",
        panel=REDUCTION,
    ),
]
Standardise = Annotated[
    bool,
    option(
        "Divide each feature by its standard deviation first.",
        "--standardise/--no-standardise",
        panel=REDUCTION,
    ),
]
Whiten = Annotated[
    bool, option("Give every component unit variance.", "--whiten/--no-whiten", panel=REDUCTION)
]
Classifiers = Annotated[
    list[str] | None,
    option(
        "Train a recogniser: logistic, tree, forest or mlp; may be repeated.",
        "--classifier",
        panel=TRAINING,
        show_default=False,
    ),
]
On = Annotated[str, option("What it is fitted on: reduced or features.", "--on", panel=TRAINING)]
SplitRule = Annotated[
    str,
    option(
        "What measures it: random; grouped (turning sequences stay together); or a pair of folder "
        "names, such as Training:Test.",
        "--split",
        panel=TRAINING,
    ),
]
Tune = Annotated[
    bool, option("Search a small grid by cross-validation first.", "--tune", panel=TRAINING)
]
ClassWeights = Annotated[
    bool,
    option(
        "Let rare labels count as much as common ones.",
        "--class-weights/--no-class-weights",
        panel=TRAINING,
    ),
]
Refit = Annotated[
    bool,
    option(
        "Fit the best one once more, on the pictures that measured it too.",
        "--refit/--no-refit",
        panel=TRAINING,
    ),
]
Merge = Annotated[
    bool,
    option(
        "One label for folders that the facts say show the same.",
        "--merge/--no-merge",
        panel=TRAINING,
    ),
]
RefusedShare = Annotated[
    float,
    option(
        "Share of real fruit that may be refused as unknown.", "--refused-share", panel=TRAINING
    ),
]
Format = Annotated[
    str, option("Table format of reduced/: parquet, csv or json.", "--format", panel=REDUCTION)
]
Master = Annotated[
    str | None,
    option(
        "Spark master: local[N], yarn, k8s://..., spark://...  [default: local[*]]",
        "--master",
        panel=SPARK,
        show_default=False,
    ),
]
Conf = Annotated[
    list[str] | None, option("Spark setting NAME=VALUE; may be repeated.", "--conf", panel=SPARK)
]
Overwrite = Annotated[
    bool, option("Replace an earlier result in OUT.", "--overwrite", panel=OUTPUT)
]
DryRun = Annotated[
    bool,
    option("Check everything and list the pictures; start nothing.", "--dry-run", panel=OUTPUT),
]
Quiet = Annotated[bool, option("Show warnings and errors only.", "--quiet", "-q", panel=OUTPUT)]
LogJson = Annotated[
    bool, option("Log JSON, one object a line, to stderr.", "--log-json", panel=OUTPUT)
]
Config = Annotated[
    Path | None,
    option(
        "TOML file of settings; options and POMONA_<COMMAND>_<OPTION> variables win over it.",
        "--config",
        callback=_load_config,
        is_eager=True,
        show_default=False,
    ),
]
