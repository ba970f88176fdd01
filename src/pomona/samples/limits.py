"""Ranges of what may be asked for, and the errors that say so."""

from pomona.errors import SettingsError

__all__ = ["check_least", "check_size"]

MIN_SIZE, MAX_SIZE = 16, 2048  # pixels


def check_least(name: str, value: int, least: int) -> None:
    """Raise SettingsError if a value is below the least that makes sense."""
    if value < least:
        raise SettingsError(
            f"{name} is '{value}'. It must be {least} or more. Give a larger {name}."
        )


def check_size(size: int) -> None:
    """Raise SettingsError if no picture of that side in pixels can be made."""
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise SettingsError(
            f"size is '{size}'. Pictures are {MIN_SIZE} to {MAX_SIZE} pixels wide and high. "
            "Give a size within these."
        )
