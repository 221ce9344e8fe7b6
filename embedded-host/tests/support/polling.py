"""Poll a condition until it is true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T | None], what: str, seconds: float = 20.0) -> T:
    """Return the first true result of ``check``. Raises AssertionError with ``what`` after ``seconds``."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s, still not: {what} (last: {found!r})")
        time.sleep(0.02)


async def eventually_async(check: Callable[[], T | None], what: str, seconds: float = 20.0) -> T:
    """As ``eventually``, while the event loop runs."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s, still not: {what} (last: {found!r})")
        await asyncio.sleep(0.02)
