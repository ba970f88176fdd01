"""Who Pomona is to a cloud: explicit keys or the machine's role, else the vendor's own chain."""

import json
import os
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from pomona.errors import SetupError
from pomona.storage.addresses import Address

__all__ = ["find_options", "name_identity", "open_aws", "refreshing_credentials"]

# With one of these obstore finds its way by itself: keys, containers' and pods' roles.
AWS_DIRECT: Final = (
    "AWS_ACCESS_KEY_ID",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
    "AWS_CONTAINER_CREDENTIALS_FULL_URI",
)
AZURE_DIRECT: Final = (
    "AZURE_STORAGE_ACCOUNT_KEY",
    "AZURE_STORAGE_ACCESS_KEY",
    "AZURE_STORAGE_KEY",
    "AZURE_STORAGE_SAS_KEY",
    "AZURE_STORAGE_SAS_TOKEN",
    "AZURE_STORAGE_TOKEN",
    "AZURE_STORAGE_CLIENT_SECRET",
    "AZURE_CLIENT_SECRET",
    "AZURE_FEDERATED_TOKEN_FILE",
    "AZURE_STORAGE_USE_EMULATOR",
    "IDENTITY_ENDPOINT",
    "MSI_ENDPOINT",
)


def find_options(address: Address, environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return what obstore has to be told beside the environment, which it reads itself.

    No secret is among it.
    """
    options: dict[str, Any] = {}
    if address.kind == "s3":
        endpoint = environment.get("AWS_ENDPOINT_URL_S3") or environment.get("AWS_ENDPOINT_URL")
        if endpoint:
            options["endpoint"] = endpoint
        region = environment.get("AWS_REGION") or environment.get("AWS_DEFAULT_REGION")
        if region or not _needs_sdk(address, environment):
            options["region"] = region or "us-east-1"
    if address.kind == "az":
        endpoint = environment.get("AZURE_STORAGE_ENDPOINT")
        if address.account:
            options["account_name"] = address.account
    if address.kind == "gs":
        endpoint = _google_endpoint(environment)
    if endpoint and endpoint.startswith("http://"):
        # Whoever names such an endpoint means it: an emulator, or a proxy of this machine.
        options["allow_http"] = True
    return options


def refreshing_credentials(address: Address) -> Callable[[], Any] | None:
    """Return what gives fresh keys where obstore has no way of its own; None where it has.

    Raises
    ------
    SetupError
        If a profile is asked for and the vendor's package that reads it is missing.
    """
    if not _needs_sdk(address, os.environ):
        return None
    if address.kind == "s3":
        return _aws_credentials(os.environ.get("AWS_PROFILE"))
    if address.kind == "az":
        return _azure_credentials()
    return None


def _needs_sdk(address: Address, environment: Mapping[str, str]) -> bool:
    if address.kind == "s3":
        if environment.get("AWS_PROFILE"):
            return True
        if any(environment.get(name) for name in AWS_DIRECT):
            return False
        files = [
            environment.get("AWS_SHARED_CREDENTIALS_FILE", "~/.aws/credentials"),
            environment.get("AWS_CONFIG_FILE", "~/.aws/config"),
        ]
        return any(Path(file).expanduser().is_file() for file in files)
    if address.kind == "az":
        if any(environment.get(name) for name in AZURE_DIRECT):
            return False
        return (Path(environment.get("AZURE_CONFIG_DIR", "~/.azure")).expanduser()).is_dir()
    return False


@cache
def _aws_credentials(profile: str | None) -> Callable[[], Any]:
    try:
        import boto3
        from botocore.exceptions import BotoCoreError
        from obstore.auth.boto3 import Boto3CredentialProvider
    except ImportError as error:
        raise SetupError(
            f"The AWS profile '{profile or 'default'}' cannot be read. Profiles, single sign-on "
            "and assumed roles need the package boto3. Run 'pip install pomona[aws]', or set "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        ) from error
    try:
        provider: Callable[[], Any] = Boto3CredentialProvider(boto3.Session(profile_name=profile))
    except (BotoCoreError, ValueError) as error:
        raise SetupError(
            f"The AWS profile '{profile or 'default'}' gives no credentials: {error}. "
            "It is looked up in ~/.aws. Log in with 'aws sso login', or correct AWS_PROFILE."
        ) from error
    return provider


def open_aws(service: str) -> Any:
    """Return the vendor's own client of a service, for what obstore has no way to ask.

    Raises
    ------
    ImportError
        If the package is not installed.
    """
    import boto3

    # It knows this variable only by its older name.
    return boto3.client(service, region_name=os.environ.get("AWS_REGION"))


@cache
def _azure_credentials() -> Callable[[], Any]:
    try:
        from azure.identity import DefaultAzureCredential
        from obstore.auth.azure import AzureCredentialProvider
    except ImportError as error:
        raise SetupError(
            "The login of the Azure command line cannot be read. It needs the package "
            "azure-identity. Run 'pip install pomona[azure]', or set AZURE_STORAGE_ACCOUNT_KEY "
            "or AZURE_STORAGE_SAS_TOKEN."
        ) from error
    provider: Callable[[], Any] = AzureCredentialProvider(credential=DefaultAzureCredential())
    return provider


def _google_endpoint(environment: Mapping[str, str]) -> str | None:
    file = environment.get("GOOGLE_SERVICE_ACCOUNT") or environment.get(
        "GOOGLE_APPLICATION_CREDENTIALS"
    )
    try:
        endpoint = json.loads(Path(file).read_bytes()).get("gcs_base_url") if file else None
    except (OSError, ValueError):
        return None
    return str(endpoint) if endpoint else None


def name_identity(address: Address, environment: Mapping[str, str] = os.environ) -> str:
    """Return who is asking, in words that hold no secret."""
    if address.kind == "s3":
        if profile := environment.get("AWS_PROFILE"):
            return f"profile '{profile}'"
        if key := environment.get("AWS_ACCESS_KEY_ID"):
            # The id is a name: AWS shows it in its own logs. The secret is another variable.
            return f"the key id '{key[:4]}...{key[-4:]}' of AWS_ACCESS_KEY_ID"
        if role := environment.get("AWS_ROLE_ARN"):
            return f"the role '{role}'"
        return "this machine's role"
    if address.kind == "az":
        account = address.account or environment.get("AZURE_STORAGE_ACCOUNT_NAME") or "unknown"
        way = next((name for name in AZURE_DIRECT if environment.get(name)), "the default chain")
        return f"{way} on the account '{account}'"
    file = environment.get("GOOGLE_APPLICATION_CREDENTIALS") or environment.get(
        "GOOGLE_SERVICE_ACCOUNT"
    )
    return f"the service account of '{file}'" if file else "application default credentials"
