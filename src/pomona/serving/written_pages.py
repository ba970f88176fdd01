"""Pages that the server writes: the privacy notice in force, and the API's description."""

from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final

import jinja2
from fastapi import APIRouter, Query, Request
from starlette.responses import FileResponse, HTMLResponse, Response

from pomona.facts import LANGUAGES
from pomona.serving.api.wording import CONSENT, CONSENT_VERSION
from pomona.serving.state import get_state
from pomona.settings import ServeSettings

__all__ = ["router"]

router = APIRouter(include_in_schema=False)

TEMPLATES: Final = Path(__file__).with_name("templates")
_REVALIDATE: Final = {"Cache-Control": "no-cache"}


@router.get("/privacy")
async def privacy(request: Request, lang: Annotated[str | None, Query()] = None) -> Response:
    chosen = lang if lang in LANGUAGES else _preferred(request.headers.get("accept-language", ""))
    settings = get_state(request).settings
    html = _render(f"privacy.{chosen}.html.j2", **_privacy_values(settings, chosen))
    return HTMLResponse(html, headers={**_REVALIDATE, "Content-Language": chosen})


@router.get("/docs")
async def docs(request: Request) -> Response:
    return HTMLResponse(_render("docs.html.j2", api=request.app.openapi()), headers=_REVALIDATE)


@router.get("/static/pages.css")
async def style() -> Response:
    return FileResponse(TEMPLATES / "pages.css", media_type="text/css", headers=_REVALIDATE)


def _privacy_values(settings: ServeSettings, lang: str) -> dict[str, Any]:
    limits = settings.limits
    return {
        "operator": settings.operator,
        "contributing": settings.contributing,
        "consent": CONSENT[lang],
        "consent_version": CONSENT_VERSION,
        "rate_limit": settings.rate_limit or None,
        "api_keys": settings.api_keys is not None,
        "max_photos": limits.max_photos,
        "tls": settings.tls_cert is not None,
        "behind_proxy": settings.behind_proxy,
    }


def _preferred(accept: str) -> str:
    """Return the language that a browser asks for first, of those there are."""
    for part in accept.split(","):
        lang = part.split(";")[0].strip().lower()[:2]
        if lang in LANGUAGES:
            return lang
    return LANGUAGES[0]


def _render(name: str, **values: Any) -> str:
    return _environment().get_template(name).render(**values)


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
