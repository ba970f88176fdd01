"""A whole run from a bucket to a bucket that are 20 ms away, against the same run on the disk.

``python -m benchmarks.bench_bucket [TURNS]``. Turns of both, and a second run of each that finds
nothing new; the rows are compared to the bit. The bucket's server runs on the same cores: its
processor time is told, because a real one would take none.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from pathlib import Path

import psutil

from benchmarks.rows import FRUITS, SCRATCH, Row, emit

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from pipeline.stores import read_store, upload
from stores.memory_server import start_memory

from pomona.storage.buckets import forget_buckets
from pomona.storage.locations import open_location
from pomona.storage.records import RunRecord, parse_record

LATENCY_S = 0.02
TURNS = 3


def run(source: str, out: str) -> tuple[float, RunRecord]:
    """Run as a user does; return the seconds and what run.json says."""
    command = [sys.executable, "-m", "pomona", "run", source, "--out", out, "--quiet"]
    started = time.perf_counter()
    subprocess.run([*command, "--master", "local[2]"], check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    return seconds, parse_record(open_location(out).get("run.json"), RunRecord)


def served(children: list[psutil.Process]) -> float:
    """Return the processor time of the server so far, in seconds."""
    return sum(sum(child.cpu_times()[:2]) for child in children)


def bench(turns: int = TURNS) -> None:
    """Emit a row for each side."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    out = SCRATCH / "bucket-out"
    seconds: dict[str, list[float]] = {"disk": [], "bucket": []}
    rates: dict[str, list[float]] = {"disk": [], "bucket": []}
    busy: dict[str, list[float]] = {"disk": [], "bucket": []}
    again: dict[str, float] = {}
    with start_memory(LATENCY_S) as server:
        os.environ.update(server.environment)
        forget_buckets()
        photos, results = server.make_bucket("photos"), server.make_bucket("results")
        upload(FRUITS, f"{photos}/fruits360")
        children = psutil.Process().children(recursive=True)
        for _ in range(turns):
            shutil.rmtree(out, ignore_errors=True)
            open_location(results).delete_all()
            sides = {"disk": (str(FRUITS), str(out)), "bucket": (f"{photos}/fruits360", results)}
            for name, (source, target) in sides.items():
                before = served(children)
                taken, record = run(source, target)
                busy[name].append(served(children) - before)
                seconds[name].append(taken)
                rates[name].append(record.extract_images_per_second)
        for name, (source, target) in sides.items():
            again[name], _ = run(source, target)
        same = read_store(results, f"{photos}/fruits360") == read_store(out, FRUITS)
    ratio = statistics.median(seconds["disk"]) / statistics.median(seconds["bucket"])
    steady = statistics.median(rates["bucket"]) / statistics.median(rates["disk"])
    for name in ("disk", "bucket"):
        taken, n = statistics.median(seconds[name]), record.images_extracted
        note = f"nothing new: {again[name]:.1f} s"
        if name == "bucket":
            note += f"; {ratio:.2f} of the disk's speed (goal 0.95), steady state {steady:.2f}; "
            note += f"the server took {statistics.median(busy[name]):.1f} s of a core"
        quality = f"rows {'equal' if same else 'DIFFER'} to the bit"
        where = f"{name}, {LATENCY_S * 1000:.0f} ms" if name == "bucket" else name
        emit([Row(f"whole run, {n:,} frames", where, taken, n / taken, quality, note)])


if __name__ == "__main__":
    bench(int(sys.argv[1]) if len(sys.argv) > 1 else TURNS)
