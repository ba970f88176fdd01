"""Spark's JVM: what it and the Python workers print goes into Pomona's log, not to the terminal."""

import contextlib
import logging
import os
import threading
from collections import deque
from dataclasses import dataclass
from typing import Final

from py4j.java_gateway import JavaGateway
from pyspark import SparkConf
from pyspark.java_gateway import launch_gateway

__all__ = ["Jvm", "JvmError", "is_verbose", "launch_jvm"]

# Its lines have the level DEBUG: `--verbose` shows them.
logger = logging.getLogger(__name__)
N_LAST_WORDS: Final = 12
PATIENCE_S: Final = 5.0


class JvmError(RuntimeError):
    """The JVM ended before it could be talked to; the text is what it printed last."""


@dataclass(frozen=True)
class Jvm:
    """A running JVM.

    Parameters
    ----------
    gateway : JavaGateway
        Through which Python talks to it.
    words : deque of str
        What it printed last, kept up to date.
    """

    gateway: JavaGateway
    words: deque[str]


def is_verbose() -> bool:
    """Return whether somebody wants to see what the JVM prints."""
    return logger.isEnabledFor(logging.DEBUG)


def launch_jvm(conf: SparkConf) -> Jvm:
    """Start the JVM of a local session.

    Raises
    ------
    JvmError
        If it does not come up.
    """
    words: deque[str] = deque(maxlen=N_LAST_WORDS)
    is_up = threading.Event()
    reading, writing = os.pipe()
    # A thread, not a file: nothing is left behind, and a full disk cannot stop the JVM.
    reader = threading.Thread(
        target=_follow, args=(reading, words, is_up), name="spark-jvm-log", daemon=True
    )
    reader.start()
    try:
        gateway = launch_gateway(conf, {"stdout": writing, "stderr": writing})  # type: ignore[no-untyped-call]
        is_up.set()
    except Exception as error:
        os.close(writing)
        reader.join(PATIENCE_S)
        raise JvmError("\n".join(words) or str(error)) from error
    os.close(writing)
    return Jvm(gateway, words)


def _follow(reading: int, words: deque[str], is_up: threading.Event) -> None:
    # A line is whatever a worker printed: never stop at bytes that are no text.
    with os.fdopen(reading, encoding="utf-8", errors="replace") as lines:
        for line in lines:
            words.append(line.rstrip())
            logger.debug("%s", line.rstrip())
    # The JVM lives as long as this process. Where it is gone before, every call fails without
    # saying why; during a start the caller says it.
    if is_up.is_set():
        with contextlib.suppress(Exception):
            logger.error(
                "Spark's Java has ended by itself. Without it nothing more can be computed. Start "
                "again, with more memory if it ran out (--conf spark.driver.memory=8g). Its last "
                "words:\n%s",
                "\n".join(f"  {word}" for word in words),
            )
