"""A server with the small recogniser of three labels, in this process or in one of its own."""

from recognition.conftest import backbone, model_folder, preprocessing, rule
from serving.page_fixtures import browser, chromium, page_server, phone_model, serve_page

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
