"""The phone app's server: identify photographs over HTTP; the only room that imports FastAPI."""

from pomona.settings import Limits, ServeSettings

__all__ = ["Limits", "ServeSettings"]
