"""Peer: Ray Data, a pool of actors that read, decode and run the network, on this machine."""

# ruff: noqa: E402
import os
import time

STARTED = time.perf_counter()  # before the imports: they are part of the run

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # read by ray when it is imported

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import ray
from columns import list_column
from harness import Peer, Settings, parse_settings, run_peer
from network import Extractor
from preprocess import label_of
from reduction import reduce_features

BATCH_SIZE = 16
# Few blocks, because Ray spends time on each; several per actor, so that no actor ends much later.
BLOCKS_PER_ACTOR = 4
BLOCK_SIZE_LIMIT = 1024
# Actors reserve half of the cores and a writer a quarter of one: with all cores reserved the tasks
# that write Parquet would wait for ever. It is Ray's book-keeping only and limits no process.
CORES_SHARE_OF_ACTORS = 0.5
CORES_PER_WRITER = 0.25
# Ray takes 30 % of the memory by default; the vectors of 100,000 pictures need 0.5 GB.
OBJECT_STORE_BYTES = 2 * 1024**3


class ExtractFeatures:
    """One actor: holds the compiled network, turns paths into rows."""

    def __init__(self, model: str, threads: int) -> None:
        self._extractor = Extractor(model, threads)

    def __call__(self, batch: pa.Table) -> pa.Table:
        """Return path, label and features for a batch with a column ``path``."""
        paths = batch.column("path").to_pylist()
        features = self._extractor.extract([Path(path).read_bytes() for path in paths])
        labels = [label_of(path) for path in paths]
        return pa.table({"path": paths, "label": labels, "features": list_column(features)})


@contextlib.contextmanager
def start_ray(settings: Settings) -> Iterator[None]:
    """Run a Ray instance of one node for this process alone."""
    ray.init(
        num_cpus=os.cpu_count(),
        include_dashboard=False,
        log_to_driver=False,
        logging_level=logging.ERROR,
        object_store_memory=OBJECT_STORE_BYTES,
        _node_ip_address="127.0.0.1",
    )
    ray.data.DataContext.get_current().enable_progress_bars = False
    try:
        yield
    finally:
        ray.shutdown()


def extract(paths: list[str], settings: Settings) -> None:
    """Write path, label and features as Parquet."""
    # Paths, not read_binary_files: its reading tasks compete with the actors for the same cores.
    items = ray.data.from_items(
        [{"path": path} for path in paths],
        override_num_blocks=count_blocks(len(paths), settings.workers),
    )
    features = items.map_batches(
        ExtractFeatures,
        fn_constructor_args=(str(settings.model.resolve()), settings.threads),
        batch_size=BATCH_SIZE,
        batch_format="pyarrow",
        compute=ray.data.ActorPoolStrategy(size=settings.workers),
        num_cpus=CORES_SHARE_OF_ACTORS * (os.cpu_count() or 1) / settings.workers,
    )
    features.write_parquet(
        str((settings.out / "features").resolve()), ray_remote_args={"num_cpus": CORES_PER_WRITER}
    )


def count_blocks(n_images: int, workers: int) -> int:
    """Return the number of blocks that the paths are cut into."""
    wanted = max(workers * BLOCKS_PER_ACTOR, -(-n_images // BLOCK_SIZE_LIMIT))
    return min(wanted, n_images)


PEER = Peer(
    name="ray_data",
    packages=("ray", "openvino"),
    extract=extract,
    reduce=reduce_features,
    session=start_ray,
)

if __name__ == "__main__":
    run_peer(PEER, parse_settings(__doc__), started=STARTED)
