"""The options of the command line: their names, help texts and the settings file."""

import tomllib
from pathlib import Path
from typing import Annotated, Any, Final

import typer

__all__ = [
    "BackboneName",
    "Cache",
    "Check",
    "ClassWeights",
    "Classifiers",
    "Components",
    "Conf",
    "Config",
    "DoReduce",
    "DryRun",
    "EngineName",
    "Export",
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
    "Model",
    "On",
    "Out",
    "Overwrite",
    "Pooling",
    "PresetName",
    "Quiet",
    "Refit",
    "RefusedShare",
    "Resize",
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
    values = {**table, **table.get(context.command.name or "", {})}
    values = {name: value for name, value in values.items() if not isinstance(value, dict)}
    known = _check_names(context, values, f"The settings file '{path}'")
    # Whichever is read first, a preset lies under the settings file.
    context.default_map = {**(context.default_map or {}), **known}
    return path


def _load_preset(context: typer.Context, name: str | None) -> str | None:
    if name is None:
        return None
    from pomona.errors import SettingsError
    from pomona.presets import read_preset

    try:
        settings = read_preset(name).settings
    except SettingsError as error:
        raise typer.BadParameter(str(error)) from error
    known = _check_names(context, settings, f"The preset '{name}'")
    context.default_map = {**known, **(context.default_map or {})}
    return name


def _check_names(context: typer.Context, values: dict[str, Any], origin: str) -> dict[str, Any]:
    known = {
        parameter.name.replace("_", "-")
        for parameter in context.command.params
        if parameter.param_type_name == "option"
        and parameter.name not in (None, "config", "preset", "help")
    }
    unknown = sorted(name for name in values if name.replace("_", "-") not in known)
    if unknown:
        raise typer.BadParameter(
            f"{origin} has the unknown name '{unknown[0]}'. Known: "
            f"{', '.join(sorted(known))}. Correct the name."
        )
    return {name.replace("-", "_"): value for name, value in values.items()}


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
Pooling = Annotated[
    str | None,
    option(
        "Output of the network: avg, max, flatten or a layer such as fc2.  [default: its own]",
        "--pooling",
        panel=FEATURES,
        show_default=False,
    ),
]
Resize = Annotated[
    str | None,
    option(
        "squash (no crop) or crop (keep the aspect, cut the centre).  [default: the network's]",
        "--resize",
        panel=FEATURES,
        show_default=False,
    ),
]
EngineName = Annotated[
    str,
    option(
        "What runs the network: auto, openvino, onnxruntime or onnxruntime-cuda.",
        "--engine",
        panel=FEATURES,
    ),
]
Cache = Annotated[
    Path | None,
    option(
        "Folder of pulled and added networks.  [default: $XDG_CACHE_HOME/pomona]",
        "--cache",
        panel=FEATURES,
        show_default=False,
    ),
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
Model = Annotated[
    Path | None,
    option(
        "Model folder, or the output folder that holds it.  [default: the shipped recogniser]",
        "--model",
        "-m",
        show_default=False,
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
DoReduce = Annotated[
    bool,
    option("Standardise and reduce the features.", "--reduce/--no-reduce", panel=REDUCTION),
]
Check = Annotated[
    bool,
    option(
        "Read the reduced vectors back and compare their lengths with the PCA's.",
        "--check/--no-check",
        panel=REDUCTION,
    ),
]
Export = Annotated[
    list[str] | None,
    option(
        "Write the features once more to export/: csv (one file) or labels (one folder per label); "
        "may be repeated.",
        "--export",
        panel=OUTPUT,
    ),
]
PresetName = Annotated[
    str | None,
    option(
        "Settings of a reference pipeline ('pomona presets list'), or a TOML file of your own; "
        "everything else wins over it.",
        "--preset",
        callback=_load_preset,
        is_eager=True,
        show_default=False,
    ),
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
