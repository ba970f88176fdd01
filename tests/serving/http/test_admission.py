import pytest
from serving.conftest import images

from pomona.errors import SettingsError
from pomona.serving.http.admission import read_keys
from pomona.serving.http.rate_limit import MAX_ADDRESSES, RateLimit

KEY = "a-key-of-some-length"


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_rate_limit_fills_up_evenly():
    clock = Clock()
    limit = RateLimit(6, clock=clock)
    assert [limit.take("10.0.0.1") for _ in range(6)] == [0.0] * 6
    assert limit.take("10.0.0.1") == pytest.approx(10)
    assert limit.take("10.0.0.2") == 0
    clock.now = 10
    assert limit.take("10.0.0.1") == 0
    assert limit.take("10.0.0.1") > 0
    clock.now = 1000
    assert limit.remaining("10.0.0.1") == 6


def test_rate_limit_keeps_no_address():
    limit = RateLimit(6)
    limit.take("203.0.113.77")
    assert "203.0.113.77" not in repr(vars(limit))
    assert limit._hash("203.0.113.77") != RateLimit(6)._hash("203.0.113.77")


def test_rate_limit_counts_a_household_once():
    limit = RateLimit(1, clock=Clock())
    assert limit.take("2001:db8::1") == 0
    assert limit.take("2001:db8::ffff:1") > 0
    assert limit.take("2001:db8:0:1::1") == 0


def test_rate_limit_forgets_so_that_memory_is_bounded():
    limit = RateLimit(5, clock=Clock())
    for i in range(MAX_ADDRESSES + 50):
        limit.take(f"host{i}")
    assert len(limit._buckets) == MAX_ADDRESSES


def test_zero_sets_no_limit():
    limit = RateLimit(0)
    assert all(limit.take("x") == 0 for _ in range(1000))


def test_too_many_questions_are_429(start, photo):
    client = start(rate_limit=3).client
    statuses = [client.post("/v1/identify", files=images(photo)).status_code for _ in range(5)]
    assert statuses == [200, 200, 200, 429, 429]
    response = client.post("/v1/identify", files=images(photo))
    assert response.json()["error"]["code"] == "too_many_requests"
    assert 1 <= int(response.headers["retry-after"]) <= 60
    assert client.get("/v1/config").status_code == 200


def test_a_stated_address_is_believed_from_a_proxy_only(start, photo):
    for behind_proxy, last in ((False, 429), (True, 200)):
        client = start(rate_limit=1, behind_proxy=behind_proxy).client
        for i, status in enumerate((200, last)):
            headers = {"X-Forwarded-For": f"198.51.100.{i}"}
            response = client.post("/v1/identify", files=images(photo), headers=headers)
            assert response.status_code == status


def test_keys_are_asked_for_where_there_are_some(start, photo, tmp_path):
    (tmp_path / "keys").write_text(f"# partners\n\n{KEY}\n")
    client = start(api_keys=tmp_path / "keys").client
    refused = client.post("/v1/identify", files=images(photo))
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "no_key")
    wrong = {"X-API-Key": KEY + "x"}
    assert client.post("/v1/identify", files=images(photo), headers=wrong).status_code == 401
    for headers in ({"X-API-Key": KEY}, {"Authorization": f"Bearer {KEY}"}):
        response = client.post("/v1/identify", files=images(photo), headers=headers)
        assert response.status_code == 200
    response = client.post(f"/v2/identify/all?api-key={KEY}&no-reject=true", files=images(photo))
    assert response.status_code == 200
    assert client.get("/v1/config").status_code == 200


@pytest.mark.parametrize(
    ("text", "message"), [("", "holds no key"), ("# x\n", "holds no key"), ("short\n", "shorter")]
)
def test_keys_that_protect_nothing_are_refused(tmp_path, text, message):
    (tmp_path / "keys").write_text(text)
    with pytest.raises(SettingsError, match=message):
        read_keys(tmp_path / "keys")
    with pytest.raises(SettingsError, match="cannot be read"):
        read_keys(tmp_path / "nothing")
