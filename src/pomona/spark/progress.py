"""Follow a Spark job from the driver and report how many pictures are done."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from pyspark.sql import SparkSession

from pomona.schema import OnProgress
from pomona.spark.session import cancel_jobs, count_finished_tasks, name_jobs

__all__ = ["follow"]

INTERVAL_S: Final = 0.25


@contextmanager
def follow(
    spark: SparkSession,
    *,
    group: str,
    n_images: int = 0,
    n_tasks: int = 1,
    on_progress: OnProgress | None = None,
) -> Iterator[None]:
    """Call ``on_progress(done, n_images)`` while the jobs started inside this block run.

    Tasks hold equally many pictures, so the finished tasks of the last stage tell how many are
    done. Jobs are tagged, so that Ctrl-C cancels just these.
    """
    name_jobs(spark, group)
    ended = threading.Event()
    thread = threading.Thread(
        target=_watch,
        args=(spark, group, n_images, n_tasks, on_progress, ended),
        name="pomona-progress",
        daemon=True,
    )
    if on_progress is not None:
        on_progress(0, n_images)
        thread.start()
    try:
        with _ctrl_c(lambda: cancel_jobs(spark, group)):
            yield
    except BaseException:
        cancel_jobs(spark, group)
        raise
    else:
        if on_progress is not None:
            on_progress(n_images, n_images)
    finally:
        ended.set()
        if thread.is_alive():
            thread.join(timeout=5)


@contextmanager
def _ctrl_c(cancel: Callable[[], None]) -> Iterator[None]:
    """Turn Ctrl-C into ``cancel()`` and KeyboardInterrupt.

    Interrupted in the middle of a call to the JVM, Py4J would raise an error of its own instead.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    pressed = threading.Event()

    def handle(*_: object) -> None:
        pressed.set()
        cancel()

    before = signal.signal(signal.SIGINT, handle)
    try:
        yield
    except Exception as error:
        if pressed.is_set():
            raise KeyboardInterrupt from error
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    if pressed.is_set():
        raise KeyboardInterrupt


def _watch(
    spark: SparkSession,
    group: str,
    n_images: int,
    n_tasks: int,
    on_progress: OnProgress,
    ended: threading.Event,
) -> None:
    while not ended.wait(INTERVAL_S):
        n_done = count_finished_tasks(spark, group, n_tasks=n_tasks)
        if not ended.is_set():
            on_progress(n_done * n_images // n_tasks, n_images)
