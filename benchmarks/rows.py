"""One measured row, where it came from, and the table of many."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
DATA = Path(os.environ.get("POMONA_SHARED", ROOT.parent / "shared"))
FRUITS = DATA / "data" / "fruits360" / "Training"
GROCERY = DATA / "data" / "grocery"
GOLDEN = DATA / "models" / "golden_efficientnet_lite0.npz"
SCRATCH = ROOT / "build" / "benchmarks"


@dataclass(frozen=True)
class Row:
    """What was measured.

    Parameters
    ----------
    benchmark, subject : str
        The table's line, such as "whole run, 7,140 pictures" and "Ray Data 2.60".
    seconds : float
    images_per_second : float or None
    quality : str
        A figure that says the result was right.
    note : str
        Such as the ratio to the goal.
    """

    benchmark: str
    subject: str
    seconds: float
    images_per_second: float | None
    quality: str
    note: str = ""


def emit(rows: Sequence[Row]) -> None:
    """Print rows as JSON lines, with date, commit and machine."""
    origin = {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _commit(),
        "machine": f"{os.cpu_count()} cores, {_processor()}, Python {platform.python_version()}",
    }
    for row in rows:
        print(json.dumps(origin | asdict(row)), flush=True)


def to_table(rows: Sequence[dict[str, object]]) -> str:
    """Return the rows as a Markdown table."""
    lines = [
        "| benchmark | subject | seconds | images/s | quality | note |",
        "|---|---|---:|---:|---|---|",
    ]
    for row in rows:
        speed = row["images_per_second"]
        shown = f"{speed:.0f}" if isinstance(speed, float | int) else ""
        lines.append(
            f"| {row['benchmark']} | {row['subject']} | {row['seconds']:.1f} | {shown} | "
            f"{row['quality']} | {row['note']} |"
        )
    return "\n".join(lines)


def require(*paths: Path) -> None:
    """End with a message where a benchmark's pictures are missing."""
    missing = [str(path) for path in paths if not path.exists()]
    if missing:
        sys.exit(f"Not measured: {', '.join(missing)} not here. Set POMONA_SHARED.")


def _commit() -> str:
    command = ["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.machine())
