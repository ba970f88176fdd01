"""``pomona serve`` as a process of its own, ended with the block."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

SECONDS = 25.0


@dataclass
class Process:
    """A server process; ``home`` is its working, home and scratch folder."""

    popen: subprocess.Popen[bytes]
    log: Path
    port: int
    client: httpx.Client
    seconds: float

    @property
    def pid(self) -> int:
        return self.popen.pid

    def output(self) -> str:
        return self.log.read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        """Ask it to end; return its exit code."""
        self.popen.send_signal(number)
        return self.popen.wait(SECONDS)


@contextmanager
def real_server(
    model: Path, home: Path, *options: str, tls: bool = False, rate_limit: int = 0
) -> Iterator[Process]:
    """Start ``pomona serve`` and wait until it answers."""
    log = home.parent / "server.log"
    kept = {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ}
    environment = {**kept, "HOME": str(home), "TMPDIR": str(home), "PYTHONUNBUFFERED": "1"}
    # The code lies elsewhere and may be new: its compiled form is no part of what is watched.
    environment["PYTHONDONTWRITEBYTECODE"] = "1"
    if "PYTHONPATH" in environment:
        parts = environment["PYTHONPATH"].split(os.pathsep)
        environment["PYTHONPATH"] = os.pathsep.join(os.path.abspath(part) for part in parts)
    command = [sys.executable, "-m", "pomona", "serve", "--model", str(model), "--port", "0"]
    command += ["--rate-limit", str(rate_limit), *options]
    started = time.monotonic()
    with log.open("wb") as out:
        popen = subprocess.Popen(
            command,
            cwd=home,
            env=environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            # A group of its own, as a terminal would give it.
            start_new_session=True,
        )
    client = None
    try:
        port = _wait_for_port(popen, log)
        scheme = "https" if tls else "http"
        client = httpx.Client(
            base_url=f"{scheme}://127.0.0.1:{port}", timeout=20, verify=False, trust_env=False
        )
        _wait_for_answer(client)
        yield Process(popen, log, port, client, time.monotonic() - started)
    finally:
        if client is not None:
            client.close()
        if popen.poll() is None:
            popen.terminate()
            try:
                popen.wait(SECONDS)
            except subprocess.TimeoutExpired:
                popen.kill()
                popen.wait()


def _wait_for_port(popen: subprocess.Popen[bytes], log: Path) -> int:
    deadline = time.monotonic() + SECONDS
    while time.monotonic() < deadline:
        found = re.search(r"https?://\S+:(\d+)/", log.read_text())
        if found:
            return int(found[1])
        if popen.poll() is not None:
            break
        time.sleep(0.02)
    raise RuntimeError(f"the server did not start: {log.read_text()}")


def _wait_for_answer(client: httpx.Client) -> None:
    deadline = time.monotonic() + SECONDS
    while True:
        try:
            if client.get("/ready").status_code == 200:
                return
        except httpx.TransportError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.02)
