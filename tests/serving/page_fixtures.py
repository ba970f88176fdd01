"""The page in a real browser: a server in a thread, headless Chromium, a recogniser that knows."""

import os
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from serving.small_recogniser import write_small_recogniser

__all__ = [
    "browser",
    "chromium",
    "find_chromium",
    "need_runtime",
    "page_server",
    "phone_model",
    "serve_page",
    "serving",
]

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "src/pomona/serving/static"
# Nothing in the background: a browser under test talks to nobody but the server under test.
QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)
START_S = 20.0


@pytest.fixture(scope="session")
def phone_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that tells eight fruits apart."""
    pytest.importorskip("onnx", reason="the package onnx is not installed")
    return write_small_recogniser(tmp_path_factory.mktemp("phone"))


@pytest.fixture(scope="session")
def serve_page() -> Callable[..., object]:
    """A context manager: settings of the server in, its address out."""
    pytest.importorskip("fastapi", reason="the extra 'serve' is not installed")
    return serving


@pytest.fixture(scope="session")
def page_server(serve_page, phone_model) -> Iterator[str]:
    """The address of a server with the small recogniser, recognition on the device included."""
    need_runtime()
    with serve_page(model=phone_model) as url:
        yield url


@pytest.fixture(scope="session")
def chromium() -> Iterator[Callable[..., object]]:
    """Start a headless Chromium with further switches; all are closed at the end."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium here: install one, or name it in POMONA_CHROMIUM")
    with sync_api.sync_playwright() as playwright:
        started = []

        def launch(*switches: str):
            browser = playwright.chromium.launch(executable_path=path, args=[*QUIET, *switches])
            started.append(browser)
            return browser

        yield launch
        for browser in started:
            browser.close()


@pytest.fixture(scope="session")
def browser(chromium):
    """A Chromium without a camera."""
    return chromium()


def find_chromium() -> str | None:
    """Where the browser is: named, or on the path."""
    named = os.environ.get("POMONA_CHROMIUM")
    return named or shutil.which("chromium") or shutil.which("google-chrome")


def need_runtime() -> None:
    """Skip where the files of the browser's runtime were never fetched."""
    if not (STATIC / "vendor/VERSION").is_file():
        pytest.skip("the phone app's runtime is not here: run 'make web'")


@contextmanager
def serving(**settings) -> Iterator[str]:
    from uvicorn import Config, Server

    from pomona.serving.app import create_app
    from pomona.settings import ServeSettings

    app = create_app(ServeSettings(rate_limit=0, **settings))
    listener = socket.create_server(("127.0.0.1", 0))
    server = Server(
        Config(app, log_level="warning", lifespan="on", ws="none", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    patience = time.monotonic() + START_S
    while not server.started:
        if not thread.is_alive() or time.monotonic() > patience:
            raise RuntimeError("the server did not start")
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(timeout=START_S)
