"""A bucket of a million keys: how long its listing takes, and how much the driver holds.

The server invents its pages in a process of its own; no emulator has so many keys.
"""

import os
import subprocess
import sys
from pathlib import Path

from benchmarks.rows import Row, emit

TESTS = Path(__file__).parents[1] / "tests"
sys.path.insert(0, str(TESTS))

from stores.listing_server import start_listing  # noqa: E402  tests are no package of ours

N_KEYS = 1_000_000
MEASURE = """
import resource, time
from pomona.pictures.changes import find_changes
from pomona.pictures.listing import list_images
from pomona.schema import KEYS
from pomona.settings import SourceSettings
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
import pomona.storage.objects, obstore
idle, started = peak(), time.perf_counter()
listing = list_images(SourceSettings("s3://pictures"))
seconds, listed = time.perf_counter() - started, peak()
changes = find_changes(listing.pictures, KEYS.empty_table(), fingerprint="x")
compared = time.perf_counter() - started - seconds
print(seconds, listed - idle, listing.n_images, changes.n_fetch, compared, peak() - idle)
"""


def bench() -> None:
    """Emit the row."""
    with start_listing(N_KEYS) as environment:
        command = [sys.executable, "-c", MEASURE]
        done = subprocess.run(
            command, env=os.environ | environment, stdout=subprocess.PIPE, text=True, check=True
        )
    seconds, megabytes, n_images, n_new, compared, peak = map(float, done.stdout.split())
    quality = f"{n_images:,.0f} pictures listed, {n_new:,.0f} of them new"
    note = (
        f"driver holds {megabytes:.0f} MB more at its peak (goal 300); the comparison takes "
        f"{compared:.1f} s more, and {peak:.0f} MB"
    )
    name = f"listing of {N_KEYS:,} keys"
    emit([Row(name, "pomona", seconds, n_images / seconds, quality, note)])


if __name__ == "__main__":
    bench()
