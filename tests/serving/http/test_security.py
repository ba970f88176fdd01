import pytest

EXPECTED = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; "
        "img-src 'self' blob: data:; connect-src 'self'; worker-src 'self'; manifest-src 'self'; "
        "media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


@pytest.mark.parametrize("path", ["/", "/privacy", "/docs", "/v1/config", "/nowhere", "/sw.js"])
def test_every_answer_has_the_headers(client, path):
    headers = client.get(path).headers
    assert {name: headers[name] for name in EXPECTED} == EXPECTED
    assert "camera=(self)" in headers["permissions-policy"]
    assert "server" not in headers


def test_cors_is_off_unless_named(start):
    origin = {"Origin": "https://other.example"}
    for path in ("/v1/config", "/v1/model"):
        headers = start().client.get(path, headers=origin).headers
        assert "access-control-allow-origin" not in headers
    client = start(cors_origins=("https://other.example",)).client
    headers = client.get("/v1/config", headers=origin).headers
    assert headers["access-control-allow-origin"] == "https://other.example"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    other = client.get("/v1/config", headers={"Origin": "https://evil.example"}).headers
    assert "access-control-allow-origin" not in other
