from serving.conftest import images


def test_health_ready_and_metrics(client, photo):
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ready"}
    client.post("/v1/identify", files=images(photo))
    client.get("/v1/facts/very-secret-fruit")
    client.delete("/v1/contributions/VERY-SECRET-CODE")
    client.get("/nowhere/VERY-SECRET-PATH")
    client.request("VERYSECRET", "/v1/config")
    response = client.get("/metrics")
    assert response.headers["content-type"].startswith("text/plain")
    assert 'route="/v1/identify",status="200"' in response.text
    assert "pomona_answers_total" in response.text
    assert "pomona_pending_photos 0.0" in response.text
    assert "secret" not in response.text.lower()
    assert "127.0.0.1" not in response.text
