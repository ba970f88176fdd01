"""Exceptions of Pomona, each also a builtin.

::

    PomonaError
    +-- SettingsError (ValueError)          a wrong option or argument: exit 2
    |   +-- SourceError                     nothing to read, or not readable as a source
    |   +-- OutputError                     the output folder cannot be used
    +-- SetupError (RuntimeError)           Java, weights or a package is missing or wrong
    |   +-- ModelError                      a model folder is incomplete, changed or too new
    +-- ShapeError (ValueError)             an array does not have the shape it needs
    +-- ImageError (ValueError)             one picture cannot be used; has a ``reason_code``
    +-- ReductionError (ValueError)         the features do not allow the PCA asked for
    +-- TrainingError (ValueError)          the labelled vectors do not allow a classifier
    +-- StoppedError (RuntimeError)         the work was asked to end early; what is done is kept
    +-- QuarantineError (RuntimeError)      more pictures were unusable than ``max_bad`` allows

A bad picture is data, never a reason to stop: :class:`ImageError` ends as a row of ``quarantine/``.
"""

__all__ = [
    "ImageError",
    "ModelError",
    "OutputError",
    "PomonaError",
    "QuarantineError",
    "ReductionError",
    "SettingsError",
    "SetupError",
    "ShapeError",
    "SourceError",
    "StoppedError",
    "TrainingError",
]


class PomonaError(Exception):
    """Base of every error Pomona raises on purpose."""


class SettingsError(PomonaError, ValueError):
    """An option or argument has a value that cannot be used."""


class SourceError(SettingsError):
    """The source of pictures is missing, empty or not a folder."""


class OutputError(SettingsError):
    """The output folder cannot be used for this command."""


class SetupError(PomonaError, RuntimeError):
    """Something Pomona needs on this machine is missing or damaged."""


class ModelError(SetupError):
    """A model folder is incomplete, changed, of a newer version, or none at all."""


class ShapeError(PomonaError, ValueError):
    """An array does not have the shape that is needed."""


class ReductionError(PomonaError, ValueError):
    """The features do not allow the reduction that was asked for."""


class TrainingError(PomonaError, ValueError):
    """The labelled vectors do not allow the classifier that was asked for."""


class StoppedError(PomonaError, RuntimeError):
    """The work was asked to end early; what was committed is kept."""


class QuarantineError(PomonaError, RuntimeError):
    """The share of unusable pictures is above ``max_bad``."""


class ImageError(PomonaError, ValueError):
    """One picture cannot be used.

    Parameters
    ----------
    reason_code : str
        One of :data:`pomona.schema.REASON_CODES`; stable, made for filters and dashboards.
    reason : str
        A sentence for people.
    """

    def __init__(self, reason_code: str, reason: str) -> None:
        super().__init__(reason)
        self.reason_code = reason_code
        self.reason = reason

    def __reduce__(self) -> tuple[type["ImageError"], tuple[str, str]]:
        return type(self), (self.reason_code, self.reason)
