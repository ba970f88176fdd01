"""What all requests of one process share."""

from dataclasses import dataclass

from fastapi import Request

from pomona.recognition.recogniser import Recogniser
from pomona.serving.http.rate_limit import RateLimit
from pomona.serving.http.uploads import Budget
from pomona.serving.predictor import Predictor
from pomona.settings import ServeSettings

__all__ = ["State", "get_state"]


@dataclass(frozen=True)
class State:
    """The settings in force, the recogniser behind its queue, and who may ask how often.

    Parameters
    ----------
    settings : ServeSettings
    predictor : Predictor
    budget : Budget
        Memory for photographs.
    rate_limit : RateLimit
    keys : frozenset of bytes or None
        Hashes of the keys; None lets everybody ask.
    """

    settings: ServeSettings
    predictor: Predictor
    budget: Budget
    rate_limit: RateLimit
    keys: frozenset[bytes] | None

    @property
    def recogniser(self) -> Recogniser:
        """The one recogniser of this process."""
        return self.predictor.recogniser


def get_state(request: Request) -> State:
    """Return the state of the app that answers a request."""
    state = request.app.state.pomona
    if not isinstance(state, State):
        raise TypeError("The app was made by something else than create_app.")
    return state
