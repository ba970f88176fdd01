"""Nothing of a photograph, its name or its sender is written anywhere: watched, not believed."""

import logging
import sys
from pathlib import Path

import pytest
from picture_files import encode, make_pixels
from PIL import Image
from serving.conftest import images
from serving.process import real_server
from serving.test_heic import PHOTO as HEIC

SECRETS = ("SECRETNAME", "SECRETCAMERA", "SECRETQUERY", "SECRETAGENT", "127.0.0.1")


class Watch:
    """What this process opens to write; an audit hook cannot be removed, only be ignored."""

    def __init__(self) -> None:
        self.found: list[str] | None = None
        sys.addaudithook(self._see)

    def _see(self, event: str, arguments: tuple[object, ...]) -> None:
        if self.found is None or event not in ("open", "os.mkdir", "os.rename"):
            return
        mode = arguments[1] if event == "open" else "w"
        if mode is None or set(str(mode)) & set("wax+"):
            self.found.append(f"{event} {arguments[:2]}")


@pytest.fixture(scope="module")
def watch() -> Watch:
    return Watch()


@pytest.fixture
def opened(watch: Watch):
    watch.found = []
    yield watch.found
    watch.found = None


def _photo() -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "SECRETCAMERA"
    return encode(make_pixels(1, 1500, 2000), quality=98, exif=exif)


def _ask(client) -> list[int]:
    """Everything that a photograph can meet: good, bad, too many, slow, large."""
    photo = _photo()
    assert len(photo) > 1_000_000 / 4
    big = photo + bytes(3_000_000)
    headers = {"User-Agent": "SECRETAGENT"}
    bodies = (
        [("images", ("SECRETNAME.jpg", photo))],
        [("images", ("SECRETNAME.jpg", big))] * 5,
        [("images", ("SECRETNAME.jpg", photo[:5000]))],
        [("images", ("SECRETNAME.jpg", b"nothing"))],
        [("images", ("SECRETNAME.heic", HEIC))],
        images(*[photo] * 6),
    )
    paths = ("/v1/identify?q=SECRETQUERY", "/v2/identify/all?api-key=SECRETQUERY")
    statuses = [
        client.post(path, files=parts, headers=headers).status_code
        for parts in bodies
        for path in paths
    ]
    client.get("/SECRETQUERY", headers=headers)
    client.get("/v1/facts/SECRETQUERY", headers=headers)
    client.delete("/v1/contributions/SECRETQUERY", headers=headers)
    return statuses


def test_nothing_is_opened_to_write(start, opened, caplog):
    caplog.set_level(logging.DEBUG)
    client = start(rate_limit=1000).client
    _ask(client)  # caches of imports and the like
    opened.clear()
    caplog.clear()
    statuses = _ask(client)
    assert statuses[0] == statuses[2] == 200
    assert opened == []
    ours = [each for each in caplog.records if not each.name.startswith(("httpx", "httpcore"))]
    text = " ".join(each.getMessage() for each in ours if each.levelno >= logging.INFO)
    assert not any(secret in text for secret in SECRETS)


def test_the_watch_sees_a_file_being_written(tmp_path, opened):
    (tmp_path / "x").write_text("x")
    assert len(opened) == 1


def test_a_real_server_writes_and_logs_nothing(model_folder, tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    with real_server(model_folder, home, "--log-json") as server:
        assert _ask(server.client)[0] == 200
        before = _written(server.pid)
        files = _files(home)
        assert _ask(server.client)[0] == 200
        assert _files(home) == files == []
        if before is not None:
            assert _written(server.pid) == before
            assert _open_files(server.pid, tmp_path) == []
    said = server.output()
    assert not any(secret in said.split("Ctrl-C", 1)[1] for secret in SECRETS)
    assert "Traceback" not in said


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _written(pid: int) -> int | None:
    """Bytes a process has sent to storage, where the system counts them."""
    try:
        lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) for line in lines if line.startswith("write_bytes"))


def _open_files(pid: int, model: Path) -> list[str]:
    """Regular files a process holds open, deleted ones too, that are not code or the model."""
    found = []
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            target = str(link.readlink())
        except OSError:
            continue
        if target.startswith("/") and not target.startswith(("/dev/", "/proc/")):
            found.append(target)
    return [each for each in found if "server.log" not in each and not each.endswith(".onnx")]
