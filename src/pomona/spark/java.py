"""Java for Spark: the one of this machine, or Temurin in the user's cache."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit
from uuid import uuid4

from pomona.backbones.cache import default_cache
from pomona.errors import SetupError
from pomona.storage.locations import LocalLocation

__all__ = ["Java", "check_java", "fetch_java", "find_java", "java_cache", "use_java"]

MIN_JAVA: Final = 17
# Java 24 took the security manager away, which the Hadoop inside Spark 4.0 still asks for the user.
END_JAVA: Final = 24
SPARK_BEYOND: Final = (4, 1)
# The runtime alone is a quarter of the development kit, and has every module that Spark asks for.
VENDOR, BROUGHT, SIZE_MB = "temurin-jre", 17, 45
# Nobody is still fetching after this time.
ABANDONED_S: Final = 3600
VERSION: Final = re.compile(r'version "(?:1\.)?(\d+)')
INSTALL: Final = (
    "install Java (Debian, Ubuntu: 'apt-get install openjdk-17-jre-headless'; macOS: 'brew install "
    "openjdk@17'), or set JAVA_HOME to one"
)


@dataclass(frozen=True)
class Java:
    """A Java that answers.

    Parameters
    ----------
    command : Path
        The program ``java``.
    version : int
        Its feature number, such as 17.
    origin : {"JAVA_HOME", "PATH", "cache"}
        Where it was found.
    """

    command: Path
    version: int
    origin: Literal["JAVA_HOME", "PATH", "cache"]

    @property
    def fits(self) -> bool:
        """Whether the installed Spark runs on it."""
        return self.version >= MIN_JAVA and (self.version < END_JAVA or _spark() >= SPARK_BEYOND)


def java_cache() -> Path:
    """Return the folder that :func:`fetch_java` fills; ``current`` in it leads to the Java."""
    return default_cache() / "java"


def find_java() -> Java | None:
    """Return the Java that Spark will run on, or None.

    JAVA_HOME counts before the PATH, as it does for Spark; one that does not fit is passed over
    for the one in the cache.
    """
    return next((java for java in _answering() if java.fits), None)


def check_java() -> Java:
    """Return the Java that Spark will run on; refuse to go on without one.

    Raises
    ------
    SetupError
    """
    java = find_java()
    if java is not None:
        return java
    advice = (
        f"{_needs()} Run 'pomona doctor --fix', which brings one; or {INSTALL}. "
        "'pomona doctor' shows what is there."
    )
    other = next(_answering(), None)
    if other is not None:
        raise SetupError(f"The Java at '{other.command}' has version '{other.version}'. {advice}")
    home = os.environ.get("JAVA_HOME")
    raise SetupError(f"Java was not found{f' in {home!r}' if home else ''}. {advice}")


def use_java() -> Java:
    """Return the Java that Spark will run on, after telling Spark's scripts where it is.

    Raises
    ------
    SetupError
        If there is none.
    """
    java = check_java()
    if java.origin == "cache":
        os.environ["JAVA_HOME"] = str(java.command.parents[1])
    return java


def fetch_java(say: Callable[[str], object]) -> Java:
    """Bring Temurin, the Eclipse Foundation's Java, into the user's cache.

    Parameters
    ----------
    say : callable
        Is told in one line what comes and where to, before anything is fetched.

    Raises
    ------
    SetupError
        If it cannot be fetched, or does not run here.
    """
    import cjdk

    cache = java_cache()
    say(f"No Java for Spark here: fetching Temurin {BROUGHT} (about {SIZE_MB} MB) to '{cache}' ...")
    try:
        with _new_folder(LocalLocation(cache)) as folder:
            home = cjdk.java_home(
                vendor=VENDOR,
                version=str(BROUGHT),
                cache_dir=folder,
                progress=sys.stderr.isatty(),
            )
            _point_to(home, cache / "current")
    except (cjdk.CjdkError, OSError) as error:
        raise SetupError(
            f"Java could not be fetched: {_reason(error)}. {_needs()} Behind a proxy set "
            f"HTTPS_PROXY and try again; or {INSTALL}."
        ) from error
    java = _ask(cache / "current" / "bin" / "java", "cache")
    if java is None or not java.fits:
        raise SetupError(
            f"The Java that was fetched into '{cache}' does not run here. {_needs()} Delete that "
            f"folder and {INSTALL}."
        )
    return java


def _answering() -> Iterator[Java]:
    home = os.environ.get("JAVA_HOME")
    java = os.path.join(home, "bin", "java") if home else shutil.which("java")
    if java and (here := _ask(Path(java), "JAVA_HOME" if home else "PATH")):
        yield here
    if cached := _ask(java_cache() / "current" / "bin" / "java", "cache"):
        yield cached


def _ask(command: Path, origin: Literal["JAVA_HOME", "PATH", "cache"]) -> Java | None:
    if not command.is_file():
        return None
    try:
        answer = subprocess.run(
            [command, "-version"], capture_output=True, text=True, timeout=60, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    match = VERSION.search(answer.stderr + answer.stdout)
    return Java(command, int(match[1]), origin) if match else None


def _spark() -> tuple[int, ...]:
    return tuple(int(part) for part in version("pyspark").split(".")[:2])


def _needs() -> str:
    return f"Spark {'.'.join(map(str, _spark()))} needs Java 17 or 21."


@contextmanager
def _new_folder(cache: LocalLocation) -> Iterator[Path]:
    """Give a folder that is gone if its content does not come.

    A new one each time: cjdk marks what it is fetching, and a mark that a killed process left
    would stop all that come after.
    """
    for other in cache.list():
        age_s = time.time() - cache.local_file(other).lstat().st_mtime
        if other.startswith(f"{VENDOR}-") and age_s > ABANDONED_S:
            cache.delete(other)
    name = f"{VENDOR}-{uuid4().hex[:8]}"
    cache.at(name).make()
    try:
        yield cache.local_file(name)
    except BaseException:
        cache.delete(name)
        raise


def _point_to(home: Path, link: Path) -> None:
    # In one step, so that another process never meets half a link; relative, so that the cache
    # may be moved.
    unfinished = link.with_name(f".current-{os.getpid()}")
    unfinished.unlink(missing_ok=True)
    unfinished.symlink_to(os.path.relpath(home, link.parent))
    unfinished.replace(link)


def _reason(error: Exception) -> str:
    # requests wraps three errors into each other; people need the address that does not answer.
    cause = error.__cause__
    request = getattr(cause, "request", None)
    if request is not None and getattr(cause, "response", None) is None:
        return f"'{urlsplit(request.url).hostname}' cannot be reached"
    return str(error).rstrip(".")


def main() -> int:
    """Make sure that there is a Java for Spark: ``python -m pomona.spark.java``."""
    try:
        if find_java() is None:
            fetch_java(lambda line: sys.stderr.write(f"{line}\n"))
    except SetupError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
