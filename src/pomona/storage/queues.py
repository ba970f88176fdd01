"""Queues that tell of new objects: a hint to look earlier; the listing stays the truth."""

import json
from typing import Any, Protocol

from pomona.errors import SettingsError, SetupError
from pomona.storage.identity import open_aws

__all__ = ["Queue", "SqsQueue", "open_queue"]


class Queue(Protocol):
    """A queue that a bucket writes to."""

    def wait(self, seconds: float) -> bool:
        """Return whether there is news, after at most this long."""
        ...

    def settle(self) -> None:
        """Take the messages that were received off the queue: their pictures are committed."""
        ...


class SqsQueue:
    """Messages of S3 event notifications.

    They come at least once, in any order, and the first one is a test: so nothing is read from
    them but that there is something new.

    Parameters
    ----------
    url : str
    client : boto3 client of SQS, optional
    """

    def __init__(self, url: str, client: Any = None) -> None:
        if client is None:
            try:
                client = open_aws("sqs")
            except ImportError as error:
                raise SetupError(
                    f"The queue '{url}' cannot be read. That needs the package boto3. "
                    "Run 'pip install pomona[aws]'."
                ) from error
        self._url, self._client = url, client
        self._received: list[str] = []

    def wait(self, seconds: float) -> bool:
        """Return whether there is news, after at most this long."""
        news = False
        wait = min(int(seconds), 20)
        while True:
            answer = self._client.receive_message(
                QueueUrl=self._url, MaxNumberOfMessages=10, WaitTimeSeconds=wait
            )
            messages = answer.get("Messages", ())
            if not messages:
                return news
            self._received += [message["ReceiptHandle"] for message in messages]
            news = news or any(_is_news(message["Body"]) for message in messages)
            # What else is there belongs to the same round.
            wait = 0

    def settle(self) -> None:
        """Take the messages that were received off the queue."""
        while self._received:
            some, self._received = self._received[:10], self._received[10:]
            entries = [{"Id": str(i), "ReceiptHandle": handle} for i, handle in enumerate(some)]
            self._client.delete_message_batch(QueueUrl=self._url, Entries=entries)


def _is_news(body: str) -> bool:
    try:
        message = json.loads(body)
        # SNS and EventBridge wrap the message.
        inner = json.loads(message["Message"]) if "Message" in message else message
    except (ValueError, TypeError, KeyError):
        return True
    return bool(inner.get("Event") != "s3:TestEvent")


def open_queue(url: str) -> Queue:
    """Return the queue of an address.

    Raises
    ------
    SettingsError
        If it is of a kind that is not known.
    SetupError
        If the package for it is missing.
    """
    if not url.startswith(("https://", "http://")):
        raise SettingsError(
            f"'{url}' is no address of a queue. Pomona reads SQS queues. Give the whole address, "
            "as in --queue https://sqs.eu-west-1.amazonaws.com/123456789012/pictures."
        )
    return SqsQueue(url)
