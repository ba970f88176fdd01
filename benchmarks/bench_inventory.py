"""An inventory of 20 million pictures against a store of as many: compared, and nothing read.

``python -m benchmarks.bench_inventory [PICTURES]``. Both sides are invented; a thousand pictures
are new, a thousand have another ETag, a thousand have gone, and a thousand have another label.
"""

import os
import resource
import secrets
import shutil
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.rows import SCRATCH, Row, emit
from pomona import schema
from pomona.pipeline.compare import compared
from pomona.pipeline.plan import plan_extract
from pomona.pipeline.session import Session
from pomona.settings import SourceSettings, SparkSettings, UpdateSettings
from pomona.storage.claims import claim
from pomona.storage.locations import open_location
from pomona.storage.state import create_store
from pomona.storage.table import NewFile, commit, read_snapshot

PICTURES = 20_000_000
FILE_ROWS = 500_000
CHANGED = 1000


def hexadecimal(n: int, width: int) -> pa.Array:
    """Return ``n`` random texts."""
    text = secrets.token_bytes(n * width // 2).hex().encode()
    offsets = pa.py_buffer(np.arange(0, n * width + 1, width, dtype=np.int32))
    return pa.StringArray.from_buffers(n, offsets, pa.py_buffer(text))


def name_pictures(start: int, stop: int) -> tuple[pa.Array, pa.Array]:
    """Return keys and labels."""
    numbers = pa.array(np.arange(start, stop))
    labels = pc.binary_join_element_wise("fruit", pc.divide(numbers, 10_000).cast(pa.string()), "-")
    digits = pc.utf8_lpad(numbers.cast(pa.string()), 9, "0")
    names = pc.binary_join_element_wise(labels, digits, "/")
    return pc.binary_join_element_wise(names, "jpg", "."), labels


def invent(n: int, lists: Path, out: Path, fingerprint: str) -> None:
    """Write an inventory as S3 does, and let the store hold nearly the same."""
    place = open_location(out).at("features")
    files = []
    lists.mkdir(parents=True)
    for start in range(0, n, FILE_ROWS):
        stop = min(start + FILE_ROWS, n)
        rows = stop - start
        keys, labels = name_pictures(start, stop)
        etags = hexadecimal(rows, 32)
        sizes = pa.array(np.random.default_rng(start).integers(10_000, 90_000, rows))
        times = pa.array(np.full(rows, 1_780_000_000_000_000), pa.timestamp("us", tz="UTC"))
        columns = {
            "bucket": pa.array(["photos"] * rows).dictionary_encode(),
            "key": keys,
            "size": sizes,
            "last_modified_date": times,
            "e_tag": etags,
        }
        listed = pa.table(columns)
        shown = etags
        if start == 0:
            # The first thousand are gone, and the next ones were written to.
            listed = listed.slice(CHANGED)
            shown = pa.concat_arrays([etags.slice(0, CHANGED), hexadecimal(CHANGED, 32)])
            shown = pa.concat_arrays([shown, etags.slice(2 * CHANGED)])
            labels = pa.concat_arrays(
                [
                    labels.slice(0, 2 * CHANGED),
                    pa.array(["other"] * CHANGED),
                    labels.slice(3 * CHANGED),
                ]
            )
        pq.write_table(listed, lists / f"{start:09d}.parquet")
        held = {
            schema.PICTURE_ID: hexadecimal(rows, 32),
            schema.PATH: pc.binary_join_element_wise("s3://photos", keys, "/"),
            schema.LABEL: labels,
            schema.CONTENT_SHA256: hexadecimal(rows, 64),
            schema.ETAG: pc.binary_join_element_wise('"', shown, '"', ""),
            schema.SIZE: sizes,
            schema.MTIME: times,
            schema.FINGERPRINT: pa.array([fingerprint] * rows).dictionary_encode(),
        }
        table = pa.table(
            [
                held[field.name].cast(field.type)
                if field.name in held
                # Vectors are never looked at.
                else pa.nulls(rows, field.type)
                for field in schema.STORED_FEATURES
            ],
            schema=schema.STORED_FEATURES,
        )
        name = f"part-20260101T000000-00000000-{start:09d}.parquet"
        pq.write_table(table, place.local_file(name))
        files.append(NewFile(name, place.local_file(name).stat().st_size, rows))
    keys, _ = name_pictures(n, n + CHANGED)
    new = pa.table({"bucket": ["photos"] * CHANGED, "key": keys, "size": [1] * CHANGED})
    new = new.append_column("last_modified_date", times.slice(0, CHANGED))
    new = new.append_column("e_tag", hexadecimal(CHANGED, 32))
    pq.write_table(new, lists / "new.parquet")
    seen = read_snapshot(place)
    assert seen is not None
    commit(place, seen, schema.STORED_FEATURES, add=files)


def bench(n: int = PICTURES) -> None:
    """Emit the row."""
    lists, out = SCRATCH / "inventory-lists", SCRATCH / "inventory-out"
    for folder in (lists, out):
        shutil.rmtree(folder, ignore_errors=True)
    source = SourceSettings("s3://photos")
    spark = SparkSettings(master="local[2]")
    lists.mkdir(parents=True)
    pq.write_table(
        pa.table({"key": ["a"], "size": [1], "e_tag": ["e"]}), lists / "placeholder.parquet"
    )
    updating = UpdateSettings(inventory=str(lists))
    plan = plan_extract(source, str(out), update_settings=updating, spark_settings=spark)
    create_store(plan.out, plan.properties)
    shutil.rmtree(lists)
    invent(n, lists, out, plan.backbone.spec.fingerprint())
    session = Session(spark, for_computing=True)
    session.get()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    idle = psutil.Process().memory_info().rss / 1e6
    peak = Watcher()
    started = time.perf_counter()
    plan = plan_extract(source, str(out), update_settings=updating, spark_settings=spark)
    with claim(plan.out) as mine, compared(plan, mine, session) as plan:
        seconds = time.perf_counter() - started
        fetched, held = plan.changes.cut(0, plan.changes.n_fetch)
        counts = plan.changes.counts
    driver, worker, jvm = peak.end()
    wanted = {"new": CHANGED, "changed": CHANGED, "gone": CHANGED, "relabelled": CHANGED}
    right = {name: counts[name] for name in wanted} == wanted and len(fetched) == 2 * CHANGED
    right = right and plan.state is not None and len(plan.state.keys) == 3 * CHANGED
    note = (
        f"driver {driver - idle:.0f} MB more at its peak, a worker {worker:.0f} MB, Java "
        f"{jvm:.0f} MB; {os.cpu_count()} cores; inventory "
        f"{sum(file.stat().st_size for file in lists.iterdir()) / 1e6:.0f} MB"
    )
    del before, held
    quality = f"the differences {'exactly' if right else f'WRONG: {counts}'}"
    emit(
        [Row(f"inventory of {n:,} against a store", "pomona", seconds, n / seconds, quality, note)]
    )


class Watcher:
    """The most that driver, worker and Java held."""

    def __init__(self) -> None:
        import threading

        self._most = [0.0, 0.0, 0.0]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        me = psutil.Process()
        while not self._ended.wait(0.5):
            self._note(0, me)
            for child in me.children(recursive=True):
                try:
                    self._note(2 if "java" in child.name() else 1, child)
                except psutil.Error:
                    continue

    def _note(self, place: int, process: psutil.Process) -> None:
        self._most[place] = max(self._most[place], process.memory_info().rss / 1e6)

    def end(self) -> tuple[float, float, float]:
        """Return megabytes."""
        self._ended.set()
        self._thread.join()
        return self._most[0], self._most[1], self._most[2]


if __name__ == "__main__":
    bench(int(sys.argv[1]) if len(sys.argv) > 1 else PICTURES)
