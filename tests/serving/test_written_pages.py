import re

import pytest

from pomona.settings import Contributing


def _outside(html: str) -> list[str]:
    found = re.findall(r'(?:src|href|action)="([^"]*)"', html)
    return [each for each in found if not each.startswith(("/", "#")) or each.startswith("//")]


@pytest.mark.parametrize("path", ["/privacy?lang=en", "/privacy?lang=fr", "/docs"])
def test_pages_ask_nobody_else_and_run_no_script(client, path):
    response = client.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    assert _outside(response.text) == []
    assert "<script" not in response.text
    assert "style=" not in response.text
    assert client.get("/static/pages.css").headers["content-type"].startswith("text/css")


def test_privacy_says_what_is_in_force(start, tmp_path):
    off = start(rate_limit=0).client
    text = off.get("/privacy?lang=en").text
    assert "takes no contributions" in text
    assert "Addresses are not looked at" in text
    (tmp_path / "keys").write_text("a-key-of-some-length")
    client = start(
        contributing=Contributing(tmp_path / "c", 90),
        rate_limit=42,
        operator="Orchard <& Co>",
        api_keys=tmp_path / "keys",
    ).client
    english = client.get("/privacy?lang=en").text
    french = client.get("/privacy?lang=fr").text
    for text, days in ((english, "90 days"), (french, "90 jours")):
        assert days in text
        assert "42 " in text
        assert "Orchard &lt;&amp; Co&gt;" in text
        assert "/v1/contributions/CODE" in text
    assert "have a key" in english
    assert "possède une clé" in french


def test_privacy_follows_the_browser(client):
    for accept, lang in (("fr-CH,fr;q=0.9", "fr"), ("de,en;q=0.5", "en"), ("", "en")):
        response = client.get("/privacy", headers={"Accept-Language": accept})
        assert response.headers["content-language"] == lang
        assert f'<html lang="{lang}">' in response.text
    assert client.get("/privacy?lang=xx").status_code == 200


def test_docs_name_every_address(client):
    text = client.get("/docs").text
    for path in client.get("/openapi.json").json()["paths"]:
        assert path in text
