"""Kills and bad days: what a store holds afterwards, against a run that nobody disturbed.

``python -m benchmarks.bench_faults [KILLS [disk|bucket|days]]`` prints the table of
docs/explanation/faults.md. Each kill hits the driver, the executor (Spark's Java) or a Python
worker, at a random moment of a run; then the same command is started again. After every fifth kill
it is left alone, and what it made is compared row by row.
"""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil

from benchmarks.rows import SCRATCH

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from pipeline.stores import read_store, upload
from stores.faults import Faults, start_faults
from stores.servers import Server, start_s3

KILLS = 100
FRAMES = Path(__file__).parents[1] / "examples" / "fruit" / "frames"
COMMIT_EVERY = "60"
VICTIMS = ("driver", "executor", "worker")
KILLS_EACH = 5


def start(source: str, out: str) -> "subprocess.Popen[bytes]":
    """Start a run in a process group of its own."""
    command = [sys.executable, "-m", "pomona", "run", source, "--out", out, "--quiet"]
    command += ["--commit-every", COMMIT_EVERY, "--master", "local[2]"]
    return subprocess.Popen(
        command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def strike(process: "subprocess.Popen[bytes]", victim: str) -> bool:
    """Kill one of a run's processes; return whether it was there."""
    if victim == "driver":
        if process.poll() is not None:
            return False
        os.killpg(process.pid, signal.SIGKILL)
        return True
    try:
        children = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return False
    for child in children:
        try:
            line = " ".join(child.cmdline())
            wanted = "org.apache.spark" in line if victim == "executor" else "pyspark" in line
            if wanted:
                child.kill()
                return True
        except psutil.Error:
            continue
    return False


def survive(
    source: str, out: str, root: str, whole: dict, kills: int, seed: int, longest_s: float
) -> Counter:
    """Kill runs at random moments; return what was counted."""
    dice = random.Random(seed)
    counts: Counter = Counter()
    while counts["kills"] < kills:
        clear(out)
        until = min(counts["kills"] + KILLS_EACH, kills)
        finished = False
        while not finished:
            process = start(source, out)
            if counts["kills"] < until:
                victim = dice.choice(VICTIMS)
                time.sleep(dice.uniform(1.0, longest_s))
                if strike(process, victim):
                    counts["kills"] += 1
                    counts[victim] += 1
            finished = process.wait(timeout=900) == 0
            end_group(process)
            compare(out, root, whole, counts, finished=finished)
            # What ends well though a worker was killed goes on with the next kill.
            counts["finished" if finished else "started again"] += 1
        print(dict(counts), file=sys.stderr, flush=True)
    return counts


def compare(out: str, root: str, whole: dict, counts: Counter, *, finished: bool) -> None:
    """Count what is lost, doubled or different."""
    from pomona.errors import OutputError

    try:
        # It raises AssertionError where a picture stands twice.
        held = read_store(out, root)
    except OutputError:
        held = {}
    except AssertionError:
        counts["doubled"] += 1
        return
    counts["different"] += sum(whole[name] != row for name, row in held.items())
    if finished:
        counts["lost"] += len(whole) - len(held)


def end_group(process: "subprocess.Popen[bytes]") -> None:
    """End what a killed driver left running."""
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def clear(out: str) -> None:
    """Delete a store."""
    from pomona.storage.locations import open_location

    open_location(out).delete_all()


@contextmanager
def use(server: Server) -> Iterator[None]:
    """Let this process and those it starts use a server."""
    from pomona.storage.buckets import forget_buckets

    before = dict(os.environ)
    os.environ.update(server.environment)
    forget_buckets()
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
        forget_buckets()


def show(name: str, counts: Counter) -> None:
    """Print a row of the table."""
    columns = ("kills", *VICTIMS, "started again", "finished", "lost", "doubled", "different")
    print(f"| {name} | " + " | ".join(str(counts[column]) for column in columns) + " |", flush=True)


def bench(kills: int = KILLS, only: str | None = None) -> None:
    """Print the table, or one row of it."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    source, whole_out = SCRATCH / "faults-source", SCRATCH / "faults-whole"
    for folder in (source, whole_out):
        shutil.rmtree(folder, ignore_errors=True)
    for label in sorted(FRAMES.iterdir())[:12]:
        shutil.copytree(label, source / label.name)
    began = time.monotonic()
    assert start(str(source), str(whole_out)).wait() == 0
    longest_s = time.monotonic() - began
    whole = read_store(whole_out, source)
    print(
        "| where | kills | of the driver | of the executor | of a worker | started again |", end=""
    )
    print(" finished | lost | doubled | different |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    out, half = SCRATCH / "faults-out", kills // 2
    if only in (None, "disk"):
        show("disk", survive(str(source), str(out), str(source), whole, half, 1, longest_s))
    if only in (None, "bucket"):
        with ExitStack() as stack:
            server = stack.enter_context(start_s3())
            stack.enter_context(use(server))
            photos, results = server.make_bucket("photos"), server.make_bucket("results")
            upload(source, photos)
            counts = survive(photos, results, photos, whole, kills - half, 2, longest_s)
            show("bucket", counts)
    if only in (None, "days"):
        have_bad_days(source, whole)


def have_bad_days(source: Path, whole: dict) -> None:
    """Run once from and to a bucket that fails often; print the row."""
    faults = Faults(errors=0.1, cut=0.05, lost=0.5)
    with ExitStack() as stack:
        server = stack.enter_context(start_s3())
        proxy = stack.enter_context(start_faults(server.url, faults))
        with use(server):
            photos, results = server.make_bucket("photos"), server.make_bucket("results")
            upload(source, photos)
        with use(server.at(proxy.url)):
            rc = start(photos, results).wait()
        counts: Counter = Counter(finished=int(rc == 0))
        with use(server):
            compare(results, photos, whole, counts, finished=True)
        show(f"bad days ({faults.counts})", counts)


if __name__ == "__main__":
    bench(int(sys.argv[1]) if len(sys.argv) > 1 else KILLS, *sys.argv[2:])
