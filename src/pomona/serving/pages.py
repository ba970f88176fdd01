"""The page's files: the shell, its assets, the service worker, the manifest."""

import mimetypes
from pathlib import Path
from typing import Final

from fastapi import APIRouter, FastAPI
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from pomona.serving.http.refusals import RefusalError
from pomona.storage.locations import LocalLocation

__all__ = ["STATIC", "add_pages", "has_browser_runtime"]

STATIC: Final = Path(__file__).with_name("static")
# Always asked for again, answered with 304 if nothing changed: the service worker keeps the copies.
_REVALIDATE: Final = {"Cache-Control": "no-cache"}

# What the machine's own table says may be anything; with nosniff a wrong word breaks the page.
for _ending, _kind in (
    (".js", "text/javascript"),
    (".mjs", "text/javascript"),
    (".wasm", "application/wasm"),
    (".css", "text/css"),
    (".svg", "image/svg+xml"),
    (".webmanifest", "application/manifest+json"),
):
    mimetypes.add_type(_kind, _ending)


class _Assets(StaticFiles):
    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers.update(_REVALIDATE)
        return response


def has_browser_runtime() -> bool:
    """Return whether the browser's runtime of the network is in the package."""
    return any(".wasm" in name for name in LocalLocation(STATIC / "vendor").list())


def add_pages(app: FastAPI) -> None:
    """Serve the page from the package."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def index() -> Response:
        return _page_file("index.html", "text/html; charset=utf-8")

    @router.get("/sw.js")
    async def service_worker() -> Response:
        return _page_file("sw.js", "text/javascript; charset=utf-8")

    @router.get("/manifest.webmanifest")
    async def manifest() -> Response:
        return _page_file("manifest.webmanifest", "application/manifest+json")

    app.include_router(router)
    if STATIC.is_dir():
        app.mount("/static", _Assets(directory=STATIC))


def _page_file(name: str, media_type: str) -> Response:
    path = STATIC / name
    if not path.is_file():
        raise RefusalError(
            *(404, "no_page", "This installation of pomona holds no page."),
            "The API works: see /docs.",
        )
    return FileResponse(path, media_type=media_type, headers=_REVALIDATE)
