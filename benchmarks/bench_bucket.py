"""A whole run from a bucket to a bucket that are 20 ms away, against the same run on the disk.

``python -m benchmarks.bench_bucket [TURNS]``. Turns of both, and a second run of each that finds
nothing new; the rows are compared to the bit. On both cores first, where the bucket's server takes
its share of them; then Pomona on one core and the server on another, as where it is elsewhere.
"""

import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
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
# One core takes a minute and a half for a run.
TURNS_ON_ONE_CORE = 1


@dataclass
class Turns:
    """What the turns of one side took."""

    seconds: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)
    busy: list[float] = field(default_factory=list)
    again: float = 0.0


def run(source: str, out: str, *more: str) -> tuple[float, RunRecord]:
    """Run as a user does; return the seconds and what run.json says."""
    command = [sys.executable, "-m", "pomona", "run", source, "--out", out, "--quiet", *more]
    started = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - started
    return seconds, parse_record(open_location(out).get("run.json"), RunRecord)


@contextmanager
def start_bucket(core: int | None = None) -> Iterator[tuple[str, str, list[psutil.Process]]]:
    """Give a bucket of pictures, one for results, and the processes of their server."""
    with start_memory(LATENCY_S) as server:
        children = psutil.Process().children(recursive=True)
        os.environ.update(server.environment)
        forget_buckets()
        photos, results = server.make_bucket("photos"), server.make_bucket("results")
        upload(FRUITS, f"{photos}/fruits360")
        if core is not None:
            for child in children:
                child.cpu_affinity([core])
        yield f"{photos}/fruits360", results, children


def served(children: list[psutil.Process]) -> float:
    """Return the processor time of the server so far, in seconds."""
    return sum(sum(child.cpu_times()[:2]) for child in children)


def compare(title: str, turns: int, core: int | None, *more: str) -> None:
    """Emit a row for each side."""
    out = SCRATCH / "bucket-out"
    sides = {"disk": Turns(), "bucket": Turns()}
    with start_bucket(core) as (photos, results, children):
        places = {"disk": (str(FRUITS), str(out)), "bucket": (photos, results)}
        for _ in range(turns):
            shutil.rmtree(out, ignore_errors=True)
            open_location(results).delete_all()
            for name, side in sides.items():
                before = served(children)
                taken, record = run(*places[name], *more)
                side.busy.append(served(children) - before)
                side.seconds.append(taken)
                side.rates.append(record.extract_images_per_second)
        for name, side in sides.items():
            side.again, _ = run(*places[name], *more)
        same = read_store(results, photos) == read_store(out, FRUITS)
    disk, bucket = sides.values()
    ratio = statistics.median(disk.seconds) / statistics.median(bucket.seconds)
    steady = statistics.median(bucket.rates) / statistics.median(disk.rates)
    for name, side in sides.items():
        taken, n = statistics.median(side.seconds), record.images_extracted
        note = f"nothing new: {side.again:.1f} s"
        if name == "bucket":
            note += (
                f"; {ratio:.2f} of the disk's speed (goal 0.95), {steady:.2f} while it extracts; "
                f"the server took {statistics.median(side.busy):.1f} s of a core"
            )
        quality = f"rows {'equal' if same else 'DIFFER'} to the bit"
        where = f"{name}, {LATENCY_S * 1000:.0f} ms" if name == "bucket" else name
        emit([Row(f"{title}, {n:,} frames", where, taken, n / taken, quality, note)])


def bench(turns: int = TURNS) -> None:
    """Emit the rows."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    compare("whole run", turns, None, "--master", "local[2]")
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[0]})
        compare("whole run on one core", TURNS_ON_ONE_CORE, cores[1], "--master", "local[1]")


if __name__ == "__main__":
    bench(int(sys.argv[1]) if len(sys.argv) > 1 else TURNS)
