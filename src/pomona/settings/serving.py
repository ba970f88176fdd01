"""Settings of the server, checked once; no web library is needed to read them."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

from pomona.errors import SettingsError
from pomona.settings.option import Option, Record, When

__all__ = ["Contributing", "Limits", "ModelFolder", "ServeSettings"]

MEGABYTE: Final = 1024 * 1024

LISTEN: Final = "Where to listen"
LOAD: Final = "Load"
PEOPLE: Final = "People"

ModelFolder = Annotated[
    str | None,
    Option(
        "Model folder, or the output folder or bucket that holds it.",
        short="-m",
        unset="the shipped recogniser",
    ),
]

RETENTION: Final = Option(
    "Days after which a contribution is removed.", PEOPLE, unit="days", unset="never", at_least=1
)


@dataclass(frozen=True)
class Limits:
    """What one request and all requests together may cost one process.

    Parameters
    ----------
    max_photos : int
        Photographs in one request.
    max_bytes : int
        Of one photograph.
    max_pixels : int
        Width times height of one photograph; it is refused before a pixel is decoded.
    max_parts : int
        Parts of one multipart body, photographs and fields together.
    max_field_bytes : int
        Of one field that is no photograph.
    upload_s, chunk_s, header_s : float
        Seconds that a whole body, the next piece of a body, and the head of a request may take.
    max_held_bytes : int
        Bytes of photographs in memory, of all requests together.
    max_pending : int
        Photographs that wait or are looked at, of all requests together.
    pending_s : float
        Seconds after which a photograph that still waits is given up.
    drain_bytes : int
        How much of a refused body is read on: else the client sees a broken line, no answer.
    """

    max_photos: int = 5
    max_bytes: int = 20 * MEGABYTE
    max_pixels: int = 52_000_000
    max_parts: int = 16
    max_field_bytes: int = 4096
    upload_s: float = 60.0
    chunk_s: float = 10.0
    header_s: float = 10.0
    max_held_bytes: int = 256 * MEGABYTE
    max_pending: int = 96
    pending_s: float = 20.0
    drain_bytes: int = 8 * MEGABYTE

    @property
    def max_body(self) -> int:
        """Bytes of a whole body: the photographs and what stands around them."""
        return self.max_photos * self.max_bytes + MEGABYTE


@dataclass(frozen=True)
class Contributing(Record):
    """Where contributed photographs go, and for how long.

    ``max_pictures`` is no option: more than these are not taken, so that nobody fills the disk.
    """

    folder: Annotated[
        str,
        Option(
            "Folder for photographs that people contribute; one folder per label below it, a "
            "source of pictures for 'pomona run'.",
            PEOPLE,
            name="contributions",
        ),
    ]
    retention_days: Annotated[int | None, RETENTION] = None
    max_pictures: int = 10_000


@dataclass(frozen=True)
class ServeSettings(Record):
    """Everything the server is told."""

    model: ModelFolder = None
    host: Annotated[
        str, Option("Address to listen on; 0.0.0.0 lets phones in.", LISTEN, unit="address")
    ] = "127.0.0.1"
    port: Annotated[
        int, Option("Port to listen on; 0 takes a free one.", LISTEN, at_least=0, at_most=65535)
    ] = 8000
    tls_cert: Annotated[Path | None, Option("Certificate for HTTPS, PEM.", LISTEN)] = None
    tls_key: Annotated[Path | None, Option("Its key, PEM.", LISTEN)] = None
    tls_self_signed: Annotated[
        bool,
        Option(
            "HTTPS with a new certificate; the browser asks once whether to trust it. A phone's "
            "camera needs HTTPS.",
            LISTEN,
        ),
    ] = False
    behind_proxy: Annotated[
        bool, Option("A proxy on this machine states the addresses of those who ask.", LISTEN)
    ] = False
    cors_origins: Annotated[
        tuple[str, ...],
        Option(
            "Pages of this origin may ask from a browser.",
            LISTEN,
            name="cors_origin",
            unit="origin",
            unset="none",
        ),
    ] = ()
    workers: Annotated[
        int, Option("Processes.", LOAD, short="-w", unit="processes", at_least=1)
    ] = 1
    threads: Annotated[
        int | None,
        Option(
            "Photographs a process looks at at the same time.",
            LOAD,
            unit="photographs",
            unset="cores / workers",
            at_least=1,
        ),
    ] = None
    rate_limit: Annotated[
        int,
        Option(
            "Questions a minute from one address; 0 sets no limit.",
            LOAD,
            unit="questions/min",
            at_least=0,
        ),
    ] = 60
    api_keys: Annotated[
        Path | None,
        Option("File of keys, one a line: only who has one may ask.", LOAD, unset="all may ask"),
    ] = None
    contributing: Annotated[Contributing | None, When("folder", unset="none are taken")] = None
    operator: Annotated[
        str | None,
        Option(
            "Who runs this server and how to reach them, for the privacy page.",
            PEOPLE,
            unit="text",
        ),
    ] = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tls_self_signed and self.tls_cert is not None:
            raise SettingsError(
                "Both --tls-self-signed and --tls-cert are given. There can be one certificate. "
                "Leave one of them out."
            )
        if (self.tls_cert is None) != (self.tls_key is None):
            raise SettingsError(
                "Only one of --tls-cert and --tls-key is given. HTTPS needs the certificate and "
                "its key. Give both, or --tls-self-signed."
            )
        for path in (self.tls_cert, self.tls_key, self.api_keys):
            if path is not None and not path.is_file():
                raise SettingsError(
                    f"The file '{path}' does not exist. The server was told to read it. "
                    "Correct the path."
                )
        for origin in self.cors_origins:
            if not re.fullmatch(r"https?://[A-Za-z0-9.\-\[\]:]+", origin):
                raise SettingsError(
                    f"The origin '{origin}' is not one. It has to be like 'https://example.org', "
                    "without a path and without '*'. Correct it."
                )
