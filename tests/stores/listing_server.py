"""An S3 server that has nothing but a long list of keys, invented page by page.

For benchmarks of listings: emulators sort all their keys for each page.
"""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qs, urlsplit

from stores.proxy import Answer, Forward, Handle, Request, serve_proxy

__all__ = ["start_listing"]

PAGE = 1000
# What stands for the label's number in a page that was made before.
MARK = b"####"
XML = {"content-type": "application/xml"}
NOT_HERE = b"<Error><Code>NotImplemented</Code><Message>Only listings of all.</Message></Error>"


@contextmanager
def start_listing(n_keys: int, bucket: str = "pictures") -> Iterator[dict[str, str]]:
    """Start a server with ``n_keys`` keys ``label-0007/picture-0000123.jpg``, 1000 of a label.

    Only ListObjectsV2 of a whole bucket is answered, in pages of 1000 whatever ``max-keys`` is.

    Parameters
    ----------
    n_keys : int
        At most 10,000,000, because labels have four digits.
    bucket : str
        Any bucket is served; this one is named in the answers.

    Yields
    ------
    dict of str to str
        What a user sets for it.
    """
    if n_keys > 10_000 * PAGE:
        raise ValueError(f"{n_keys} keys are too many. Labels have four digits; take 10,000,000.")
    with serve_proxy("http://127.0.0.1", make_handle, n_keys, bucket) as url:
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": "anyone",
            "AWS_SECRET_ACCESS_KEY": "anything",
            "AWS_REGION": "us-east-1",
        }


def make_handle(n_keys: int, bucket: str) -> Handle:
    """Return what answers a listing."""
    entries = [_entry(number) for number in range(PAGE)]
    full = b"".join(entries)

    def page(number: int) -> bytes:
        n_here = min(PAGE, n_keys - number * PAGE)
        more = (number + 1) * PAGE < n_keys
        body = full if n_here == PAGE else b"".join(entries[:n_here])
        token = b"<NextContinuationToken>%d</NextContinuationToken>" % (number + 1)
        return b"".join(
            (
                b'<?xml version="1.0" encoding="UTF-8"?>',
                b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">',
                b"<Name>%b</Name><Prefix></Prefix><MaxKeys>%d</MaxKeys>" % (bucket.encode(), PAGE),
                b"<KeyCount>%d</KeyCount>" % n_here,
                b"<IsTruncated>true</IsTruncated>" if more else b"<IsTruncated>false</IsTruncated>",
                token if more else b"",
                body.replace(MARK, b"%04d" % number),
                b"</ListBucketResult>",
            )
        )

    async def handle(request: Request, forward: Forward) -> Answer:
        target = urlsplit(request.target)
        asked = {name: values[0] for name, values in parse_qs(target.query).items()}
        wrong = request.method != "GET" or asked.get("list-type") != "2" or "delimiter" in asked
        if wrong or asked.get("prefix") or asked.get("start-after"):
            return Answer(400, "Bad Request", XML, NOT_HERE)
        return Answer(200, "OK", XML, page(int(asked.get("continuation-token", 0))))

    return handle


def _entry(number: int) -> bytes:
    # With the label's number in it, so that no two pictures look like the same one that moved.
    etag = hashlib.md5(b"%d" % number, usedforsecurity=False).hexdigest()[4:].encode()
    return (
        b"<Contents><Key>label-%b/picture-%07d.jpg</Key>"
        b"<LastModified>2026-01-%02dT%02d:%02d:00.000Z</LastModified>"
        b"<ETag>&quot;%b%b&quot;</ETag><Size>%d</Size>"
        b"<StorageClass>STANDARD</StorageClass></Contents>"
        % (
            MARK,
            number,
            number % 28 + 1,
            number % 24,
            number % 60,
            MARK,
            etag,
            20_000 + number * 37 % 60_000,
        )
    )
