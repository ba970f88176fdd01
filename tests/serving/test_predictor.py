import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from picture_files import encode, make_pixels
from serving.conftest import images

from pomona.serving.predictor import count_threads
from pomona.settings import Limits, ServeSettings


@pytest.fixture
def slow(start):
    """A server whose network waits for a word."""

    def start_slow(limits: Limits, threads: int = 1):
        running = start(limits, threads=threads)
        gate = threading.Event()
        real = running.state.recogniser.score_pixels

        def wait_and_score(pixels):
            assert gate.wait(20)
            return real(pixels)

        running.state.recogniser.score_pixels = wait_and_score
        return running, gate

    return start_slow


def test_overload_is_refused_at_once(slow, photo):
    running, gate = slow(Limits(max_pending=3))
    try:
        with ThreadPoolExecutor(3) as pool:
            waiting = [
                pool.submit(running.client.post, "/v1/identify", files=images(photo))
                for _ in range(3)
            ]
            deadline = time.monotonic() + 10
            while running.state.predictor.pending < 3 and time.monotonic() < deadline:
                time.sleep(0.01)
            started = time.monotonic()
            refused = running.client.post("/v1/identify", files=images(photo))
            assert time.monotonic() - started < 1
            assert (refused.status_code, refused.json()["error"]["code"]) == (503, "busy")
            assert int(refused.headers["retry-after"]) >= 1
            assert running.client.get("/ready").status_code == 503
            assert running.client.get("/health").status_code == 200
            gate.set()
            assert [each.result().status_code for each in waiting] == [200, 200, 200]
    finally:
        gate.set()
    assert running.state.predictor.pending == 0
    assert running.client.get("/ready").status_code == 200


def test_whoever_waits_too_long_is_given_up(slow, photo):
    running, gate = slow(Limits(pending_s=0.2))
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(running.client.post, "/v1/identify", files=images(photo))
        time.sleep(0.2)
        second = pool.submit(running.client.post, "/v1/identify", files=images(photo))
        time.sleep(0.5)
        gate.set()
        assert first.result().status_code == 200
        assert second.result().status_code == 503


def test_one_bad_photograph_ends_the_others_of_its_request(slow, photo):
    running, gate = slow(Limits(max_pending=5))
    gate.set()
    good = encode(make_pixels(1))
    for _ in range(3):
        response = running.client.post("/v1/identify", files=images(b"bad", good, good, good, good))
        assert response.status_code == 415
    deadline = time.monotonic() + 5
    while running.state.predictor.pending and time.monotonic() < deadline:
        time.sleep(0.01)
    assert running.state.predictor.pending == 0
    assert running.state.budget.held == 0
    assert running.client.post("/v1/identify", files=images(photo)).status_code == 200


def test_a_failure_of_the_network_is_500_and_the_next_is_answered(start, photo, caplog):
    running = start()
    real = running.state.recogniser.score_pixels

    def fail(pixels):
        raise RuntimeError("SECRET of the request")

    running.state.recogniser.score_pixels = fail
    response = running.client.post("/v1/identify", files=images(photo))
    assert (response.status_code, response.json()["error"]["code"]) == (500, "failed")
    assert "SECRET" not in response.text + caplog.text
    assert "RuntimeError" in caplog.text
    running.state.recogniser.score_pixels = real
    assert running.client.post("/v1/identify", files=images(photo)).status_code == 200


def test_cores_are_shared_out_among_processes():
    assert count_threads(ServeSettings(threads=7)) == 7
    assert count_threads(ServeSettings(workers=10_000)) == 1
