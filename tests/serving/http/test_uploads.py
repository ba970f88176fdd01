import http.client
import io
import struct
import time
import zlib

import numpy as np
import pytest
from picture_files import encode, make_pixels
from PIL import Image
from serving.conftest import images

from pomona.settings import Limits


def _post(client, body: bytes, kind: str = "multipart/form-data; boundary=x", **headers):
    return client.post("/v1/identify", content=body, headers={"Content-Type": kind, **headers})


def _part(body: bytes, head: bytes = b'form-data; name="images"; filename="a.jpg"') -> bytes:
    return b"--x\r\nContent-Disposition: " + head + b"\r\n\r\n" + body + b"\r\n"


def _png(width: int, height: int, data: bytes) -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        checked = kind + body
        return struct.pack(">I", len(body)) + checked + struct.pack(">I", zlib.crc32(checked))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def _refused(response, status: int, code: str) -> None:
    assert (response.status_code, response.json()["error"]["code"]) == (status, code)
    assert set(response.json()["error"]) == {"code", "message", "advice"}
    assert "Traceback" not in response.text


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        ("application/json", 415, "not_multipart"),
        ("image/jpeg", 415, "not_multipart"),
        ("application/x-www-form-urlencoded", 415, "not_multipart"),
        ("multipart/form-data", 415, "not_multipart"),
        ("multipart/form-data; boundary=" + "b" * 300, 400, "malformed"),
        ("multipart/mixed; boundary=x", 415, "not_multipart"),
        ("multipart/form-data; boundary=x\x7f\xe9", 400, "malformed"),
    ],
)
def test_wrong_types_are_refused(client, kind, status, code):
    _refused(_post(client, b"{}", kind.encode("latin-1")), status, code)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--x",
        b"--x--\r\n",
        b"--x\r\n",
        b"no boundary at all" * 100,
        _part(b"abc"),
        _part(b"abc", b"attachment") + b"--x--\r\n",
        _part(b"abc", b"form-data") + b"--x--\r\n",
        b"--x\r\nBroken header\r\n\r\nabc\r\n--x--\r\n",
        b"--x\r\nA: " + b"b" * 9000 + b"\r\n\r\nabc\r\n--x--\r\n",
        b"--x\r\n" + b"".join(b"H%d: v\r\n" % i for i in range(50)) + b"\r\nabc\r\n--x--\r\n",
    ],
)
def test_damaged_bodies_are_refused(client, body):
    response = _post(client, body)
    assert response.status_code == 400
    assert response.json()["error"]["code"] in ("malformed", "no_photo")


def test_a_thousand_parts_are_refused(client, photo):
    _refused(_post(client, _part(b"a", b'form-data; name="f"') * 1000), 413, "too_many_parts")
    _refused(_post(client, _part(photo) * 1000), 413, "too_many_photos")


def test_six_photographs_are_refused(client, photo):
    _refused(client.post("/v1/identify", files=images(*[photo] * 6)), 413, "too_many_photos")


def test_no_photograph_is_refused(client):
    _refused(_post(client, _part(b"1", b'form-data; name="a"') + b"--x--\r\n"), 400, "no_photo")
    long = images(b"x" * 5000, name="other")
    _refused(client.post("/v1/identify", files=long), 413, "long_field")


def test_large_photographs_are_refused_and_not_kept(start, photo):
    running = start(Limits(max_bytes=100_000))
    _refused(running.client.post("/v1/identify", files=images(b"x" * 150_000)), 413, "too_large")
    # Without a length the bytes themselves are counted.
    body = iter([_part(b"x" * 50_000)[:-2]] + [b"x" * 50_000] * 40)
    response = running.client.post(
        "/v1/identify", content=body, headers={"Content-Type": "multipart/form-data; boundary=x"}
    )
    _refused(response, 413, "too_large")
    assert running.state.budget.held == 0
    assert running.client.post("/v1/identify", files=images(photo)).status_code == 200


def test_a_stated_length_above_the_limit_is_refused_before_the_body(start):
    port = start().port
    line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    line.putrequest("POST", "/v1/identify")
    line.putheader("Content-Type", "multipart/form-data; boundary=x")
    line.putheader("Content-Length", str(10**12))
    line.endheaders()
    line.send(b"--x\r\n")
    started = time.monotonic()
    assert line.getresponse().status == 413
    assert time.monotonic() - started < 4
    line.close()


def test_memory_for_photographs_is_bounded(start, photo):
    running = start(Limits(max_held_bytes=20_000))
    response = running.client.post("/v1/identify", files=images(b"x" * 30_000))
    _refused(response, 503, "busy")
    assert int(response.headers["retry-after"]) > 0
    assert running.state.budget.held == 0
    assert running.client.post("/v1/identify", files=images(photo)).status_code == 200


def test_a_refused_body_frees_its_memory_before_its_rest_is_read(start, photo):
    running = start(Limits(max_held_bytes=100_000))
    line = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
    line.putrequest("POST", "/v1/identify")
    line.putheader("Content-Type", "multipart/form-data; boundary=x")
    line.putheader("Content-Length", "200000")
    line.endheaders()
    line.send(_part(b"x" * 150_000)[:-2])
    time.sleep(0.3)
    assert running.state.budget.held == 0
    assert running.client.post("/v1/identify", files=images(photo)).status_code == 200
    assert line.getresponse().status == 503
    line.close()


def test_slow_uploads_time_out(start):
    port = start(Limits(chunk_s=0.3, upload_s=1.0)).port
    for pause_s in (0.6, 0.2):
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
        line.putrequest("POST", "/v1/identify")
        line.putheader("Content-Type", "multipart/form-data; boundary=x")
        line.putheader("Content-Length", "100000")
        line.endheaders()
        line.send(_part(b"")[:-2])
        started = time.monotonic()
        try:
            for _ in range(8):
                line.send(b"jpeg")
                time.sleep(pause_s)
        except OSError:
            pass
        assert line.getresponse().status == 408
        assert time.monotonic() - started < 5
        line.close()


def test_truncated_photographs_are_refused(client, photo):
    for n in range(0, len(photo) - 2, max(len(photo) // 12, 1)):
        response = client.post("/v1/identify", files=images(photo[:n]))
        assert response.status_code in (415, 422), response.text
    response = client.post("/v1/identify", files=images(photo, photo[: len(photo) // 2]))
    assert "Photograph 2" in response.json()["error"]["message"]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_bombs_are_refused_before_they_are_decoded(client):
    zeros = zlib.compress(bytes(1000), 9)
    started = time.monotonic()
    _refused(
        client.post("/v1/identify", files=images(_png(60_000, 60_000, zeros))),
        *(413, "too_many_pixels"),
    )
    _refused(
        client.post("/v1/identify", files=images(_png(12_000, 12_000, zeros))),
        *(413, "too_many_pixels"),
    )
    assert time.monotonic() - started < 2
    # Text of a PNG may be compressed too.
    text = b"k\0\0" + zlib.compress(bytes(80_000_000), 9)
    chunk = b"zTXt" + text
    bomb = encode(make_pixels(1), "PNG")
    at = 33
    packed = struct.pack(">I", len(text)) + chunk + struct.pack(">I", zlib.crc32(chunk))
    response = client.post("/v1/identify", files=images(bomb[:at] + packed + bomb[at:]))
    assert response.status_code in (200, 422)


def test_polyglots_and_noise_never_break_it(client, photo):
    rng = np.random.default_rng(0)
    cases = [
        b"GIF89a" + photo,
        photo + b"PK\x03\x04" + b"<script>alert(1)</script>",
        b"%PDF-1.4\n" + photo,
        b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
        b"\xff\xd8\xff\xe1\xff\xff" + b"A" * 100,
        b"RIFF\xff\xff\xff\xffWEBPVP8X" + b"\xff" * 40,
        b"\0\0\0\x18ftypheic\0\0\0\0heicmif1" + b"\xff" * 60,
        b"%!PS-Adobe-3.0 EPSF-3.0\n(/etc/passwd) (r) file",
    ]
    for _ in range(60):
        data = bytearray(photo)
        for at in rng.integers(0, len(data), 12):
            data[at] = int(rng.integers(256))
        cases.append(bytes(data))
    for case in cases:
        response = client.post("/v1/identify", files=images(case))
        assert response.status_code in (200, 413, 415, 422), response.text


def test_names_of_files_are_never_used(client, photo):
    names = ["../../etc/passwd", "/etc/passwd", "a\0b.jpg", "x" * 1500, "é☃.png", "a.exe", ""]
    for name in names:
        head = b'form-data; name="images"; filename="' + name.encode() + b'"'
        response = _post(client, _part(photo, head) + b"--x--\r\n")
        assert response.status_code == 200, response.text


def test_large_pictures_are_taken(client):
    out = io.BytesIO()
    Image.new("RGB", (8000, 6000), (200, 30, 30)).save(out, "JPEG", quality=60)
    assert client.post("/v1/identify", files=images(out.getvalue())).status_code == 200


def test_huge_heads_are_refused(client):
    response = client.get("/v1/config", headers={"X-Long": "x" * 60_000})
    assert response.status_code in (400, 431)
    assert client.get("/v1/config?" + "x" * 60_000).status_code in (400, 431)
    assert client.get("/v1/config", headers={"X-Long": "x" * 2_000_000}).status_code == 400


def test_path_tricks_stay_outside(start):
    running = start()
    tricks = [
        *("/static/../app.py", "/static/..%2fapp.py", "/static/%2e%2e/%2e%2e/errors.py"),
        *("/static//etc/passwd", "/v1/facts/..%2f..%2fetc", "/static/..\\app.py", "//etc/passwd"),
        *("/v1/model/../../etc/passwd", "/static/%00", "/v1/contributions/..%2f..%2fx"),
    ]
    for path in tricks:
        line = http.client.HTTPConnection("127.0.0.1", running.port, timeout=10)
        line.request("GET", path)
        response = line.getresponse()
        body = response.read()
        assert response.status in (400, 404, 405), path
        assert b"import" not in body
        line.close()
