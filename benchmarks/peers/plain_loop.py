"""Peer: one Python process, Pillow and OpenVINO's asynchronous queue, no framework at all."""

# ruff: noqa: E402
import time

STARTED = time.perf_counter()  # before the imports: they are part of the run

from pathlib import Path

import numpy as np
import openvino as ov
import pyarrow as pa
import pyarrow.parquet as pq
from columns import list_column
from harness import Peer, Settings, parse_settings, run_peer
from network import OUTPUT_NAME, compile_network
from numpy.typing import NDArray
from preprocess import decode_image, label_of, to_network_input
from reduction import reduce_features


def load_image(path: str) -> NDArray[np.float32]:
    """Return one file as network input of shape (1, 3, 224, 224)."""
    return to_network_input(decode_image(Path(path).read_bytes())[np.newaxis])


def compute_features(paths: list[str], settings: Settings) -> NDArray[np.float32]:
    """Return float32 features of shape (n_images, n_features), in the order of ``paths``."""
    network = compile_network(settings.model, PERFORMANCE_HINT="THROUGHPUT")
    width = network.output(OUTPUT_NAME).partial_shape[1].get_length()
    features = np.empty((len(paths), width), dtype=np.float32)

    def store(request: ov.InferRequest, row: int) -> None:
        features[row] = request.get_tensor(OUTPUT_NAME).data[0]

    queue = ov.AsyncInferQueue(network)
    queue.set_callback(store)
    for row, path in enumerate(paths):
        # Waits for a free request, so no more than a few pictures are in memory at a time.
        queue.start_async([load_image(path)], userdata=row)
    queue.wait_all()
    return features


def extract(paths: list[str], settings: Settings) -> None:
    """Write path, label and features as one Parquet file."""
    features = compute_features(paths, settings)
    labels = [label_of(path) for path in paths]
    columns = {"path": paths, "label": labels, "features": list_column(features)}
    folder = settings.out / "features"
    folder.mkdir(parents=True)
    pq.write_table(pa.table(columns), folder / "part-0.parquet")


PEER = Peer(name="plain_loop", packages=("openvino",), extract=extract, reduce=reduce_features)

if __name__ == "__main__":
    run_peer(PEER, parse_settings(__doc__), started=STARTED)
