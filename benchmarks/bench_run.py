"""The whole `pomona run` against peers that do the same work, each started as a user starts it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

from benchmarks.measure import count_rows, golden_difference
from benchmarks.rows import DATA, FRUITS, GOLDEN, ROOT, SCRATCH, Row, emit, require

PEERS = ROOT / "benchmarks" / "peers"
WEIGHTS = ROOT / "src" / "pomona" / "backbones" / "weights" / "efficientnet_lite0.onnx"
PEER_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
KERAS_PYTHON = ROOT / ".venv-peers-keras" / "bin" / "python"
TIMEOUT_S = 1800
TURNS = 3


def run_pomona(source: Path, benchmark: str, *options: str) -> Row:
    """Time one whole `pomona run`, start of Python and Java included."""
    out = SCRATCH / "run"
    shutil.rmtree(out, ignore_errors=True)
    command = [sys.executable, "-m", "pomona", "run", str(source), "--out", str(out), "--quiet"]
    started = time.perf_counter()
    subprocess.run([*command, *options], check=True, timeout=TIMEOUT_S, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    n = count_rows(out / "features")
    record = json.loads((out / "run.json").read_text())
    difference = golden_difference(out / "features")
    quality = f"{n} of {n}, {record['n_components']} components"
    if difference is not None:
        quality += f", golden to {difference:.0e}"
    return Row(benchmark, "pomona", seconds, n / seconds, quality)


def run_peer(python: Path, script: str, source: Path, benchmark: str, *options: str) -> Row | None:
    """Time one peer; None where its environment is not set up."""
    if not python.exists():
        print(f"not measured: {script} (see benchmarks/peers/README.md)", file=sys.stderr)
        return None
    with tempfile.TemporaryDirectory() as folder:
        command = [
            str(python),
            str(PEERS / script),
            str(source),
            f"{folder}/out",
            "--model",
            str(WEIGHTS),
        ]
        command += ["--golden", str(GOLDEN), "--data-root", str(DATA / "data"), *options]
        started = time.perf_counter()
        done = subprocess.run(
            command,
            check=True,
            timeout=TIMEOUT_S,
            capture_output=True,
            text=True,
            # Daft's own worker processes look for the script's modules there.
            env=os.environ | {"PYTHONPATH": str(PEERS)},
        )
        seconds = time.perf_counter() - started
    told = json.loads(done.stdout.splitlines()[-1])
    difference = told["features_max_relative_difference"]
    quality = f"{told['images']} pictures, {told['n_components']} components"
    if difference is not None:
        quality += f", golden to {difference:.0e}"
    return Row(
        benchmark, f"{told['peer']} {told['version']}", seconds, told["images"] / seconds, quality
    )


def bench() -> None:
    """Emit the rows: fixed cost, then the whole run and its peers."""
    emit([run_pomona(FRUITS, "fixed cost, 50 pictures", "--limit", "50")])
    name = "whole run, 7,140 studio pictures"
    subjects: list[Callable[[], Row | None]] = [partial(run_pomona, FRUITS, name)]
    scripts = ("daft_frame.py", "ray_data.py", "plain_loop.py")
    subjects += [partial(run_peer, PEER_PYTHON, script, FRUITS, name) for script in scripts]
    # In turns, because the machine's speed changes with its neighbours.
    turns = [[subject() for subject in subjects] for _ in range(TURNS)]
    rows = [_median([row for row in column if row]) for column in zip(*turns, strict=True)]
    if "--keras" in sys.argv:
        rows.append(run_peer(KERAS_PYTHON, "keras_pandas_udf.py", FRUITS, name))
    emit([_compare(row, rows[0]) for row in rows if row and rows[0]])


def _median(rows: list[Row]) -> Row | None:
    return sorted(rows, key=lambda row: row.seconds)[len(rows) // 2] if rows else None


def _compare(row: Row, ours: Row) -> Row:
    note = f"{row.seconds / ours.seconds:.2f} times pomona's time, median of {TURNS}"
    return replace(row, note=note)


if __name__ == "__main__":
    require(FRUITS, GOLDEN)
    bench()
