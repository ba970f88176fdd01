"""Refusals: one shape of JSON for every error, in three short sentences."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pomona.errors import ImageError

__all__ = [
    "MAX_HEAD_BYTES",
    "Guard",
    "RefusalError",
    "add_refusal_handlers",
    "from_image_error",
    "refusal_response",
]

logger = logging.getLogger(__name__)

MAX_HEAD_BYTES: Final = 16 * 1024

_ADVICE: Final = {
    "not_an_image": "Send a photograph as JPEG, PNG, WebP or HEIC.",
    "too_many_pixels": "Send a smaller version of it.",
    "too_small": "Send the photograph itself, not an icon.",
}
_DEFAULT_ADVICE: Final = "Take the photograph again, or save it as JPEG."


class RefusalError(Exception):
    """A request that is refused on purpose.

    Parameters
    ----------
    status : int
        HTTP status, 4xx or 503.
    code : str
        Stable word for programs.
    message : str
        What and why, for people; never repeats a file name or an address.
    advice : str
        What to do.
    retry_after_s : int or None
        When to try again.
    """

    def __init__(
        self, status: int, code: str, message: str, advice: str, *, retry_after_s: int | None = None
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.advice = status, code, message, advice
        self.retry_after_s = retry_after_s

    @property
    def headers(self) -> dict[str, str]:
        """``Retry-After`` where there is one."""
        return {} if self.retry_after_s is None else {"Retry-After": str(self.retry_after_s)}

    def as_dict(self) -> dict[str, Any]:
        """Return the body of the answer."""
        return {"error": {"code": self.code, "message": self.message, "advice": self.advice}}


def from_image_error(error: ImageError, *, number: int) -> RefusalError:
    """Return the refusal of one photograph that cannot be used.

    Parameters
    ----------
    error : ImageError
    number : int
        Which photograph of the request, counted from 1.
    """
    status = {"not_an_image": 415, "too_many_pixels": 413}.get(error.reason_code, 422)
    return RefusalError(
        status,
        error.reason_code,
        f"Photograph {number} cannot be used. {error.reason}",
        _ADVICE.get(error.reason_code, _DEFAULT_ADVICE),
    )


def refusal_response(refusal: RefusalError) -> Response:
    """Return the HTTP answer that refuses."""
    return JSONResponse(refusal.as_dict(), refusal.status, refusal.headers)


def _answer(request: Request, refusal: RefusalError) -> Response:
    if not request.url.path.startswith("/v2/"):
        return refusal_response(refusal)
    # The shape that clients of Pl@ntNet know.
    record = {
        "statusCode": refusal.status,
        "error": HTTPStatus(refusal.status).phrase,
        "message": f"{refusal.message} {refusal.advice}",
    }
    return JSONResponse(record, refusal.status, refusal.headers)


def add_refusal_handlers(app: FastAPI) -> None:
    """Answer every error of an app in the one shape, without a word of the request in the log."""

    @app.exception_handler(RefusalError)
    async def on_refusal(request: Request, error: RefusalError) -> Response:
        return _answer(request, error)

    @app.exception_handler(RequestValidationError)
    async def on_invalid(request: Request, error: RequestValidationError) -> Response:
        first: Mapping[str, Any] = next(iter(error.errors()), {})
        where = ".".join(str(part) for part in first.get("loc", ())[1:]) or "request"
        refusal = RefusalError(
            *(422, "invalid_value", f"The value of '{where}' cannot be used. {first.get('msg')}."),
            "See /docs for what it may be.",
        )
        return _answer(request, refusal)

    @app.exception_handler(HTTPException)
    async def on_http(request: Request, error: HTTPException) -> Response:
        response = _answer(request, _plain(error.status_code))
        response.headers.update(error.headers or {})
        return response


class Guard:
    """ASGI middleware that refuses huge heads, and answers 500 where something broke.

    The log gets the kind of the error and its place. Not its message, nor a traceback: a foreign
    exception may quote the request.

    Parameters
    ----------
    app : ASGIApp
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on; no exception comes back."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # The HTTP parser only limits a head that comes in pieces.
        head = len(scope["raw_path"]) + len(scope["query_string"])
        head += sum(len(name) + len(value) for name, value in scope["headers"])
        if head > MAX_HEAD_BYTES:
            await refusal_response(_huge_head())(scope, receive, send)
            return
        has_started = False

        async def send_on(message: Message) -> None:
            nonlocal has_started
            has_started = True
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        except Exception as error:
            logger.error("A request failed: %s in %s.", type(error).__name__, _place(error))
            if not has_started:
                await refusal_response(_plain(500))(scope, receive, send)


def _huge_head() -> RefusalError:
    return RefusalError(
        *(431, "huge_head", f"Address and headers have more than {MAX_HEAD_BYTES:,} bytes."),
        "Send less.",
    )


def _place(error: Exception) -> str:
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return "?" if step is None else f"{step.tb_frame.f_code.co_qualname}:{step.tb_lineno}"


def _plain(status: int) -> RefusalError:
    if status == 404:
        return RefusalError(404, "not_found", "There is nothing at this address.", "See /docs.")
    if status == 405:
        return RefusalError(
            405, "wrong_method", "This address does not take this method.", "See /docs."
        )
    if status >= 500:
        return RefusalError(
            *(status, "failed", "The server failed to answer."), "Try again; tell the operator."
        )
    return RefusalError(status, "bad_request", "The request cannot be understood.", "See /docs.")
