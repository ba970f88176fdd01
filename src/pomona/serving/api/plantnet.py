"""The shape of the public Pl@ntNet API: /v2, so that its clients can be pointed here."""

import hashlib
from collections import defaultdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Query, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from pomona.facts import LANGUAGES, load_facts
from pomona.recognition.decisions import fruit_probabilities
from pomona.recognition.model import Model
from pomona.serving.api.answers import identify_model, model_fruits
from pomona.serving.api.monitoring import count_answer
from pomona.serving.api.schemas import REFUSALS_V2, identify_body
from pomona.serving.http.admission import Admitted
from pomona.serving.http.questions import read_photos
from pomona.serving.http.refusals import RefusalError
from pomona.serving.predictor import Identified
from pomona.serving.state import get_state

__all__ = ["router"]

router = APIRouter(tags=["v2: the shape of Pl@ntNet"], responses={422: REFUSALS_V2[422]})

# Clients name one of these when they mean everything.
PROJECTS: Final = ("all", "best", "k-world-flora")
ORGANS: Final = {
    "type": "array",
    "items": {"type": "string"},
    "description": "One for each image; read and not used.",
}


@router.post(
    "/v2/identify/{project}",
    summary="Which species do one to five photographs show?",
    openapi_extra=identify_body("images", organs=ORGANS),
    dependencies=[Admitted],
    responses={code: REFUSALS_V2[code] for code in (400, 401, 404, 408, 413, 415, 422, 429, 503)},
)
async def identify(
    request: Request,
    project: Annotated[str, Path(description="'all'.")],
    lang: Annotated[str, Query(description="'en' or 'fr'; others get English.")] = "en",
    nb_results: Annotated[int, Query(alias="nb-results", ge=1, le=100)] = 10,
    no_reject: Annotated[bool, Query(alias="no-reject")] = False,
) -> Response:
    state = get_state(request)
    async with read_photos(request, check=lambda: _check_project(project)) as form:
        identified = await state.predictor.identify(form.photos, top=1)
        hashes = await run_in_threadpool(_hash_all, form.photos)
    count_answer(identified.answer.decision, network_s=identified.network_s)
    model = state.recogniser.model
    language = lang if lang in LANGUAGES else "en"
    results = _rank_species(identified, model, lang=language)[:nb_results]
    if not results or (identified.answer.decision == "unknown" and not no_reject):
        raise RefusalError(
            *(404, "species_not_found", "Species not found."),
            "Take it closer and on a plain background, or ask with no-reject=true.",
        )
    organs = form.fields.get("organs", [])[: len(hashes)]
    record = {
        "query": {
            "project": project,
            "images": hashes,
            "organs": organs or ["auto"] * len(hashes),
            "includeRelatedImages": False,
            "noReject": no_reject,
            "type": None,
        },
        "language": language,
        "preferedReferential": project,
        "bestMatch": results[0]["species"]["scientificName"],
        "results": results,
        "version": f"pomona {identify_model(model)['version']}",
        "remainingIdentificationRequests": state.rate_limit.remaining(
            request.client.host if request.client else ""
        ),
    }
    return JSONResponse(record)


@router.get("/v2/projects", summary="What can be asked for")
async def projects(request: Request, lang: Annotated[str, Query()] = "en") -> list[dict[str, Any]]:
    model = get_state(request).recogniser.model
    facts = load_facts()
    species = {facts[fruit_id].scientific_name for fruit_id in model_fruits(model)}
    title = "Fruits et légumes" if lang == "fr" else "Fruit and vegetables"
    return [{"id": PROJECTS[0], "title": title, "description": title, "speciesCount": len(species)}]


@router.get("/v2/languages", summary="Languages of the common names")
async def languages() -> list[str]:
    return list(LANGUAGES)


def _check_project(project: str) -> None:
    if project not in PROJECTS:
        raise RefusalError(
            *(404, "no_such_project", "Project not found."), "See /v2/projects for those there are."
        )


def _rank_species(identified: Identified, model: Model, *, lang: str) -> list[dict[str, Any]]:
    """Return the species, likeliest first; what has no species in the facts is left out."""
    facts = load_facts(lang)
    probabilities, fruits = fruit_probabilities(identified.scores.probabilities, model.labels)
    scores: dict[str, float] = defaultdict(float)
    members = defaultdict(list)
    for fruit, probability in zip(fruits, probabilities[0], strict=True):
        sheet = facts.get(fruit)
        if sheet is not None:
            scores[sheet.scientific_name] += float(probability)
            members[sheet.scientific_name].append((float(probability), sheet))
    ranked = sorted(scores.items(), key=lambda item: -item[1])
    results = []
    for name, score in ranked:
        sheets = [sheet for _, sheet in sorted(members[name], key=lambda item: -item[0])]
        species = {
            "scientificNameWithoutAuthor": name,
            "scientificNameAuthorship": "",
            "genus": _taxon(name.split()[0]),
            "family": _taxon(sheets[0].family),
            "commonNames": [sheet.name for sheet in sheets],
            "scientificName": name,
        }
        results.append({"score": score, "species": species})
    return results


def _taxon(name: str) -> dict[str, str]:
    return {
        "scientificNameWithoutAuthor": name,
        "scientificNameAuthorship": "",
        "scientificName": name,
    }


def _hash_all(photos: list[bytes]) -> list[str]:
    return [hashlib.blake2b(photo, digest_size=16).hexdigest() for photo in photos]
