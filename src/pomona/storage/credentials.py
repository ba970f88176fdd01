"""Which credentials of cloud storage are in use: their names, never their values."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["list_credentials"]

CLOUDS: Final = {"AWS": "AWS_", "Azure": "AZURE_", "Google": "GOOGLE_"}
# What says who one is and where, and lets nobody in.
NO_SECRETS: Final = frozenset(
    {"AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION", "GOOGLE_CLOUD_PROJECT"}
)
FILES: Final = {
    "AWS": (".aws/credentials", ".aws/config"),
    "Azure": (".azure/azureProfile.json",),
    "Google": (".config/gcloud/application_default_credentials.json",),
}


def list_credentials(
    environment: Mapping[str, str] = os.environ, home: Path | None = None
) -> dict[str, list[str]]:
    """Return, for each cloud, the variables that are set and the files that are there.

    Parameters
    ----------
    environment : mapping
        Only a profile, a region or a project is given with its value.
    home : Path, optional
        Folder of the user.
    """
    home = home or Path.home()
    return {
        cloud: [
            f"{name}={environment[name]}" if name in NO_SECRETS else name
            for name in sorted(environment)
            if name.startswith(prefix) and environment[name]
        ]
        + [f"~/{file}" for file in FILES[cloud] if (home / file).is_file()]
        for cloud, prefix in CLOUDS.items()
    }
