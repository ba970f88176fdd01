"""The XML dialect of Google Cloud Storage in front of an S3 server: the dialect, not Google.

Its conditions are numbers of generations; here they are made of ETags.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from stores.proxy import Answer, Forward, Handle, Request, serve_proxy

__all__ = ["serve_gs"]


@contextmanager
def serve_gs(s3_url: str) -> Iterator[str]:
    """Start the adapter; yield its address."""
    with serve_proxy(s3_url, make_handle) as url:
        yield url


def make_handle() -> Handle:
    """Return what translates a request and its answer."""
    etags: dict[str, str] = {}

    async def handle(request: Request, forward: Forward) -> Answer:
        condition = request.headers.pop("x-goog-if-generation-match", None)
        if condition == "0":
            request.headers["if-none-match"] = "*"
        elif condition is not None:
            request.headers["if-match"] = etags.get(condition, '"none"')
        copied = request.headers.pop("x-goog-copy-source", None)
        if copied is not None:
            request.headers["x-amz-copy-source"] = copied
        answer = await forward(request)
        if etag := answer.headers.get("etag"):
            generation = str(int(hashlib.sha256(etag.encode()).hexdigest()[:15], 16))
            etags[generation] = etag
            answer.headers["x-goog-generation"] = generation
        return answer

    return handle
