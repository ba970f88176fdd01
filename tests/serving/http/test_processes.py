import http.client
import os
import re
import signal
import socket
import threading
import time
from pathlib import Path

import pytest
from picture_files import encode, make_pixels
from serving.conftest import images
from serving.process import real_server
from serving.test_heic import PHOTO as HEIC

from pomona.errors import SetupError
from pomona.serving.http.processes import bind
from pomona.serving.http.slow_heads import TimedProtocol
from pomona.settings import ServeSettings


@pytest.fixture
def home(tmp_path) -> Path:
    (tmp_path / "home").mkdir()
    return tmp_path / "home"


def _begin_upload(port: int, body: bytes) -> tuple[http.client.HTTPConnection, bytes]:
    """Send all of a question but its last bytes."""
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    line.putrequest("POST", "/v1/identify")
    line.putheader("Content-Type", "multipart/form-data; boundary=x")
    line.putheader("Content-Length", str(len(body)))
    line.endheaders()
    line.send(body[:-10])
    return line, body[-10:]


def _body(photo: bytes) -> bytes:
    head = b'--x\r\nContent-Disposition: form-data; name="images"; filename="a"\r\n\r\n'
    return head + photo + b"\r\n--x--\r\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_shutdown_finishes_what_was_begun(model_folder, home, photo, number):
    with real_server(model_folder, home) as server:
        line, rest = _begin_upload(server.port, _body(photo))
        time.sleep(0.3)
        server.popen.send_signal(number)
        time.sleep(0.5)
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", server.port), timeout=5)
        line.send(rest)
        response = line.getresponse()
        assert response.status == 200
        assert b"decision" in response.read()
        line.close()
        assert server.popen.wait(20) == 0
        assert "Traceback" not in server.output()


def test_several_processes_answer_and_add_up_their_counters(model_folder, home):
    photo = encode(make_pixels(1))
    with real_server(model_folder, home, "--workers", "2", "--threads", "1") as server:
        for _ in range(12):
            # A new line each time, so that either process may take it.
            response = server.client.post(
                "/v1/identify", files=images(photo), headers={"Connection": "close"}
            )
            assert response.status_code == 200
        text = server.client.get("/metrics").text
        counted = 'pomona_requests_total{method="POST",route="/v1/identify",status="200"} 12.0'
        assert counted in text
        assert server.end() == 0
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_ctrl_c_ends_all_processes_quietly(model_folder, home):
    with real_server(model_folder, home, "--workers", "2", "--threads", "1") as server:
        for _ in range(6):
            # Decoded in children of the processes, which have to end too.
            response = server.client.post(
                "/v1/identify", files=images(HEIC), headers={"Connection": "close"}
            )
            assert response.status_code == 200
        os.killpg(server.pid, signal.SIGINT)
        assert server.popen.wait(20) == 0
        assert "Traceback" not in server.output()
    deadline = time.monotonic() + 5
    with pytest.raises(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(server.pid, 0)
            time.sleep(0.02)


def test_ctrl_c_while_the_processes_start_is_quiet_too(model_folder, home):
    with real_server(model_folder, home, "--workers", "3", "--threads", "1") as server:
        # At least one of the others still imports its modules.
        os.killpg(server.pid, signal.SIGINT)
        assert server.popen.wait(20) == 0
        assert "Traceback" not in server.output()


def test_ctrl_c_reaches_none_of_the_other_processes(model_folder, home):
    with real_server(model_folder, home, "--workers", "2", "--threads", "1") as server:
        children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split()
        serving = [
            pid for pid in children if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]
        assert [_blocks_ctrl_c(pid) for pid in serving] == [True, True]


def _blocks_ctrl_c(pid: str) -> bool:
    status = Path(f"/proc/{pid}/status").read_text()
    blocked = int(re.search(r"SigBlk:\s*(\w+)", status)[1], 16)
    return bool(blocked >> (signal.SIGINT - 1) & 1)


def test_self_signed_tls_answers_and_leaves_no_key(model_folder, home):
    with real_server(model_folder, home, "--tls-self-signed", tls=True) as server:
        assert server.client.get("/v1/config").status_code == 200
        assert server.end() == 0
    assert list(home.rglob("*.pem")) == []


def test_startup_is_quick(model_folder, home):
    with real_server(model_folder, home) as server:
        # The goal is 3 s on a machine that does nothing else.
        assert server.seconds < 10


def test_a_head_that_never_ends_is_given_up(start, monkeypatch):
    monkeypatch.setattr(TimedProtocol, "header_s", 0.3)
    running = start()
    whole = b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n"
    for first, then in ((b"", b""), (b"GET / HTTP", b"/1.1\r\nA: "), (whole, b"GET")):
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as line:
            line.sendall(first)
            time.sleep(0.1)
            line.sendall(then)
            started = time.monotonic()
            try:
                while line.recv(4096):
                    pass
            except ConnectionResetError:
                pass
            assert time.monotonic() - started < 3


def test_many_silent_lines_do_not_stop_it(start):
    running = start()
    lines = [socket.create_connection(("127.0.0.1", running.port)) for _ in range(200)]
    try:
        assert running.client.get("/health").status_code == 200
    finally:
        for line in lines:
            line.close()


def test_a_client_that_leaves_harms_nobody(start, photo):
    running = start()
    for _ in range(5):
        line, _ = _begin_upload(running.port, _body(photo))
        line.close()
    deadline = time.monotonic() + 5
    while running.state.budget.held and time.monotonic() < deadline:
        time.sleep(0.02)
    assert running.state.budget.held == 0
    assert running.client.post("/v1/identify", files=images(photo)).status_code == 200
    assert threading.active_count() < 60


def test_a_taken_port_is_one_error():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(SetupError, match="cannot listen"):
            bind(ServeSettings(port=port))
    with pytest.raises(SetupError, match="cannot listen"):
        bind(ServeSettings(host="192.0.2.1", port=0))
