"""Peer: Daft's native runner, files fetched by Daft, a class UDF for decoding and the network."""

# ruff: noqa: E402
import os
import time

STARTED = time.perf_counter()  # before the imports: they are part of the run

os.environ["DAFT_ANALYTICS_ENABLED"] = "0"  # daft reports its own import otherwise
os.environ["DAFT_PROGRESS_BAR"] = "0"

import daft
from columns import list_column
from daft import DataType, Series, col
from daft.functions import download
from harness import Peer, Settings, parse_settings, run_peer
from network import Extractor
from preprocess import label_of
from reduction import reduce_features

BATCH_SIZE = 16


class ExtractFeatures:
    """One of Daft's workers: holds the compiled network, turns file contents into vectors."""

    def __init__(self, model: str, threads: int) -> None:
        self._extractor = Extractor(model, threads)

    @daft.method.batch(return_dtype=DataType.list(DataType.float32()), batch_size=BATCH_SIZE)
    def features(self, contents: Series) -> Series:
        """Return one list of float for each file."""
        return Series.from_arrow(list_column(self._extractor.extract(contents.to_pylist())))


def extract(paths: list[str], settings: Settings) -> None:
    """Write path, label and features as Parquet."""
    daft.set_runner_native(num_threads=os.cpu_count())
    # Threads, not processes: Pillow and OpenVINO let go of the GIL, and threads start sooner.
    worker = daft.cls(ExtractFeatures, max_concurrency=settings.workers, use_process=False)
    extractor = worker(str(settings.model.resolve()), settings.threads)
    frame = daft.from_pydict({"path": paths, "label": [label_of(path) for path in paths]})
    features = frame.with_column("features", extractor.features(download(col("path"))))
    features.select("path", "label", "features").write_parquet(settings.out / "features")


PEER = Peer(
    name="daft_frame", packages=("daft", "openvino"), extract=extract, reduce=reduce_features
)

if __name__ == "__main__":
    run_peer(PEER, parse_settings(__doc__), started=STARTED)
