"""A bucket in memory that answers after a while, and takes next to no processor time for it.

For benchmarks: an emulator would take the cores from the network that is measured. Only what
obstore and delta-rs ask of S3 is here; no signatures, no parts of large files.
"""

import asyncio
import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape, unescape

from stores.proxy import Answer, Forward, Handle, Request, serve_proxy
from stores.servers import KEY, SECRET, Server

__all__ = ["start_memory"]

XML = {"content-type": "application/xml"}
PAGE = 1000
DATE = "2026-01-01T12:00:00.000Z"
MODIFIED = "Thu, 01 Jan 2026 12:00:00 GMT"


@contextmanager
def start_memory(latency_s: float = 0.0) -> Iterator[Server]:
    """Start the server; each answer waits for ``latency_s``."""
    with serve_proxy("http://127.0.0.1", make_handle, latency_s) as url:
        environment = {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "AWS_REGION": "us-east-1",
        }
        yield Server("s3", url, environment)


def make_handle(latency_s: float) -> Handle:
    """Return what keeps and gives objects."""
    buckets: dict[str, dict[str, bytes]] = {}

    async def handle(request: Request, forward: Forward) -> Answer:
        if latency_s:
            await asyncio.sleep(latency_s)
        target = urlsplit(request.target)
        bucket, _, key = unquote(target.path).lstrip("/").partition("/")
        asked = parse_qs(target.query, keep_blank_values=True)
        if not key and request.method == "PUT":
            buckets.setdefault(bucket, {})
            return Answer(200, "OK")
        held = buckets.get(bucket)
        if held is None:
            return _refuse(404, "NoSuchBucket")
        if request.method == "GET" and not key:
            return _list(held, {name: values[0] for name, values in asked.items()})
        if request.method == "POST" and "delete" in asked:
            names = re.findall(r"<Key>(.*?)</Key>", request.body.decode())
            for name in names:
                held.pop(unescape(name), None)
            told = "".join(f"<Deleted><Key>{name}</Key></Deleted>" for name in names)
            return Answer(200, "OK", XML, f"<DeleteResult>{told}</DeleteResult>".encode())
        return _object(held, key, request, buckets)

    return handle


def _object(
    held: dict[str, bytes], key: str, request: Request, buckets: dict[str, dict[str, bytes]]
) -> Answer:
    headers = request.headers
    if request.method == "DELETE":
        held.pop(key, None)
        return Answer(204, "No Content")
    if request.method == "PUT":
        if headers.get("if-none-match") == "*" and key in held:
            return _refuse(412, "PreconditionFailed")
        body = request.body
        if source := headers.get("x-amz-copy-source"):
            far, _, name = unquote(source).lstrip("/").partition("/")
            if name not in buckets.get(far, {}):
                return _refuse(404, "NoSuchKey")
            body = buckets[far][name]
        held[key] = body
        if source:
            xml = f"<CopyObjectResult><ETag>{_etag(body)}</ETag></CopyObjectResult>"
            return Answer(200, "OK", XML, xml.encode())
        return Answer(200, "OK", {"etag": _etag(body)})
    if key not in held:
        return _refuse(404, "NoSuchKey")
    body = held[key]
    etag = _etag(body)
    if headers.get("if-match", etag) not in (etag, "*"):
        return _refuse(412, "PreconditionFailed")
    told = {"etag": etag, "last-modified": MODIFIED, "content-length": str(len(body))}
    if found := re.fullmatch(r"bytes=(\d*)-(\d*)", headers.get("range", "")):
        start = int(found[1]) if found[1] else len(body) - int(found[2])
        stop = min(int(found[2]) + 1 if found[1] and found[2] else len(body), len(body))
        told["content-range"] = f"bytes {start}-{stop - 1}/{len(body)}"
        return Answer(206, "Partial Content", told, body[start:stop])
    return Answer(200, "OK", told, body)


def _list(held: dict[str, bytes], asked: dict[str, str]) -> Answer:
    prefix, after = asked.get("prefix", ""), asked.get("start-after", "")
    after = max(after, asked.get("continuation-token", ""))
    items, folders = [], []
    for key in sorted(key for key in held if key.startswith(prefix) and key > after):
        rest = key[len(prefix) :]
        if "delimiter" in asked and "/" in rest:
            folder = prefix + rest.split("/", 1)[0] + "/"
            folders += [folder] if folder not in folders else []
        else:
            items.append(key)
    shown = items[:PAGE]
    more = len(items) > PAGE
    lines = ["<ListBucketResult>", f"<IsTruncated>{str(more).lower()}</IsTruncated>"]
    if more:
        lines.append(f"<NextContinuationToken>{escape(shown[-1])}</NextContinuationToken>")
    lines += [
        f"<Contents><Key>{escape(key)}</Key><LastModified>{DATE}</LastModified>"
        f"<ETag>{_etag(held[key])}</ETag><Size>{len(held[key])}</Size></Contents>"
        for key in shown
    ]
    lines += [
        f"<CommonPrefixes><Prefix>{escape(name)}</Prefix></CommonPrefixes>" for name in folders
    ]
    return Answer(200, "OK", XML, "".join([*lines, "</ListBucketResult>"]).encode())


def _etag(body: bytes) -> str:
    return f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'


def _refuse(status: int, code: str) -> Answer:
    return Answer(status, code, XML, f"<Error><Code>{code}</Code></Error>".encode())
