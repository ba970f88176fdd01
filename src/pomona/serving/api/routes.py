"""The API of the page and of programs: /v1."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request
from starlette.responses import FileResponse, JSONResponse, Response

from pomona.facts import load_facts
from pomona.serving.api.answers import (
    describe_answer,
    describe_config,
    describe_facts,
    describe_model,
    identify_model,
)
from pomona.serving.api.monitoring import count_answer
from pomona.serving.api.schemas import REFUSALS, identify_body
from pomona.serving.http.admission import Admitted
from pomona.serving.http.questions import read_photos
from pomona.serving.http.refusals import RefusalError
from pomona.serving.pages import has_browser_runtime
from pomona.serving.state import get_state

__all__ = ["Lang", "Top", "router"]

router = APIRouter(tags=["v1"])

Lang = Annotated[Literal["en", "fr"], Query(description="Language of names and facts.")]
Top = Annotated[int, Query(ge=1, le=20, description="How many candidates to name.")]

_HOUR: Final = {"Cache-Control": "public, max-age=3600"}
_REVALIDATE: Final = {"Cache-Control": "no-cache"}
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000, immutable"}


@router.get("/v1/config", summary="What the page needs to know of this server")
async def config(request: Request) -> Response:
    state = get_state(request)
    record = describe_config(
        state.settings, state.recogniser.model, on_device=has_browser_runtime()
    )
    return JSONResponse(record, headers=_REVALIDATE)


@router.get("/v1/model", summary="The recogniser: labels, preprocessing, rule, licences")
async def model(request: Request) -> Response:
    return JSONResponse(describe_model(get_state(request).recogniser.model), headers=_REVALIDATE)


@router.get(
    "/v1/model/{sha256}/recogniser.onnx",
    summary="The network itself, for the browser",
    response_class=Response,
    responses={
        200: {"content": {"application/octet-stream": {}}},
        206: {"content": {"application/octet-stream": {}}},
        304: {"description": "The copy at hand is still right"},
        404: REFUSALS[404],
        416: {"description": "No such range of bytes"},
    },
)
async def network(
    request: Request, sha256: Annotated[str, Path(description="Of the network, in hex.")]
) -> Response:
    model = get_state(request).recogniser.model
    known = identify_model(model)
    if sha256 != known["sha256"]:
        raise RefusalError(
            *(404, "no_such_model", "This server has another recogniser."),
            "Ask /v1/config for its address.",
        )
    headers = {**_FOR_EVER, "ETag": f'"{sha256}"'}
    if request.headers.get("if-none-match") == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    return FileResponse(model.onnx, media_type="application/octet-stream", headers=headers)


@router.get("/v1/facts", summary="Fact sheets of every fruit the recogniser knows")
async def facts(request: Request, lang: Lang = "en") -> Response:
    record = describe_facts(get_state(request).recogniser.model, lang)
    return JSONResponse(record, headers=_HOUR)


@router.get(
    "/v1/facts/{fruit_id}", summary="The fact sheet of one fruit", responses={404: REFUSALS[404]}
)
async def fact_sheet(
    fruit_id: Annotated[str, Path(description="As in an answer.")], lang: Lang = "en"
) -> Response:
    facts = load_facts(lang).get(fruit_id)
    if facts is None:
        raise RefusalError(
            *(404, "no_such_fruit", "There are no facts about such a fruit."),
            "See /v1/facts for those there are.",
        )
    return JSONResponse(facts.as_dict(), headers=_HOUR)


@router.post(
    "/v1/identify",
    summary="Which fruit do one to five photographs show?",
    openapi_extra=identify_body("images"),
    dependencies=[Admitted],
    responses={code: REFUSALS[code] for code in (400, 401, 408, 413, 415, 422, 429, 503)},
)
async def identify(request: Request, lang: Lang = "en", top: Top = 5) -> dict[str, Any]:
    state = get_state(request)
    async with read_photos(request) as form:
        identified = await state.predictor.identify(form.photos, top=top)
    count_answer(identified.answer.decision, network_s=identified.network_s)
    return describe_answer(identified, state.recogniser.model, lang=lang, top=top)
