"""Polling of a condition until it is true."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(check: Callable[[], T | None], condition: str, seconds: float = 20.0) -> T:
    """Return the first true result of ``check``.

    Raises AssertionError with the description ``condition`` after ``seconds``.
    """
    end = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(
                f"after {seconds} s, still not: {condition} (last result: {result!r})"
            )
        time.sleep(0.02)


async def eventually_async(
    check: Callable[[], T | None], condition: str, seconds: float = 20.0
) -> T:
    """Return the first true result of ``check``, without blocking the event loop.

    Raises AssertionError with the description ``condition`` after ``seconds``.
    """
    end = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        if time.monotonic() > end:
            raise AssertionError(
                f"after {seconds} s, still not: {condition} (last result: {result!r})"
            )
        await asyncio.sleep(0.02)
