"""Versions of libraries, as records keep them."""

from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version

__all__ = ["find_versions"]


def find_versions(names: Iterable[str]) -> dict[str, str]:
    """Return the versions of the packages that are installed here."""
    versions = {}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
