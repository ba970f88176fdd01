"""Who may ask: keys where the operator wants them, and nobody too often."""

import hashlib
import math
from pathlib import Path
from typing import Final

from fastapi import Depends, Request

from pomona.errors import SettingsError
from pomona.serving.http.bodies import drain
from pomona.serving.http.refusals import RefusalError
from pomona.serving.state import get_state

__all__ = ["Admitted", "Slowed", "admit", "read_keys"]

MIN_KEY_LENGTH: Final = 16


def read_keys(path: Path) -> frozenset[bytes]:
    """Return the hashes of the keys in a file: one a line; lines that start with '#' are notes.

    Raises
    ------
    SettingsError
        If the file cannot be read, holds no key, or one that can be guessed.
    """
    try:
        lines = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, ValueError) as error:
        raise SettingsError(
            f"The file of keys '{path}' cannot be read: {error}. It holds one key a line. "
            "Correct the path or the file."
        ) from error
    keys = [line for line in lines if line and not line.startswith("#")]
    if not keys:
        raise SettingsError(
            f"The file of keys '{path}' holds no key. Nobody could ask. Write one key a line."
        )
    if any(len(key) < MIN_KEY_LENGTH for key in keys):
        raise SettingsError(
            f"A key in '{path}' is shorter than {MIN_KEY_LENGTH} characters. It could be guessed. "
            "Make one with: python -c 'import secrets; print(secrets.token_urlsafe())'."
        )
    return frozenset(_digest(key) for key in keys)


async def admit(request: Request) -> None:
    """Let a question in.

    Raises
    ------
    RefusalError
        401 without a valid key where keys are asked for; 429 if the address asks too often.
    """
    try:
        _check_key(request)
        _check_rate(request)
    except RefusalError:
        await drain(request, get_state(request).settings.limits)
        raise


async def slow_down(request: Request) -> None:
    """Let a request in that needs no key, such as a deletion.

    Raises
    ------
    RefusalError
        429 if the address asks too often.
    """
    _check_rate(request)


Admitted: Final = Depends(admit)
Slowed: Final = Depends(slow_down)


def _check_key(request: Request) -> None:
    keys = get_state(request).keys
    if keys is None:
        return
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    given = (
        request.headers.get("x-api-key")
        or (bearer if scheme.lower() == "bearer" else "")
        or request.query_params.get("api-key", "")
    )
    if _digest(given.strip()) not in keys:
        raise RefusalError(
            *(401, "no_key", "This server answers to those who have a key."),
            "Send it in the header X-API-Key; ask the operator for one.",
        )


def _check_rate(request: Request) -> None:
    address = request.client.host if request.client else ""
    wait_s = get_state(request).rate_limit.take(address)
    if wait_s > 0:
        seconds = math.ceil(wait_s)
        raise RefusalError(
            *(429, "too_many_requests", "This address asks too often."),
            f"Try again in {seconds} s.",
            retry_after_s=seconds,
        )


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).digest()
