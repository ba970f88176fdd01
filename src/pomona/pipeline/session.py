"""One Spark session for the stages of a verb, started by the first that needs it."""

import time
from typing import TYPE_CHECKING

from pomona.pipeline.clock import seconds_since
from pomona.settings import SparkSettings

if TYPE_CHECKING:
    from pomona.spark.session import SparkSession

__all__ = ["Session"]


class Session:
    """A session that may never be needed.

    Parameters
    ----------
    settings : SparkSettings, optional
    for_computing : bool
        The JVM computes: give it its optimising compiler.

    Attributes
    ----------
    seconds_start : float
        How long the start took; 0 where there was none.
    master, engine : str or None
        Where Spark ran, and what ran the network, once there was need.
    """

    def __init__(
        self, settings: SparkSettings | None = None, *, for_computing: bool = False
    ) -> None:
        self._settings = settings
        self._for_computing = for_computing
        self._spark: SparkSession | None = None
        self.seconds_start = 0.0
        self.master: str | None = None
        self.engine: str | None = None

    def get(self) -> "SparkSession":
        """Return the session, started if need be."""
        if self._spark is None:
            from pomona.spark.session import find_master, start_spark

            started = time.perf_counter()
            self._spark = start_spark(self._settings, for_computing=self._for_computing)
            self.master = find_master(self._spark)
            self.seconds_start = seconds_since(started)
        return self._spark

    @property
    def started(self) -> "SparkSession | None":
        """The session, if there is one."""
        return self._spark
