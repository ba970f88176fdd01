"""The app: every route, one recogniser, in one process."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from pomona.serving import written_pages
from pomona.serving.api import monitoring, plantnet, routes
from pomona.serving.api.monitoring import Measured
from pomona.serving.api.schemas import REFUSALS
from pomona.serving.contributions import routes as contribution_routes
from pomona.serving.contributions.routes import keep_purging
from pomona.serving.http.admission import read_keys
from pomona.serving.http.rate_limit import RateLimit
from pomona.serving.http.refusals import Guard, add_refusal_handlers
from pomona.serving.http.security import SecurityHeaders
from pomona.serving.http.uploads import Budget
from pomona.serving.pages import add_pages
from pomona.serving.predictor import open_predictor
from pomona.serving.state import State
from pomona.settings import ServeSettings

__all__ = ["create_app"]


def create_app(settings: ServeSettings | None = None) -> FastAPI:
    """Return the app; the recogniser is loaded when it is made.

    Parameters
    ----------
    settings : ServeSettings, optional

    Raises
    ------
    ModelError, SetupError
        If there is no recogniser, or it cannot be loaded.
    """
    settings = settings or ServeSettings()
    keys = None if settings.api_keys is None else read_keys(settings.api_keys)
    predictor = open_predictor(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with keep_purging(settings.contributing):
            yield
        predictor.close()

    app = FastAPI(
        title="Pomona",
        summary="Which fruit does a photograph show?",
        version=version("pomona"),
        # The bundled pages fetch their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
        responses={422: REFUSALS[422]},
        # Traces and metrics of requests would leave this machine where a collector is set up.
        telemetry={
            "tracing": False,
            "metrics": False,
            "logs": False,
            "operation_spans": False,
            "auto_configure": False,
        },
        lifespan=lifespan,
    )
    app.state.pomona = State(
        settings,
        predictor,
        Budget(settings.limits.max_held_bytes),
        # Each process counts for itself, and the system shares connections out evenly.
        RateLimit(math.ceil(settings.rate_limit / settings.workers)),
        keys,
    )
    add_refusal_handlers(app)
    for module in (routes, contribution_routes, plantnet, monitoring, written_pages):
        app.include_router(module.router)
    add_pages(app)
    # The last one added is the outermost.
    app.add_middleware(Guard)
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET", "POST", "DELETE"],
            allow_headers=["X-API-Key"],
        )
    app.add_middleware(SecurityHeaders, cross_origin=bool(settings.cors_origins))
    app.add_middleware(Measured)
    return app
