"""The server under load: many clients at once against the recogniser's own ceiling.

The clients run in a process of their own and write ready-made requests, so that they cost little;
they do share the machine with the server. Ceiling and server take turns::

    python -m benchmarks.bench_serve [--model M] [--seconds 20] [--clients 50] [--workers 1]
"""

import argparse
import asyncio
import json
import os
import re
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil

from benchmarks.measure import sampled
from benchmarks.rows import GROCERY, Row, emit, require

N_PHOTOS = 64
N_CORES = os.cpu_count() or 1
ALONE_S = 6.0
TURNS = 3


def read_photos() -> list[bytes]:
    """Return phone photographs, spread over the folders."""
    paths = sorted(GROCERY.rglob("*.jpg"))
    return [path.read_bytes() for path in paths[:: max(len(paths) // N_PHOTOS, 1)][:N_PHOTOS]]


def measure_ceiling(model: Path | None, photos: list[bytes], seconds: float) -> tuple[float, ...]:
    """Return photographs per second on all cores; seconds of one, and of its network, on one core.

    The server's own numbers: decoding, resizing and the network, without HTTP.
    """
    from pomona.pictures.decode import decode_image
    from pomona.recognition.recogniser import load_recogniser
    from pomona.recognition.views import prepare_views

    recogniser = load_recogniser(model, n_threads=N_CORES, n_streams=N_CORES)
    alone, network = [], []
    for photo in photos:
        started = time.perf_counter()
        recogniser.identify(photo)
        alone.append(time.perf_counter() - started)
    for photo in photos:
        views = prepare_views(decode_image(photo), recogniser.model.preprocessing)
        started = time.perf_counter()
        recogniser.score_pixels(views)
        network.append(time.perf_counter() - started)
    end = time.perf_counter() + seconds

    def work(offset: int) -> int:
        n = 0
        while time.perf_counter() < end:
            recogniser.identify(photos[(offset + n) % len(photos)])
            n += 1
        return n

    with ThreadPoolExecutor(N_CORES) as pool:
        n = sum(pool.map(work, range(N_CORES)))
    return n / seconds, statistics.median(alone), statistics.median(network)


@contextmanager
def served(model: Path | None, workers: int) -> Iterator[tuple[int, psutil.Process]]:
    """Run ``pomona serve``; give its port and process."""
    command = [sys.executable, "-m", "pomona", "serve", "--port", "0", "--rate-limit", "0"]
    command += ["--workers", str(workers)] + (["--model", str(model)] if model else [])
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    popen = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        assert popen.stdout is not None
        for line in popen.stdout:
            if found := re.search(r"http://\S+:(\d+)/", line):
                break
        else:
            sys.exit("Not measured: the server did not start.")
        threading.Thread(target=popen.stdout.read, daemon=True).start()
        asyncio.run(_wait_until_ready(int(found[1])))
        yield int(found[1]), psutil.Process(popen.pid)
    finally:
        popen.terminate()
        popen.wait(90)


def measure_served(port: int, clients: int, seconds: float) -> dict[str, object]:
    """Ask from another process; return ``n, errors, latencies``."""
    command = [sys.executable, "-m", "benchmarks.bench_serve", "--ask", str(port)]
    command += ["--clients", str(clients), "--seconds", str(seconds)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=True)
    return json.loads(done.stdout)


async def ask(port: int, clients: int, seconds: float) -> dict[str, object]:
    """Ask from ``clients`` lines at once, each its next question when it has its answer."""
    requests = [_make_request(photo) for photo in read_photos()]
    end = time.perf_counter() + seconds
    latencies: list[float] = []
    statuses: dict[int, int] = {}

    async def one(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        i = number
        while time.perf_counter() < end:
            started = time.perf_counter()
            writer.write(requests[i % len(requests)])
            await writer.drain()
            status = await _read_answer(reader)
            latencies.append(time.perf_counter() - started)
            statuses[status] = statuses.get(status, 0) + 1
            i += clients
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(one(i) for i in range(clients)))
    took_s = time.perf_counter() - started
    return {"seconds": took_s, "latencies": latencies, "statuses": statuses}


def main() -> None:
    """Print the rows."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", type=Path)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--clients", type=int, default=50)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--ask", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    require(GROCERY)
    if options.ask:
        print(json.dumps(asyncio.run(ask(options.ask, options.clients, options.seconds))))
        return
    photos = read_photos()
    part_s = options.seconds / TURNS
    with served(options.model, options.workers) as (port, process):
        tops = [measure_ceiling(options.model, photos, part_s / 2)]
        alone, loaded, memory = [], [], []
        for _ in range(TURNS):
            alone.append(measure_served(port, 1, ALONE_S / TURNS))
            with sampled(lambda: _memory(process), interval_s=0.5) as values:
                loaded.append(measure_served(port, options.clients, part_s))
            memory.append(max(values) / 2**20)
            tops.append(measure_ceiling(options.model, photos, part_s / 2))
    emit(_to_rows(options, tops, alone, loaded, memory))


def _to_rows(options, tops, alone, loaded, memory) -> list[Row]:
    ceilings = [each[0] for each in tops]
    identify_s, network_s = (min(each[i] for each in tops) for i in (1, 2))
    speeds = [len(each["latencies"]) / each["seconds"] for each in loaded]
    ratios = [2 * s / (a + b) for s, a, b in zip(speeds, ceilings, ceilings[1:], strict=False)]
    waits = [each for turn in loaded for each in turn["latencies"]]
    p50, p95 = (_quantile(waits, q) * 1e3 for q in (0.5, 0.95))
    alone_s = min(_quantile(each["latencies"], 0.5) for each in alone)
    n_failed = sum(
        n for turn in loaded for status, n in turn["statuses"].items() if status != "200"
    )
    n_alone = sum(len(each["latencies"]) for each in alone)
    title = f"serve, {options.clients} clients, {options.workers} process(es)"
    shown = " -> ".join(f"{each:.0f}" for each in memory)
    return [
        Row(
            *(title, "ceiling: the recogniser alone", options.seconds),
            *(statistics.median(ceilings), "-"),
        ),
        Row(
            *(title, "pomona serve", options.seconds, statistics.median(speeds)),
            f"{n_failed} of {len(waits)} not answered",
            f"{statistics.median(ratios):.2f} of the ceiling ({min(ratios):.2f} to "
            f"{max(ratios):.2f} in {TURNS} turns), goal 0.85; p50 {p50:.0f} ms, p95 {p95:.0f} ms; "
            f"memory {shown} MiB",
        ),
        Row(
            *("serve, 1 client", "pomona serve", ALONE_S, n_alone / ALONE_S),
            f"p50 {alone_s * 1e3:.1f} ms",
            f"{alone_s / identify_s:.2f} times decoding and network ({identify_s * 1e3:.1f} ms), "
            f"goal 1.3; the network alone {network_s * 1e3:.1f} ms",
        ),
    ]


def _quantile(values: list[float], q: float) -> float:
    return sorted(values)[min(int(q * len(values)), len(values) - 1)]


def _memory(process: psutil.Process) -> float:
    try:
        family = [process, *process.children(recursive=True)]
        return float(sum(each.memory_info().rss for each in family))
    except psutil.Error:
        return 0.0


def _make_request(photo: bytes) -> bytes:
    body = (
        b'--x\r\nContent-Disposition: form-data; name="images"; filename="a.jpg"\r\n'
        b"Content-Type: image/jpeg\r\n\r\n" + photo + b"\r\n--x--\r\n"
    )
    head = (
        "POST /v1/identify HTTP/1.1\r\nHost: localhost\r\n"
        "Content-Type: multipart/form-data; boundary=x\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def _read_answer(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    assert length is not None
    await reader.readexactly(int(length[1]))
    return int(head.split(b" ", 2)[1])


async def _wait_until_ready(port: int) -> None:
    for _ in range(400):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
            if await _read_answer(reader) == 200:
                writer.close()
                return
        except OSError:
            await asyncio.sleep(0.05)


if __name__ == "__main__":
    main()
