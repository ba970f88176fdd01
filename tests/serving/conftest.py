"""A server with the small recogniser of three labels: real HTTP, in a thread of this process."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from picture_files import encode, make_pixels
from recognition.conftest import backbone, model_folder, preprocessing, rule
from serving.page_fixtures import browser, chromium, page_server, phone_model, serve_page
from uvicorn import Server

from pomona.serving.app import create_app
from pomona.serving.http.processes import bind, configure
from pomona.settings import Limits, ServeSettings

__all__ = [
    "backbone",
    "browser",
    "chromium",
    "model_folder",
    "page_server",
    "phone_model",
    "preprocessing",
    "rule",
    "serve_page",
]

LOG = {"version": 1, "disable_existing_loggers": False}


@dataclass
class Running:
    """A server that answers."""

    app: Any
    server: Server
    port: int
    client: httpx.Client

    @property
    def state(self):
        return self.app.state.pomona


@pytest.fixture
def start(model_folder: Path) -> Iterator[Callable[..., Running]]:
    """Start servers; they end with the test."""
    running = []

    def start_server(limits: Limits | None = None, **values: object) -> Running:
        settings = ServeSettings(**{"model": model_folder, "port": 0, "rate_limit": 0, **values})
        settings = replace(settings, limits=limits or Limits())
        bound = bind(settings)
        app = create_app(settings)
        server = Server(configure(settings, lambda: app, LOG))
        thread = threading.Thread(target=server.run, args=([bound],))
        thread.start()
        deadline = time.monotonic() + 10
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.01)
        port = bound.getsockname()[1]
        client = httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=20, trust_env=False)
        running.append((server, thread, client))
        return Running(app, server, port, client)

    yield start_server
    for server, thread, client in running:
        client.close()
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()


@pytest.fixture
def client(start) -> httpx.Client:
    """A client of a server with the usual settings."""
    return start().client


@pytest.fixture(scope="session")
def photo() -> bytes:
    """A JPEG."""
    return encode(make_pixels(1, 120, 160), quality=90)


def images(*photos: bytes, name: str = "images") -> list[tuple[str, tuple[str, bytes]]]:
    """The photographs as parts of a body."""
    return [(name, (f"{i}.jpg", photo)) for i, photo in enumerate(photos)]
