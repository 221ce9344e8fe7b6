"""Server-sent events: that something has changed, never what. The page then asks for what it shows."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncGenerator, Callable
from typing import Any

from embedded_host.web.response import Response

log = logging.getLogger("embedded_host.dashboard")
PAUSE = 0.25
"""Seconds between two looks, and so between two events."""
QUIET = 15.0
"""Seconds after which a comment is sent, so that nothing on the way takes the connection for dead."""
OPEN, CHANGED, LIVES = b"retry: 1000\ndata: open\n\n", b"data: changed\n\n", b":\n\n"


class _Viewer:
    """One stream; ``part`` is what it sends next, None for its end."""

    def __init__(self, now: float) -> None:
        self.told = now
        self.part: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

    def tell(self, part: bytes | None, now: float) -> None:
        self.told = now
        if not self.part.done():  # else it has not sent the last one yet, which tells the same
            self.part.set_result(part)


class _Subject:
    """What some viewers look at: an instance, or everything."""

    def __init__(self, sight: Any) -> None:
        self.sight = sight
        self.viewers: set[_Viewer] = set()


class Changes:
    """One look for all who watch, however many they are, and none while nobody does.

    ``version`` changes with every write, and is cheap; ``look``, asked for then alone, gives what is seen of an instance."""

    def __init__(self, version: Callable[[], int], look: Callable[[str], Any], pause: float = PAUSE) -> None:
        self._version, self._look, self._pause = version, look, pause
        self._subjects: dict[str, _Subject] = {}
        self._watching: asyncio.Task[None] | None = None

    def stream(self, instance_id: str = "") -> Response:
        """Of one instance, or of everything."""
        headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")]
        return Response(200, b"", headers, self._parts(instance_id))

    async def _parts(self, instance_id: str) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        viewer = _Viewer(loop.time())
        try:
            seen = self._version()
            subject = self._subjects.get(instance_id) or _Subject(self._look(instance_id) if instance_id else None)
        except sqlite3.Error as error:
            _tell_unreadable(error)
            return
        self._subjects[instance_id] = subject
        subject.viewers.add(viewer)
        if self._watching is None or self._watching.done():
            self._watching = loop.create_task(self._watch(seen))
        try:
            yield OPEN
            while (part := await viewer.part) is not None:
                viewer.part = loop.create_future()
                yield part
        finally:
            subject.viewers.discard(viewer)
            if not subject.viewers and self._subjects.get(instance_id) is subject:
                del self._subjects[instance_id]
            if not self._subjects and self._watching is not None:
                self._watching.cancel()
                self._watching = None

    async def _watch(self, seen: int) -> None:
        loop = asyncio.get_running_loop()
        try:
            while True:
                await asyncio.sleep(self._pause)
                now, version = loop.time(), self._version()
                for instance_id, subject in self._subjects.items():
                    changed = version != seen and self._has_changed(instance_id, subject)
                    for viewer in subject.viewers:
                        if changed:
                            viewer.tell(CHANGED, now)
                        elif now - viewer.told >= QUIET:
                            viewer.tell(LIVES, now)
                seen = version
        except sqlite3.Error as error:
            _tell_unreadable(error)
            for subject in self._subjects.values():
                for viewer in subject.viewers:
                    viewer.tell(None, 0)

    def _has_changed(self, instance_id: str, subject: _Subject) -> bool:
        if not instance_id:
            return True
        before, subject.sight = subject.sight, self._look(instance_id)
        return bool(subject.sight != before)


def _tell_unreadable(error: sqlite3.Error) -> None:
    log.error("The dashboard's streams end, as the state could not be read [EH331]: %s", error)
