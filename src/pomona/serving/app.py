"""The app: every route, one recogniser, in one process."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from pomona.serving import routes
from pomona.serving.pages import add_pages
from pomona.serving.predictor import open_predictor
from pomona.serving.refusals import Guard, add_refusal_handlers
from pomona.serving.security import SecurityHeaders
from pomona.serving.settings import ServeSettings
from pomona.serving.state import State
from pomona.serving.uploads import Budget

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
    predictor = open_predictor(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        predictor.close()

    app = FastAPI(
        title="Pomona",
        summary="Which fruit does a photograph show?",
        version=version("pomona"),
        # The bundled pages fetch their scripts from elsewhere.
        docs_url=None,
        redoc_url=None,
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
    app.state.pomona = State(settings, predictor, Budget(settings.limits.max_held_bytes))
    add_refusal_handlers(app)
    app.include_router(routes.router)
    add_pages(app)
    # The last one added is the outermost.
    app.add_middleware(Guard)
    app.add_middleware(SecurityHeaders, cross_origin=bool(settings.cors_origins))
    return app
