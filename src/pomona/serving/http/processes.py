"""Run the server: one socket, one or several processes, no log of who asked."""

import contextlib
import os
import shutil
import signal
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import resource_tracker
from typing import Any, Final

from uvicorn import Config, Server
from uvicorn.supervisors.multiprocess import Multiprocess

from pomona.errors import SetupError
from pomona.serving.app import create_app
from pomona.serving.http.refusals import MAX_HEAD_BYTES
from pomona.serving.http.slow_heads import TimedProtocol
from pomona.settings import ServeSettings

__all__ = ["bind", "configure", "serve"]


KEEP_ALIVE_S: Final = 15
# Longer than the longest wait for an answer: what was begun is finished.
SHUTDOWN_S: Final = 60
METRICS_FOLDER: Final = "PROMETHEUS_MULTIPROC_DIR"


def bind(settings: ServeSettings) -> socket.socket:
    """Return the socket on which the server will listen.

    Raises
    ------
    SetupError
        If the address is taken, forbidden or not this machine's.
    """
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(address)
    except OSError as error:
        raise SetupError(
            f"The server cannot listen on '{settings.host}' port '{settings.port}'. The system "
            f"says: {error.strerror}. Choose another --port or --host."
        ) from error
    bound.set_inheritable(True)
    return bound


def serve(
    settings: ServeSettings,
    bound: socket.socket,
    *,
    log_config: dict[str, Any],
    on_ready: Callable[[], None] = lambda: None,
) -> None:
    """Serve until the process is told to end; then finish what was begun.

    Parameters
    ----------
    settings : ServeSettings
    bound : socket
        From :func:`bind`.
    log_config : dict
        For :func:`logging.config.dictConfig`, in every process.
    on_ready : callable
        Called when the first process is about to take requests.

    Raises
    ------
    ModelError, SetupError
        If there is no recogniser, or it cannot be loaded.
    """
    if settings.workers == 1:
        app = create_app(settings)
        on_ready()
        Server(configure(settings, lambda: app, log_config)).run([bound])
        return
    with _metrics_folder(), _deaf_children():
        # A partial of a function at the top of a module travels to the other processes.
        config = configure(settings, partial(create_app, settings), log_config)
        bound.listen(config.backlog)
        on_ready()
        Multiprocess(config, [bound]).run()


def configure(
    settings: ServeSettings, factory: Callable[[], Any], log_config: dict[str, Any]
) -> Config:
    """Return how uvicorn runs the app: nothing logged of requests, limits on their heads.

    Parameters
    ----------
    settings : ServeSettings
    factory : callable
        Makes the app in the process that serves it.
    log_config : dict
        For :func:`logging.config.dictConfig`.
    """
    return Config(
        factory,
        factory=True,
        workers=settings.workers,
        http=TimedProtocol,
        ws="none",
        lifespan="on",
        log_config=log_config,
        access_log=False,
        server_header=False,
        # Nobody from outside may choose the address that the rate limit sees.
        proxy_headers=settings.behind_proxy,
        forwarded_allow_ips="127.0.0.1,::1",
        ssl_certfile=settings.tls_cert,
        ssl_keyfile=settings.tls_key,
        h11_max_incomplete_event_size=MAX_HEAD_BYTES,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_S,
    )


@contextmanager
def _deaf_children() -> Iterator[None]:
    """Start processes that Ctrl-C does not reach: this one hears it, and ends the others.

    Reached while it still imports its modules, a process would end with a traceback.
    """
    # Started later, with the first process, it would unblock the signal again.
    resource_tracker.ensure_running()
    ended = threading.Event()
    # A signal goes to any thread that does not block it; a process starts with its maker's mask.
    threading.Thread(target=ended.wait, name="pomona-ctrl-c", daemon=True).start()
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
        ended.set()


@contextmanager
def _metrics_folder() -> Iterator[None]:
    """Let the processes add up their counters: each keeps numbers, and only those, in a file."""
    folder = tempfile.mkdtemp(prefix="pomona-metrics-")
    os.environ[METRICS_FOLDER] = folder
    try:
        yield
    finally:
        with contextlib.suppress(KeyError):
            del os.environ[METRICS_FOLDER]
        shutil.rmtree(folder, ignore_errors=True)
