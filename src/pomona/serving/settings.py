"""What the server is told: frozen settings, checked once; no web library needed to read them."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pomona.errors import SettingsError

__all__ = ["CONSENT_VERSION", "LANGUAGES", "Contributing", "Limits", "ServeSettings"]

LANGUAGES: Final = ("en", "fr")
# Changes whenever a word of the consent text or of what is stored changes.
CONSENT_VERSION: Final = "2026-11"
MEGABYTE: Final = 1024 * 1024


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
class Contributing:
    """Where contributed photographs go, and for how long.

    Parameters
    ----------
    folder : Path
        One folder per label below it; a source of pictures for ``pomona run``.
    retention_days : int or None
        Days after which a photograph is removed; None keeps it until it is asked back.
    max_pictures : int
        More than this are not taken: nobody fills the disk.
    """

    folder: Path
    retention_days: int | None = None
    max_pictures: int = 10_000

    def __post_init__(self) -> None:
        if self.retention_days is not None and self.retention_days < 1:
            raise SettingsError(
                f"retention_days is '{self.retention_days}'. At least one day is needed to use a "
                "contribution. Give a number of days, or leave it out to keep them."
            )


@dataclass(frozen=True)
class ServeSettings:
    """Everything the server is told.

    Parameters
    ----------
    model : Path or None
        Model folder, or the output folder that holds it; the shipped recogniser if None.
    host, port : str, int
        Where to listen; port 0 takes a free one.
    workers : int
        Processes.
    threads : int or None
        Photographs one process looks at at the same time; None shares the cores out.
    tls_cert, tls_key : Path or None
        PEM files; both or none.
    contributing : Contributing or None
        None: contributed photographs are not taken.
    api_keys : Path or None
        File of keys, one a line; None: everybody may ask.
    rate_limit : int
        Requests for an answer in a minute from one address; 0 sets no limit.
    cors_origins : tuple of str
        Pages of other addresses that may ask from a browser.
    behind_proxy : bool
        Believe the address that a proxy on this machine states.
    operator : str or None
        Who runs this server, for the privacy page.
    limits : Limits
    """

    model: Path | None = None
    host: str = "127.0.0.1"
    port: int = 8000
    workers: int = 1
    threads: int | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    contributing: Contributing | None = None
    api_keys: Path | None = None
    rate_limit: int = 60
    cors_origins: tuple[str, ...] = ()
    behind_proxy: bool = False
    operator: str | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
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
