"""One recogniser per process, shared by threads; photographs queue for them, and not for ever."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

from pomona.errors import ImageError
from pomona.recognition.decisions import Answer, combine_scores
from pomona.recognition.head import Scores
from pomona.recognition.recogniser import Recogniser, join_scores, load_recogniser
from pomona.recognition.views import prepare_views
from pomona.serving.heic import HeicDecoder
from pomona.serving.http.refusals import RefusalError, from_image_error
from pomona.serving.photos import decode_photo, give_memory_back
from pomona.settings import Limits, ServeSettings

__all__ = ["Identified", "Predictor", "count_threads", "open_predictor"]

T = TypeVar("T")

FIRST_GUESS_S: Final = 0.05
# Weight of the newest photograph in the running mean of seconds.
NEWEST: Final = 0.1


@dataclass(frozen=True)
class Identified:
    """One answer and what it cost.

    Parameters
    ----------
    answer : Answer
    scores : Scores
        Of all photographs together.
    decode_s, network_s : float
        Seconds, all photographs added.
    total_s : float
        Seconds from the question to the answer, waiting included.
    """

    answer: Answer
    scores: Scores
    decode_s: float
    network_s: float
    total_s: float


@dataclass(frozen=True)
class _Seen:
    scores: Scores
    decode_s: float
    network_s: float


class Predictor:
    """Answers to photographs; made by :func:`open_predictor`.

    Parameters
    ----------
    recogniser : Recogniser
        Safe to share between threads.
    n_threads : int
        Photographs looked at at the same time.
    limits : Limits
    """

    def __init__(self, recogniser: Recogniser, *, n_threads: int, limits: Limits) -> None:
        self.recogniser = recogniser
        self.n_threads = n_threads
        self.pending = 0
        self.heic = HeicDecoder()
        self._limits = limits
        self._pool = ThreadPoolExecutor(n_threads, thread_name_prefix="recognise")
        self._mean_s = FIRST_GUESS_S

    def check_room(self, n: int = 1) -> None:
        """Refuse at once what could only wait in vain.

        Raises
        ------
        RefusalError
            503 with ``Retry-After``, if the queue is full.
        """
        if self.pending + n > self._limits.max_pending:
            wait_s = self.pending * self._mean_s / self.n_threads
            raise _busy(max(1, math.ceil(wait_s)))

    async def identify(self, photos: Sequence[bytes], *, top: int) -> Identified:
        """Return one answer to all photographs of one fruit.

        Parameters
        ----------
        photos : sequence of bytes
            Whole files.
        top : int
            How many candidates to name.

        Raises
        ------
        RefusalError
            413, 415 or 422 for a photograph that cannot be used, 503 if too many wait.
        """
        started = time.perf_counter()
        self.check_room(len(photos))
        seen = await self._look_at(photos)
        scores = join_scores([one.scores for one in seen])
        return Identified(
            self.recogniser.decide(scores, top=top),
            combine_scores(scores),
            sum(one.decode_s for one in seen),
            sum(one.network_s for one in seen),
            time.perf_counter() - started,
        )

    async def run(self, work: Callable[..., T], *args: Any) -> T:
        """Do something else with a photograph in the same queue.

        Raises
        ------
        RefusalError
            503 if too many wait.
        """
        self.check_room()
        self.pending += 1
        try:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self._pool, partial(work, *args))
        finally:
            self.pending -= 1

    def close(self) -> None:
        """Finish what was begun and end the threads."""
        self._pool.shutdown(wait=True)
        self.heic.close()

    async def _look_at(self, photos: Sequence[bytes]) -> list[_Seen]:
        loop = asyncio.get_running_loop()
        give_up = time.monotonic() + self._limits.pending_s
        self.pending += len(photos)
        tasks = [
            loop.run_in_executor(self._pool, self._look_at_one, photo, number, give_up)
            for number, photo in enumerate(photos, 1)
        ]
        for task in tasks:
            task.add_done_callback(self._count_down)
        try:
            return list(await asyncio.gather(*tasks))
        except BaseException:
            for task in tasks:
                task.cancel()
            raise

    def _count_down(self, task: "asyncio.Future[_Seen]") -> None:
        self.pending -= 1
        if task.cancelled() or task.exception() is not None:
            return
        seen = task.result()
        took_s = seen.decode_s + seen.network_s
        self._mean_s += NEWEST * (took_s - self._mean_s)

    def _look_at_one(self, photo: bytes, number: int, give_up: float) -> _Seen:
        if time.monotonic() > give_up:
            raise _busy(math.ceil(self._limits.pending_s))
        started = time.perf_counter()
        try:
            image = decode_photo(photo, limits=self._limits, heic=self.heic)
        except ImageError as error:
            raise from_image_error(error, number=number) from error
        views = prepare_views(image, self.recogniser.model.preprocessing)
        # The network does not need it, and it may be large.
        del image
        decoded = time.perf_counter()
        scores = combine_scores(self.recogniser.score_pixels(views))
        return _Seen(scores, decoded - started, time.perf_counter() - decoded)


def open_predictor(settings: ServeSettings) -> Predictor:
    """Load the recogniser once for this process.

    Raises
    ------
    ModelError, SetupError
        As :func:`pomona.recognition.recogniser.load_recogniser`.
    """
    give_memory_back()
    n_threads = count_threads(settings)
    recogniser = load_recogniser(settings.model, n_threads=n_threads, n_streams=n_threads)
    return Predictor(recogniser, n_threads=n_threads, limits=settings.limits)


def count_threads(settings: ServeSettings) -> int:
    """Return how many photographs one process looks at at the same time."""
    if settings.threads is not None:
        return settings.threads
    import os

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, (cores or 1) // settings.workers)


def _busy(retry_after_s: int) -> RefusalError:
    return RefusalError(
        *(503, "busy", "More photographs wait than the server can look at."),
        f"Try again in {retry_after_s} s.",
        retry_after_s=retry_after_s,
    )
