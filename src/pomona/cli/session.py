"""One command: its log, and its exit code when Pomona refuses on purpose."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from pomona.errors import PomonaError, SettingsError

__all__ = ["command_session"]

EXIT_FAILED: Final = 1
EXIT_WRONG_USE: Final = 2
EXIT_INTERRUPTED: Final = 130


@contextmanager
def command_session(*, quiet: bool = False, log_json: bool = False) -> Iterator[None]:
    """Run the body of a command; an error raised on purpose is one line and never a traceback."""
    from pomona.cli.console import set_up_logging

    set_up_logging(quiet=quiet, as_json=log_json)
    logger = logging.getLogger("pomona")
    try:
        yield
    except PomonaError as error:
        logger.error("Error: %s", error)
        sys.exit(EXIT_WRONG_USE if isinstance(error, SettingsError) else EXIT_FAILED)
    except KeyboardInterrupt:
        logger.error("Stopped. What was committed is kept; start the same command again to go on.")
        sys.exit(EXIT_INTERRUPTED)
