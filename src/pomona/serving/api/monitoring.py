"""Is it alive, is it ready, how much does it do: numbers without a word about who asked."""

import os
import time
from typing import Final

from fastapi import APIRouter, Request
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pomona.serving.api.schemas import REFUSALS
from pomona.serving.state import get_state

__all__ = ["Measured", "count_answer", "router"]

router = APIRouter(tags=["operator"])

_METHODS: Final = frozenset(("GET", "HEAD", "POST", "DELETE", "OPTIONS"))
_REQUESTS: Final = Counter(
    "pomona_requests", "Requests, by route and status.", ("method", "route", "status")
)
_SECONDS: Final = Histogram(
    "pomona_request_seconds",
    "Seconds from the head of a request to the end of its answer.",
    ("route",),
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
)
_ANSWERS: Final = Counter("pomona_answers", "Answers, by decision.", ("decision",))
_NETWORK: Final = Histogram(
    "pomona_network_seconds",
    "Seconds in the network, per answer.",
    buckets=(0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28),
)
_PENDING: Final = Gauge(
    "pomona_pending_photos", "Photographs that wait or are looked at.", multiprocess_mode="livesum"
)


def count_answer(decision: str, *, network_s: float) -> None:
    """Count one answer."""
    _ANSWERS.labels(decision).inc()
    _NETWORK.observe(network_s)


@router.get("/health", summary="Is the process alive?")
async def health() -> Response:
    return JSONResponse({"status": "ok"})


@router.get("/ready", summary="Would it take a photograph now?", responses={503: REFUSALS[503]})
async def ready(request: Request) -> Response:
    get_state(request).predictor.check_room()
    return JSONResponse({"status": "ready"})


@router.get(
    "/metrics",
    summary="Counters in Prometheus' format",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
async def metrics(request: Request) -> Response:
    _PENDING.set(get_state(request).predictor.pending)
    registry = REGISTRY
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class Measured:
    """ASGI middleware that counts requests.

    Routes are counted by their pattern: an address that was asked for may hold a code.

    Parameters
    ----------
    app : ASGIApp
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on and count it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, status = time.perf_counter(), 500

        async def send_on(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, send_on)
        finally:
            route = str(getattr(scope.get("route"), "path", None) or "other")
            method = scope["method"] if scope["method"] in _METHODS else "other"
            _REQUESTS.labels(method, route, str(status)).inc()
            _SECONDS.labels(route).observe(time.perf_counter() - started)
