import pytest

from pomona.serving import pages


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A page of three files in place of the package's."""
    for name in ("index.html", "sw.js", "manifest.webmanifest"):
        (tmp_path / name).write_text(name)
    (tmp_path / "app.mjs").write_text("export {}")
    (tmp_path / "vendor").mkdir()
    (tmp_path / "vendor" / "runtime.wasm").write_bytes(b"\0asm")
    monkeypatch.setattr(pages, "STATIC", tmp_path)


@pytest.mark.usefixtures("site")
def test_files_have_their_kinds(start):
    client = start().client
    for path, kind in (
        ("/", "text/html; charset=utf-8"),
        ("/sw.js", "text/javascript; charset=utf-8"),
        ("/manifest.webmanifest", "application/manifest+json"),
        ("/static/app.mjs", "text/javascript; charset=utf-8"),
        ("/static/vendor/runtime.wasm", "application/wasm"),
    ):
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["content-type"] == kind
        assert response.headers["cache-control"] == "no-cache"
        again = client.get(path, headers={"If-None-Match": response.headers["etag"]})
        assert again.status_code == (304 if path.startswith("/static/") else 200)
    assert client.get("/v1/config").json()["on_device"] is True
    assert client.get("/static/none.js").status_code == 404


def test_a_package_without_the_page_says_so(start, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "STATIC", tmp_path / "none")
    client = start().client
    for path in ("/", "/sw.js", "/manifest.webmanifest"):
        response = client.get(path)
        assert (response.status_code, response.json()["error"]["code"]) == (404, "no_page")
    assert client.get("/static/app.js").status_code == 404
    assert client.get("/v1/config").json()["on_device"] is False
