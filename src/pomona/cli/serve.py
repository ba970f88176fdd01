"""``pomona serve`` and ``pomona contributions``: the phone app's server and what it was given."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from pomona.cli.options import Config, LogJson, Model, Quiet, option
from pomona.cli.session import command_session

if TYPE_CHECKING:
    from pomona.serving import ServeSettings
    from pomona.serving.contributions.store import ContributionStore

__all__ = ["app"]

app = typer.Typer()
contributions_app = typer.Typer(
    help="Look after contributed photographs.",
    epilog="Example: pomona contributions delete CODE --folder contributions",
    no_args_is_help=True,
)
app.add_typer(contributions_app, name="contributions")

LISTEN: Final = "Where to listen"
LOAD: Final = "Load"
PEOPLE: Final = "People"


@app.command(epilog="Example: pomona serve --model result --host 0.0.0.0 --tls-self-signed")
def serve(
    model: Model = None,
    host: Annotated[
        str,
        option("Address to listen on; 0.0.0.0 lets phones in.", "--host", panel=LISTEN),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        option("Port to listen on; 0 takes a free one.", "--port", min=0, max=65535, panel=LISTEN),
    ] = 8000,
    tls_cert: Annotated[
        Path | None,
        option("Certificate for HTTPS, PEM.", "--tls-cert", panel=LISTEN, show_default=False),
    ] = None,
    tls_key: Annotated[
        Path | None,
        option("Its key, PEM.", "--tls-key", panel=LISTEN, show_default=False),
    ] = None,
    tls_self_signed: Annotated[
        bool,
        option(
            "HTTPS with a new certificate; the browser asks once whether to trust it. A phone's "
            "camera needs HTTPS.",
            "--tls-self-signed",
            panel=LISTEN,
        ),
    ] = False,
    behind_proxy: Annotated[
        bool,
        option(
            "A proxy on this machine states the addresses of those who ask.",
            "--behind-proxy",
            panel=LISTEN,
        ),
    ] = False,
    cors_origin: Annotated[
        list[str] | None,
        option(
            "Pages of this origin may ask from a browser; may be repeated.",
            "--cors-origin",
            panel=LISTEN,
            show_default=False,
        ),
    ] = None,
    workers: Annotated[int, option("Processes.", "--workers", "-w", min=1, panel=LOAD)] = 1,
    threads: Annotated[
        int | None,
        option(
            "Photographs a process looks at at the same time.  [default: cores / workers]",
            "--threads",
            min=1,
            panel=LOAD,
            show_default=False,
        ),
    ] = None,
    rate_limit: Annotated[
        int,
        option(
            "Questions a minute from one address; 0 sets no limit.",
            "--rate-limit",
            min=0,
            panel=LOAD,
        ),
    ] = 60,
    api_keys: Annotated[
        Path | None,
        option(
            "File of keys, one a line: only who has one may ask.",
            "--api-keys",
            panel=LOAD,
            show_default=False,
        ),
    ] = None,
    contributions: Annotated[
        Path | None,
        option(
            "Folder for photographs that people contribute.  [default: none are taken]",
            "--contributions",
            panel=PEOPLE,
            show_default=False,
        ),
    ] = None,
    retention_days: Annotated[
        int | None,
        option(
            "Days after which a contribution is removed.  [default: never]",
            "--retention-days",
            min=1,
            panel=PEOPLE,
            show_default=False,
        ),
    ] = None,
    operator: Annotated[
        str | None,
        option(
            "Who runs this server and how to reach them, for the privacy page.",
            "--operator",
            panel=PEOPLE,
            show_default=False,
        ),
    ] = None,
    quiet: Quiet = False,
    log_json: LogJson = False,
    config: Config = None,
) -> None:
    """Serve the phone app: photograph a fruit, learn what it is. No photograph is kept."""
    with command_session(quiet=quiet, log_json=log_json):
        _check_extra()
        _check_use(
            tls_self_signed=tls_self_signed,
            has_cert=tls_cert is not None,
            retention_days=retention_days,
            contributions=contributions,
        )
        from pomona.settings import Contributing, ServeSettings

        settings = ServeSettings(
            model=model,
            host=host,
            port=port,
            workers=workers,
            threads=threads,
            tls_cert=tls_cert,
            tls_key=tls_key,
            contributing=Contributing(contributions, retention_days) if contributions else None,
            api_keys=api_keys,
            rate_limit=rate_limit,
            cors_origins=tuple(cors_origin or ()),
            behind_proxy=behind_proxy,
            operator=operator,
        )
        with _certificate(settings, self_signed=tls_self_signed) as settings:
            _serve(settings, quiet=quiet, log_json=log_json)


Contributed = Annotated[
    Path, option("Folder of contributions, as given to 'pomona serve'.", "--folder", "-f")
]


@contributions_app.command(
    epilog="Example: pomona contributions delete ABCD-EFGH-... --folder contributions"
)
def delete(
    code: Annotated[str, typer.Argument(help="The code the contributor was shown.")],
    folder: Contributed,
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Delete the photograph of a deletion code, for good."""
    with command_session(quiet=quiet, log_json=log_json):
        from pomona.errors import SettingsError

        if not _open_store(folder).delete(code):
            raise SettingsError(
                f"No photograph in '{folder}' has this code. It may be deleted already. "
                "Check the code and the folder."
            )
        if not quiet:
            typer.echo("Deleted.")


@contributions_app.command(
    epilog="Example: pomona contributions purge --folder contributions --retention-days 365"
)
def purge(
    folder: Contributed,
    retention_days: Annotated[
        int, option("Days after which a photograph is removed.", "--retention-days", min=1)
    ],
    quiet: Quiet = False,
    log_json: LogJson = False,
) -> None:
    """Remove contributions that are too old; the server does it once a day by itself."""
    with command_session(quiet=quiet, log_json=log_json):
        store = _open_store(folder)
        n = store.purge(retention_days=retention_days)
        if not quiet:
            typer.echo(f"Removed {n}, kept {store.count()}.")


def _open_store(folder: Path) -> "ContributionStore":
    from pomona.errors import SettingsError
    from pomona.serving.contributions.store import ContributionStore

    if not folder.is_dir():
        raise SettingsError(
            f"The folder '{folder}' does not exist. Contributions are kept in the one that "
            "'pomona serve --contributions' names. Correct the path."
        )
    return ContributionStore(folder)


def _serve(settings: "ServeSettings", *, quiet: bool, log_json: bool) -> None:
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


def _say_where(settings: "ServeSettings", port: int) -> None:
    from pomona.serving.http.addresses import draw_qr_code, find_urls

    urls = find_urls(settings.host, port, tls=settings.tls_cert is not None)
    if settings.host not in ("127.0.0.1", "localhost", "::1"):
        typer.echo(draw_qr_code(urls[0]))
    for url in urls:
        typer.echo(f"Pomona is at {url}")
    typer.echo("Ctrl-C ends it.")


@contextmanager
def _certificate(settings: "ServeSettings", *, self_signed: bool) -> Iterator["ServeSettings"]:
    if not self_signed:
        yield settings
        return
    from pomona.serving.http.addresses import lan_addresses
    from pomona.serving.http.certificates import temporary_certificate

    with temporary_certificate([*lan_addresses(), settings.host]) as (certificate, key):
        yield replace(settings, tls_cert=certificate, tls_key=key)


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


def _check_use(
    *,
    tls_self_signed: bool,
    has_cert: bool,
    retention_days: int | None,
    contributions: Path | None,
) -> None:
    from pomona.errors import SettingsError

    if tls_self_signed and has_cert:
        raise SettingsError(
            "Both --tls-self-signed and --tls-cert are given. There can be one certificate. "
            "Leave one of them out."
        )
    if retention_days is not None and contributions is None:
        raise SettingsError(
            f"--retention-days is '{retention_days}' and there is no --contributions. Nothing else "
            "is kept. Name the folder, or leave the days out."
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
