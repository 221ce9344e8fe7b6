"""Server-sent events that announce changes.

The events contain no data. After an event, the page reads its data again.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, Callable

from embedded_host.web.response import Response

log = logging.getLogger("embedded_host.dashboard")
POLL_INTERVAL = 0.25
"""Seconds between two polls of the state file. Two events are at least this time apart."""
KEEPALIVE_INTERVAL = 15.0
"""Seconds without an event after which a comment is sent, so that proxies keep the connection."""
OPEN, CHANGED, KEEPALIVE = b"retry: 1000\ndata: open\n\n", b"data: changed\n\n", b":\n\n"


class _Subscriber:
    """One stream to a page. ``part`` is the next part to send, or None to end the stream."""

    def __init__(self, now: float) -> None:
        self.last_sent = now
        self.part: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

    def send(self, part: bytes | None, now: float) -> None:
        self.last_sent = now
        # If the previous part has not been sent yet, it already announces a change.
        if not self.part.done():
            self.part.set_result(part)


class _Topic:
    """The subscribers of one instance or of the whole hub, and the last announced fingerprint."""

    def __init__(self, fingerprint: object) -> None:
        self.fingerprint = fingerprint
        self.subscribers: set[_Subscriber] = set()


class ChangeFeed:
    """The source of the streams. It polls the state file once for all subscribers."""

    def __init__(
        self,
        version: Callable[[], int],
        fingerprint: Callable[[str], object],
        poll_interval: float = POLL_INTERVAL,
    ) -> None:
        """Store the functions that read the state.

        ``version`` is cheap, and its result changes with every write. ``fingerprint`` is called for
        an instance id if the version has changed. Its result changes with the instance.
        """
        self._version, self._fingerprint, self._poll_interval = version, fingerprint, poll_interval
        self._topics: dict[str, _Topic] = {}
        self._poller: asyncio.Task[None] | None = None

    def stream(self, instance_id: str = "") -> Response:
        """Return a response that streams the changes of one instance, or of the whole hub."""
        headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")]
        return Response(200, b"", headers, self._parts(instance_id))

    async def _parts(self, instance_id: str) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        subscriber = _Subscriber(loop.time())
        try:
            version = self._version()
            topic = self._topics.get(instance_id) or _Topic(
                self._fingerprint(instance_id) if instance_id else None
            )
        except sqlite3.Error as error:
            _log_read_failure(error)
            return
        self._topics[instance_id] = topic
        topic.subscribers.add(subscriber)
        if self._poller is None or self._poller.done():
            self._poller = loop.create_task(self._poll(version))
        try:
            yield OPEN
            while (part := await subscriber.part) is not None:
                subscriber.part = loop.create_future()
                yield part
        finally:
            topic.subscribers.discard(subscriber)
            if not topic.subscribers and self._topics.get(instance_id) is topic:
                del self._topics[instance_id]
            if not self._topics and self._poller is not None:
                self._poller.cancel()
                self._poller = None

    async def _poll(self, last_version: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                await asyncio.sleep(self._poll_interval)
                now, version = loop.time(), self._version()
                for instance_id, topic in self._topics.items():
                    changed = version != last_version and self._has_changed(instance_id, topic)
                    for subscriber in topic.subscribers:
                        if changed:
                            subscriber.send(CHANGED, now)
                        elif now - subscriber.last_sent >= KEEPALIVE_INTERVAL:
                            subscriber.send(KEEPALIVE, now)
                last_version = version
        except sqlite3.Error as error:
            _log_read_failure(error)
            for topic in self._topics.values():
                for subscriber in topic.subscribers:
                    subscriber.send(None, 0)

    def _has_changed(self, instance_id: str, topic: _Topic) -> bool:
        if not instance_id:
            return True
        before, topic.fingerprint = topic.fingerprint, self._fingerprint(instance_id)
        return topic.fingerprint != before


def _log_read_failure(error: sqlite3.Error) -> None:
    log.error(
        "The dashboard's streams ended, because the state file could not be read: %s. [EH331]",
        error,
    )
