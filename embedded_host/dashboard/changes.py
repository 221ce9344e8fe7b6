"""Server-sent events: that something has changed, never what. The page then asks for what it shows."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from typing import Any

from embedded_host.http.messages import Response

PAUSE = 0.25
"""Seconds between two looks, and so between two events."""
QUIET = 15.0
"""Seconds after which a comment is sent, so that nothing on the way takes the connection for dead."""


def change_stream(version: Callable[[], int], look: Callable[[], Any] | None = None, pause: float = PAUSE) -> Response:
    """``version`` changes with every write, and is cheap; ``look``, asked for then alone, gives what the viewer looks at."""
    headers = [("Content-Type", "text/event-stream"), ("Cache-Control", "no-store")]
    return Response(200, b"", headers, _parts(version, look, pause))


async def _parts(
    version: Callable[[], int], look: Callable[[], Any] | None, pause: float
) -> AsyncGenerator[bytes, None]:
    seen, sight, quiet = version(), look() if look else None, 0.0
    yield b"retry: 1000\ndata: open\n\n"
    while True:
        await asyncio.sleep(pause)
        quiet += pause
        now = version()
        changed = now != seen
        seen = now
        if changed and look is not None:
            before, sight = sight, look()
            changed = sight != before
        if changed:
            quiet = 0.0
            yield b"data: changed\n\n"
        elif quiet >= QUIET:
            quiet = 0.0
            yield b":\n\n"
        else:
            yield b""
