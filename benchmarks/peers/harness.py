"""What every peer shares around its own work: the command line, the golden check, the JSON line."""

import argparse
import json
import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from columns import rows_of
from preprocess import list_images


@dataclass(frozen=True)
class Settings:
    """The command line of a peer."""

    source: Path
    out: Path
    model: Path
    pca: bool
    limit: int | None
    workers: int
    threads: int
    golden: Path | None
    data_root: Path | None
    partitions: int | None = None


@dataclass(frozen=True)
class Peer:
    """One way to do the work: how it extracts, reduces, and starts and stops its framework."""

    name: str
    packages: tuple[str, ...]
    extract: Callable[[list[str], Settings], None]
    reduce: Callable[[Path], int]
    session: Callable[[Settings], AbstractContextManager[object]] = nullcontext
    has_golden: bool = True


@dataclass(frozen=True)
class Outcome:
    """The JSON line of a peer; times in seconds.

    ``seconds`` runs from the first statement of the script to the end of the framework's
    shut-down. ``seconds_extract`` runs from the sorted list of files to the features on disk.
    """

    peer: str
    version: str
    images: int
    seconds: float
    seconds_extract: float
    n_components: int | None
    features_max_relative_difference: float | None


def positive_int(text: str) -> int:
    """Return the whole number in ``text``; argparse reports anything below 1."""
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is below 1")
    return value


def parse_settings(
    description: str | None, *, pca: bool = True, partitions: bool = False
) -> Settings:
    """Read the command line; ``pca`` is the default of ``--pca``, ``partitions`` offers that."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("source", type=Path, help="folder with one folder of JPEG files per label")
    parser.add_argument("out", type=Path, help="folder to write; must not hold a run yet")
    parser.add_argument("--model", type=Path, required=True, help="EfficientNet-Lite0 as ONNX")
    parser.add_argument("--pca", action=argparse.BooleanOptionalAction, default=pca)
    parser.add_argument("--limit", type=positive_int, help="only the first N files (default: all)")
    parser.add_argument(
        "--workers", type=positive_int, default=os.cpu_count() or 1, help="default: one per core"
    )
    parser.add_argument(
        "--threads", type=positive_int, default=1, help="of the network, per worker (default: 1)"
    )
    parser.add_argument("--golden", type=Path, help="npz with 'paths' and 'features'")
    parser.add_argument("--data-root", type=Path, help="folder that the golden paths start from")
    if partitions:
        parser.add_argument(
            "--partitions", type=int, help="0 = as Spark reads them (default: one per worker)"
        )
    settings = Settings(**vars(parser.parse_args()))
    _check(parser, settings)
    return settings


def _check(parser: argparse.ArgumentParser, settings: Settings) -> None:
    if not settings.source.is_dir():
        parser.error(f"SOURCE '{settings.source}' is not a folder")
    if not settings.model.is_file():
        parser.error(f"--model '{settings.model}' is not a file")
    if (settings.out / "features").exists() or (settings.out / "reduced").exists():
        parser.error(f"OUT '{settings.out}' holds a run already; give a new folder")
    if settings.partitions is not None and settings.partitions < 0:
        parser.error(f"--partitions '{settings.partitions}' is below 0")
    if (settings.golden is None) != (settings.data_root is None):
        parser.error("--golden and --data-root go together")


def count_images(features: Path) -> int:
    """Return the number of rows that really are in the Parquet folder."""
    return int(pq.read_table(features, columns=["label"]).num_rows)


def golden_difference(settings: Settings) -> float | None:
    """Return the largest difference to the golden vectors, relative to the largest golden value.

    Taken picture by picture, over the golden pictures that the run has read; None without any.
    """
    if settings.golden is None or settings.data_root is None:
        return None
    golden = np.load(settings.golden)
    paths = [os.path.abspath(settings.data_root / str(path)) for path in golden["paths"]]
    table = pq.read_table(
        settings.out / "features",
        columns=["path", "features"],
        filters=[("path", "in", paths)],
    )
    if table.num_rows == 0:
        return None
    wanted = dict(zip(paths, golden["features"], strict=True))
    found = zip(table.column("path").to_pylist(), rows_of(table.column("features")), strict=True)
    return max(_relative_difference(row, wanted[path]) for path, row in found)


def _relative_difference(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def run_peer(peer: Peer, settings: Settings, *, started: float) -> None:
    """Do the whole work, print the JSON line; ``started``: perf_counter at the script's top."""
    with peer.session(settings):
        paths = list_images(settings.source, limit=settings.limit)
        begun = time.perf_counter()
        peer.extract(paths, settings)
        seconds_extract = time.perf_counter() - begun
        n_components = peer.reduce(settings.out) if settings.pca else None
    seconds = time.perf_counter() - started
    outcome = Outcome(
        peer=peer.name,
        version=", ".join(f"{package} {version(package)}" for package in peer.packages),
        images=count_images(settings.out / "features"),
        seconds=round(seconds, 3),
        seconds_extract=round(seconds_extract, 3),
        n_components=n_components,
        features_max_relative_difference=golden_difference(settings) if peer.has_golden else None,
    )
    print(json.dumps(asdict(outcome)), flush=True)
