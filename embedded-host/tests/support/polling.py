"""Waiting for something to become true, without sleeping longer than it takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], what: str, seconds: float = 20.0) -> T:
    """What ``look`` returns as soon as it is true; fails after ``seconds`` and says ``what`` did not come."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s, still not: {what} (last: {found!r})")
        time.sleep(0.02)


async def eventually_async(look: Callable[[], T], what: str, seconds: float = 20.0) -> T:
    """The same, with the event loop running meanwhile."""
    end = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"after {seconds} s, still not: {what} (last: {found!r})")
        await asyncio.sleep(0.02)
