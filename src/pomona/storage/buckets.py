"""Buckets through obstore: opened once per process, with errors that say who was refused."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential_jitter

from pomona.errors import SetupError
from pomona.storage.addresses import Address
from pomona.storage.identity import find_options, name_identity, refreshing_credentials

if TYPE_CHECKING:
    from obstore.store import ObjectStore

__all__ = ["RETRY", "delta_options", "explain", "forget_buckets", "open_bucket", "stored_errors"]

# A store that is down for longer than this is no hiccup.
REQUESTS: Final[Any] = {"max_retries": 10, "retry_timeout": timedelta(seconds=180)}
TIMEOUT: Final = timedelta(seconds=60)
HTTP_STATUS: Final = re.compile(r"status code: (\d{3})")
ERROR_CODE: Final = re.compile(r"<Code>(\w+)</Code>")

WAYS: Final = {
    "s3": (
        "Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE with "
        "'pip install pomona[aws]', or run where a role is attached."
    ),
    "az": (
        "Set AZURE_STORAGE_ACCOUNT_NAME with AZURE_STORAGE_ACCOUNT_KEY or a SAS, or log in with "
        "'az login' and 'pip install pomona[azure]', or run with a managed identity."
    ),
    "gs": (
        "Set GOOGLE_APPLICATION_CREDENTIALS, or run 'gcloud auth application-default login', "
        "or run where a service account is attached."
    ),
}


def _is_hiccup(error: BaseException) -> bool:
    return isinstance(error, OSError) and not isinstance(error, FileNotFoundError | PermissionError)


# For what the libraries do not try again themselves: an answer whose body ends too early.
RETRY: Final = Retrying(
    stop=stop_after_attempt(8),
    wait=wait_exponential_jitter(multiplier=0.1, max=10),
    retry=retry_if_exception(_is_hiccup),
    reraise=True,
)


def open_bucket(address: Address) -> "ObjectStore":
    """Return the store of an address's bucket; the same object again within a process.

    Raises
    ------
    SetupError
        If no credentials can be had.
    """
    # A store has threads and connections that a forked child must not inherit.
    return _open(address.kind, address.bucket, address.account, address.root, os.getpid())


def forget_buckets() -> None:
    """Open all buckets anew from now on: the environment says something else than before."""
    _open.cache_clear()


@cache
def _open(kind: str, bucket: str, account: str | None, root: str, process: int) -> "ObjectStore":
    from obstore import store as stores

    address = Address(kind, bucket, "", account, root)
    options: dict[str, Any] = find_options(address)
    client: Any = {"timeout": TIMEOUT}
    if options.pop("allow_http", None):
        client["allow_http"] = True
    credentials = refreshing_credentials(address)
    more: dict[str, Any] = {"credential_provider": credentials} if credentials else {}
    classes: dict[str, Any] = {
        "s3": stores.S3Store,
        "az": stores.AzureStore,
        "gs": stores.GCSStore,
    }
    with stored_errors(address):
        opened: ObjectStore = classes[kind](
            bucket, config=options, client_options=client, retry_config=REQUESTS, **more
        )
    return opened


def delta_options(address: Address) -> dict[str, str]:
    """Return the same access in the words of delta-rs; keys are as fresh as this call."""
    options = {name: str(value).lower() for name, value in _flags(find_options(address))}
    options |= {
        name: value for name, value in find_options(address).items() if isinstance(value, str)
    }
    credentials = refreshing_credentials(address)
    if credentials is not None:
        fresh = credentials()
        names = {"access_key_id", "secret_access_key", "token", "region"}
        options |= {name: str(fresh[name]) for name in names if fresh.get(name)}
    return options


def _flags(options: dict[str, Any]) -> list[tuple[str, bool]]:
    return [(name, value) for name, value in options.items() if isinstance(value, bool)]


@contextmanager
def stored_errors(
    address: Address, *, passing: type[Exception] | tuple[type[Exception], ...] = ()
) -> Iterator[None]:
    """Turn what a store answers into an error of Pomona, or of the system."""
    from obstore.exceptions import BaseError

    try:
        yield
    except passing:
        raise
    except FileNotFoundError as error:
        if "NoSuchBucket" in str(error) or "ContainerNotFound" in str(error):
            raise _explained(address, error) from error
        raise
    except BaseError as error:
        raise _explained(address, error) from error


def _explained(address: Address, error: Exception) -> Exception:
    text = explain(address, error)
    return SetupError(text) if text else OSError(_shorten(str(error)))


def explain(address: Address, error: Exception) -> str | None:
    """Return three sentences where the set-up is wrong; None where the store only stumbled."""
    said = str(error)
    status = match[1] if (match := HTTP_STATUS.search(said)) else ""
    code = match[1] if (match := ERROR_CODE.search(said)) else ""
    who = name_identity(address)
    name = type(error).__name__
    if code in ("NoSuchBucket", "ContainerNotFound") or "container does not exist" in said:
        return (
            f"There is no bucket '{address.bucket}' at '{address.root}'. The store says "
            f"{code or status}; asked as {who}. Check its name and the region."
        )
    if code in ("ExpiredToken", "TokenRefreshRequired", "RequestExpired", "ExpiredTokenException"):
        return (
            f"The credentials for '{address.root}' have expired. Asked as {who}. "
            "Log in again, or renew them, and start the same command."
        )
    if code in (
        "PermanentRedirect",
        "AuthorizationHeaderMalformed",
        "IllegalLocationConstraintException",
    ) or status in ("301", "307"):
        return (
            f"The bucket '{address.bucket}' is in another region. The store says {code or status}. "
            "Set AWS_REGION to the bucket's region."
        )
    if code == "RequestTimeTooSkewed":
        return (
            f"'{address.root}' refuses requests from this machine's time. Its clock is wrong. "
            "Set the clock, and start the same command."
        )
    if name in ("PermissionDeniedError", "UnauthenticatedError") or status in ("401", "403"):
        return (
            f"'{address.root}' refuses access. The store says {code or status or 'no'}; asked as "
            f"{who}. Give that identity the right to do so, or use another."
        )
    if (
        "AWS_CONTAINER" in said
        or "instance metadata" in said.lower()
        or "/latest/api/token" in said
    ):
        return (
            f"There are no credentials for '{address.root}'. Neither the environment nor this "
            f"machine's role gives any. {WAYS[address.kind]}"
        )
    return None


def _shorten(text: str) -> str:
    # What follows repeats the request, its address and headers.
    return " ".join(text.split("\n\nDebug source", 1)[0].split())[:300]
