"""The photographs of a question: room in the queue first, then the body, in memory."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from fastapi import Request

from pomona.serving.http.bodies import drain
from pomona.serving.http.refusals import RefusalError
from pomona.serving.http.uploads import Form, read_form
from pomona.serving.state import get_state

__all__ = ["read_photos"]


@asynccontextmanager
async def read_photos(
    request: Request, *, check: Callable[[], None] = lambda: None
) -> AsyncIterator[Form]:
    """Read the parts named ``images``; their bytes are held until the block is left.

    Parameters
    ----------
    request : Request
    check : callable
        Refuses what can be refused before a byte of the body is read.

    Raises
    ------
    RefusalError
        What ``check`` raises, 503 if the queue is full, 400 if there is no photograph, and all
        that :func:`pomona.serving.http.uploads.read_form` raises.
    """
    state = get_state(request)
    try:
        check()
        state.predictor.check_room()
    except RefusalError:
        await drain(request, state.settings.limits)
        raise
    async with read_form(
        request, photo_name="images", limits=state.settings.limits, budget=state.budget
    ) as form:
        if not form.photos:
            raise RefusalError(
                *(400, "no_photo", "There is no photograph in the body."),
                "Send one to five parts named 'images'.",
            )
        yield form
