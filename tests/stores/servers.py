"""Real servers of object stores for tests, each started by the test on a free port of its own.

What stands for Google is an adapter of ours that speaks the XML dialect of its API in front of
MiniStack: the dialect, not Google.
"""

import base64
import hashlib
import hmac
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from pathlib import Path

__all__ = ["Server", "find_azurite", "start_azure", "start_gs", "start_s3"]

KEY, SECRET = "AKIAPOMONATESTS00001", "never-in-a-log-s3cr3t-of-the-tests"
ACCOUNT = "devstoreaccount1"
# Published with the emulator, the same everywhere.
ACCOUNT_KEY = (
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
)
WAIT_S = 40


@dataclass(frozen=True)
class Server:
    """A server that is running.

    Parameters
    ----------
    kind : {"s3", "az", "gs"}
    url : str
    environment : dict of str to str
        What a user sets for it.
    """

    kind: str
    url: str
    environment: dict[str, str]

    def make_bucket(self, name: str) -> str:
        """Make a bucket or container; return its address."""
        if self.kind == "az":
            _make_container(self.url, name)
        else:
            _ask(f"{self.url}/{name}", method="PUT")
        return f"{self.kind}://{name}"

    def at(self, url: str) -> "Server":
        """Return the same server, reached through a proxy."""
        environment = {
            name: value.replace(self.url, url) for name, value in self.environment.items()
        }
        if "GOOGLE_SERVICE_ACCOUNT" in environment:
            old = Path(self.environment["GOOGLE_SERVICE_ACCOUNT"])
            new = old.with_name("proxied.json")
            new.write_text(old.read_text().replace(self.url, url))
            environment["GOOGLE_SERVICE_ACCOUNT"] = str(new)
        return Server(self.kind, url, environment)


@contextmanager
def start_s3(*, auth: bool = False) -> Iterator[Server]:
    """Start MiniStack; with ``auth`` it checks signatures and policies."""
    port = _free_port()
    environment = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "s3,sqs,iam,sts",
        "AUTH": "true" if auth else "false",
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
    }
    command = [str(Path(sys.executable).with_name("ministack"))]
    url = f"http://127.0.0.1:{port}"
    with _process(command, environment, url):
        yield Server(
            "s3",
            url,
            {
                "AWS_ENDPOINT_URL": url,
                "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET,
                "AWS_REGION": "us-east-1",
            },
        )


def find_azurite() -> str | None:
    """Return the program of Azurite, or None: it comes by ``npm ci`` in this folder."""
    program = Path(__file__).with_name("node_modules") / ".bin" / "azurite-blob"
    return str(program) if program.exists() and shutil.which("node") else None


@contextmanager
def start_azure() -> Iterator[Server]:
    """Start Azurite."""
    port = _free_port()
    program = find_azurite()
    assert program is not None
    command = [program, "--blobHost", "127.0.0.1", "--blobPort", str(port), "--silent"]
    command += ["--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"]
    url = f"http://127.0.0.1:{port}"
    with _process(command, {}, url):
        yield Server(
            "az",
            url,
            {
                "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
                "AZURE_STORAGE_ACCOUNT_KEY": ACCOUNT_KEY,
                "AZURE_STORAGE_ENDPOINT": f"{url}/{ACCOUNT}",
                "AZURE_STORAGE_USE_EMULATOR": "true",
                "AZURITE_BLOB_STORAGE_URL": url,
            },
        )


@contextmanager
def start_gs() -> Iterator[Server]:
    """Start the adapter for Google's XML dialect, with MiniStack behind it."""
    from stores.gs_dialect import serve_gs

    with ExitStack() as stack:
        s3 = stack.enter_context(start_s3())
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(serve_gs(s3.url))
        account = {
            "client_email": "tests@pomona.invalid",
            "private_key_id": "none",
            "private_key": "",
            "gcs_base_url": url,
            "disable_oauth": True,
        }
        (folder / "account.json").write_text(json.dumps(account))
        yield Server("gs", url, {"GOOGLE_SERVICE_ACCOUNT": str(folder / "account.json")})


@contextmanager
def _process(command: list[str], environment: dict[str, str], url: str) -> Iterator[None]:
    with tempfile.TemporaryDirectory() as folder, open(f"{folder}/log", "wb") as log:
        process = subprocess.Popen(
            command,
            env=os.environ | environment,
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait(process, url, Path(folder, "log"))
            yield
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
    end = time.monotonic() + WAIT_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        try:
            _ask(url)
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
    raise RuntimeError(f"The server did not start: {log.read_text(errors='replace')[-500:]}")


def _ask(url: str, *, method: str = "GET", headers: dict[str, str] | None = None) -> bytes:
    request = urllib.request.Request(url, method=method, headers=headers or {})
    with urllib.request.urlopen(request, timeout=10) as answer:
        content: bytes = answer.read()
    return content


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
    return port


def _make_container(url: str, name: str) -> None:
    """Ask Azurite for a container, signed with the shared key; obstore cannot make one."""
    date, version = formatdate(usegmt=True), "2021-08-06"
    resource = f"/{ACCOUNT}/{ACCOUNT}/{name}\nrestype:container"
    text = "PUT" + "\n" * 12 + f"x-ms-date:{date}\nx-ms-version:{version}\n{resource}"
    key = base64.b64decode(ACCOUNT_KEY)
    signature = base64.b64encode(hmac.new(key, text.encode(), hashlib.sha256).digest()).decode()
    headers = {
        "x-ms-date": date,
        "x-ms-version": version,
        "Authorization": f"SharedKey {ACCOUNT}:{signature}",
        "Content-Length": "0",
    }
    _ask(f"{url}/{ACCOUNT}/{name}?restype=container", method="PUT", headers=headers)
