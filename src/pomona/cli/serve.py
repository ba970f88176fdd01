"""``pomona serve``: the phone app's server."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any

import typer

from pomona.cli.options import command
from pomona.settings import ConsoleSettings, ServeSettings

__all__ = ["app"]

app = typer.Typer()


@command(app, example="pomona serve --model result --host 0.0.0.0 --tls-self-signed")
def serve(settings: ServeSettings, console: ConsoleSettings) -> None:
    """Serve the phone app: photograph a fruit, learn what it is. No photograph is kept."""
    _check_extra()
    with _certificate(settings) as secured:
        _serve(secured, quiet=console.quiet, log_json=console.log_json)


def _serve(settings: ServeSettings, *, quiet: bool, log_json: bool) -> None:
    from pomona.recognition.model import read_model
    from pomona.serving.http.processes import bind, serve

    # Said here, before processes start that could only fail.
    read_model(settings.model)
    # Without this the system's way to end a process would leave the certificate's key behind.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    with suppress(KeyboardInterrupt), bind(settings) as bound:
        port = bound.getsockname()[1]

        def on_ready() -> None:
            if not quiet:
                _say_where(settings, port)

        serve(
            settings,
            bound,
            log_config=_log_config(quiet=quiet, log_json=log_json),
            on_ready=on_ready,
        )


def _say_where(settings: ServeSettings, port: int) -> None:
    from pomona.serving.http.addresses import draw_qr_code, find_urls

    urls = find_urls(settings.host, port, tls=settings.tls_cert is not None)
    if settings.host not in ("127.0.0.1", "localhost", "::1"):
        typer.echo(draw_qr_code(urls[0]))
    for url in urls:
        typer.echo(f"Pomona is at {url}")
    typer.echo("Ctrl-C ends it.")


@contextmanager
def _certificate(settings: ServeSettings) -> Iterator[ServeSettings]:
    if not settings.tls_self_signed:
        yield settings
        return
    from pomona.serving.http.addresses import lan_addresses
    from pomona.serving.http.certificates import temporary_certificate

    with temporary_certificate([*lan_addresses(), settings.host]) as (certificate, key):
        yield replace(settings, tls_self_signed=False, tls_cert=certificate, tls_key=key)


def _check_extra() -> None:
    from importlib.util import find_spec

    from pomona.errors import SetupError

    needed = (
        "fastapi",
        "uvicorn",
        "python_multipart",
        "prometheus_client",
        "qrcode",
        "cryptography",
    )
    missing = [name for name in needed if find_spec(name) is None]
    if missing:
        raise SetupError(
            f"The server needs '{missing[0]}', which is not installed. It belongs to an extra of "
            "pomona. Run: pip install 'pomona[serve]'; 'pomona doctor' shows what is there."
        )


def _log_config(*, quiet: bool, log_json: bool) -> dict[str, Any]:
    """Return what every process logs: failures, never who asked or for what."""
    formatter: dict[str, Any] = {"()": "pomona.cli.console.JsonFormatter"}
    if not log_json:
        formatter = {"format": "%(asctime)s %(message)s", "datefmt": "%H:%M:%S"}
    level = "WARNING" if quiet else "INFO"
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": formatter},
        "handlers": {
            "stderr": {
                "class": "logging.StreamHandler",
                "stream": "ext://sys.stderr",
                "formatter": "lines",
            }
        },
        # What libraries say is about what clients send; python-multipart quotes it.
        "root": {"handlers": ["stderr"], "level": "CRITICAL"},
        "loggers": {
            "pomona": {"handlers": ["stderr"], "level": level, "propagate": False},
            "uvicorn": {"level": "ERROR"},
        },
    }
