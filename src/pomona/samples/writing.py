"""Write a folder of labelled pictures, in as many processes as there are cores."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from pomona.errors import OutputError
from pomona.samples.limits import check_least, check_size
from pomona.samples.varieties import class_name, render_fruit

__all__ = ["write_samples"]

CHUNK = 200  # pictures per task: about 0.2 s of work, so progress moves and no core waits long


def write_samples(
    directory: Path,
    *,
    n_classes: int = 12,
    n_per_class: int = 50,
    seed: int = 0,
    size: int = 100,
    workers: int | None = None,
    on_progress: Callable[[int], None] | None = None,
) -> int:
    """Write a folder of labelled pictures, one sub-folder per variety, one full turn in each.

    Parameters
    ----------
    directory : Path
        Made if missing; pictures are ``directory / class name / 00000.jpg`` and so on. Those
        of the same name are replaced, other files stay.
    n_classes, n_per_class : int
        Varieties, and pictures of each; 1 or more.
    seed : int
        Same seed, same pictures, whatever ``workers`` is.
    size : int
        Side of a picture in pixels, 16 to 2048.
    workers : int, optional
        Processes; all cores if not given, none besides this one if 0 or 1.
    on_progress : callable, optional
        Called in this process with the number of pictures just written.

    Returns
    -------
    int
        Number of pictures written.

    Raises
    ------
    SettingsError
        If an argument is out of range.
    OutputError
        If the folders cannot be made.
    """
    check_least("n_classes", n_classes, 1)
    check_least("n_per_class", n_per_class, 1)
    check_least("seed", seed, 0)
    check_size(size)
    n_workers = (os.cpu_count() or 1) if workers is None else workers
    check_least("workers", n_workers, 0)
    chunks = [
        Chunk(directory, index, start, min(start + CHUNK, n_per_class), n_per_class, seed, size)
        for index in range(n_classes)
        for start in range(0, n_per_class, CHUNK)
    ]
    try:
        for index in range(n_classes):
            (directory / class_name(index, seed)).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"Cannot make folders in '{directory}'. The system says: {error.strerror}. "
            "Give a folder you may write to."
        ) from error
    total = 0
    for n_written in _write_chunks(chunks, n_workers=min(n_workers, len(chunks))):
        total += n_written
        if on_progress is not None:
            on_progress(n_written)
    return total


@dataclass(frozen=True, slots=True)
class Chunk:
    """Frames ``start`` to ``stop`` of one variety: the work of one task."""

    directory: Path
    class_index: int
    start: int
    stop: int
    n_frames: int
    seed: int
    size: int


def _write_chunks(chunks: list[Chunk], *, n_workers: int) -> Iterator[int]:
    if n_workers <= 1:
        yield from map(_write_chunk, chunks)
        return
    # Spawned processes: the caller may hold threads (Spark, a progress bar) that a fork breaks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(max_workers=n_workers, mp_context=context) as pool:
        try:
            for future in as_completed([pool.submit(_write_chunk, chunk) for chunk in chunks]):
                yield future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _write_chunk(chunk: Chunk) -> int:
    folder = chunk.directory / class_name(chunk.class_index, chunk.seed)
    for frame in range(chunk.start, chunk.stop):
        pixels = render_fruit(
            chunk.class_index, frame, n_frames=chunk.n_frames, seed=chunk.seed, size=chunk.size
        )
        data = BytesIO()
        Image.fromarray(pixels).save(data, "JPEG", quality=90, subsampling=2, optimize=False)
        (folder / f"{frame:05d}.jpg").write_bytes(data.getvalue())
    return chunk.stop - chunk.start
