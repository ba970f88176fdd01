"""Give a photograph, and take it back: only where the operator turned it on."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request
from starlette.responses import JSONResponse, Response

from pomona.errors import ImageError, OutputError, SettingsError
from pomona.facts import load_facts
from pomona.recognition.model import Model
from pomona.serving.api.routes import Lang
from pomona.serving.api.schemas import REFUSALS, multipart_body
from pomona.serving.api.wording import CONSENT_VERSION
from pomona.serving.contributions.store import ContributionStore, FullError, check_label
from pomona.serving.http.admission import Admitted, Slowed
from pomona.serving.http.bodies import drain
from pomona.serving.http.refusals import RefusalError, from_image_error
from pomona.serving.http.uploads import Form, read_form
from pomona.serving.photos import decode_photo
from pomona.serving.state import State, get_state
from pomona.settings import Contributing

__all__ = ["keep_purging", "router"]

router = APIRouter(tags=["contributions"])
logger = logging.getLogger(__name__)

DAY_S: Final = 24 * 3600.0

_TEXT: Final = {"type": "string"}
_BODY: Final = multipart_body(
    {
        "image": {"type": "string", "format": "binary"},
        "label": {**_TEXT, "description": "A label of /v1/model, or a fruit's English name."},
        "consent_version": {**_TEXT, "description": "Of the text agreed to; see /v1/config."},
        "lang": {**_TEXT, "description": "Language of that text."},
    },
    ["image", "label", "consent_version"],
)


@router.post(
    "/v1/contributions",
    status_code=201,
    summary="Give one photograph, for good, until it is asked back",
    openapi_extra=_BODY,
    dependencies=[Admitted],
    responses={code: REFUSALS[code] for code in (400, 401, 404, 408, 413, 415, 422, 429, 503)},
)
async def give(request: Request, lang: Lang = "en") -> Response:
    state = get_state(request)
    contributing = state.settings.contributing
    if contributing is None:
        await drain(request, state.settings.limits)
        raise _off()
    limits = replace(state.settings.limits, max_photos=1)
    async with read_form(request, photo_name="image", limits=limits, budget=state.budget) as form:
        record = _check(form, state.recogniser.model)
        record["lang"] = "fr" if (form.field("lang") or lang) == "fr" else "en"
        code = await state.predictor.run(_store, state, contributing, form.photos[0], record)
    answer = {
        "code": code,
        "label": record["label"],
        "retention_days": contributing.retention_days,
    }
    return JSONResponse(answer, 201)


@router.delete(
    "/v1/contributions/{code}",
    status_code=204,
    summary="Take a photograph back: it is deleted for good",
    dependencies=[Slowed],
    responses={404: REFUSALS[404], 429: REFUSALS[429]},
)
async def take_back(
    request: Request, code: Annotated[str, Path(description="As it was shown, dashes or not.")]
) -> Response:
    contributing = get_state(request).settings.contributing
    if contributing is None:
        raise _off()
    store = ContributionStore(contributing.folder)
    if not await asyncio.to_thread(store.delete, code):
        raise RefusalError(
            *(404, "no_such_code", "No photograph has this code."),
            "It may be deleted already; else check the code.",
        )
    return Response(status_code=204)


@asynccontextmanager
async def keep_purging(contributing: Contributing | None) -> AsyncIterator[None]:
    """Remove old contributions now and once a day, while the block runs."""
    if contributing is None or contributing.retention_days is None:
        yield
        return
    task = asyncio.create_task(_purge_daily(contributing, contributing.retention_days))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _purge_daily(contributing: Contributing, retention_days: int) -> None:
    store = ContributionStore(contributing.folder)
    while True:
        try:
            n = await asyncio.to_thread(store.purge, retention_days=retention_days)
        except (OSError, ValueError, KeyError) as error:
            logger.error("Old contributions could not be removed: %s.", type(error).__name__)
        else:
            logger.info("Removed %s contributions that were too old.", n)
        await asyncio.sleep(DAY_S)


def _check(form: Form, model: Model) -> dict[str, Any]:
    if not form.photos:
        raise RefusalError(
            *(400, "no_photo", "There is no photograph in the body."),
            "Send one part named 'image'.",
        )
    if form.field("consent_version") != CONSENT_VERSION:
        raise RefusalError(
            *(422, "other_consent", "The consent is to another version of the text."),
            "Show the text of /v1/config and send its version.",
        )
    fruits = {_capital(each.name_en) for each in load_facts().values()}
    known = frozenset(fruits | {each.label for each in model.labels})
    try:
        label = check_label((form.field("label") or "").strip(), known)
    except SettingsError as error:
        raise RefusalError(
            *(422, "unknown_label", "The label is none that this server takes."),
            "Send a label of /v1/model, or the English name of a fruit of /v1/facts.",
        ) from error
    return {"label": label, "consent_version": CONSENT_VERSION}


def _store(state: State, contributing: Contributing, photo: bytes, record: dict[str, Any]) -> str:
    try:
        image = decode_photo(photo, limits=state.settings.limits, heic=state.predictor.heic)
    except ImageError as error:
        raise from_image_error(error, number=1) from error
    store = ContributionStore(contributing.folder, max_pictures=contributing.max_pictures)
    try:
        return store.add(image, **record)
    except OutputError as error:
        if not isinstance(error, FullError):
            logger.error("Error: %s", error)
        raise RefusalError(
            *(503, "cannot_store", "The server cannot take contributions at the moment."),
            "Try again tomorrow.",
            retry_after_s=int(DAY_S),
        ) from error


def _off() -> RefusalError:
    return RefusalError(
        *(404, "contributions_off", "This server takes no contributions."),
        "Keep the photograph, or ask another operator.",
    )


def _capital(name: str) -> str:
    return name[:1].upper() + name[1:]
