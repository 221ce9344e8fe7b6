"""The limits of concurrent requests for functions."""

from __future__ import annotations

import asyncio

import pytest

from embedded_host.http.throttle import Throttle, TooBusyError


async def test_requests_over_the_limit_are_refused_until_one_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    throttle = Throttle(outstanding=2)
    with throttle.admit():
        with throttle.admit():
            for _ in range(3):
                with pytest.raises(TooBusyError), throttle.admit():
                    raise AssertionError
        with throttle.admit():
            pass
    assert len(caplog.records) == 1
    assert "maxOutstandingRequests" in caplog.text


async def test_a_failed_request_no_longer_counts() -> None:
    throttle = Throttle(outstanding=1)
    for _ in range(3):
        with pytest.raises(ValueError, match="x"), throttle.admit():
            raise ValueError("x")


async def test_functions_over_the_limit_wait() -> None:
    throttle, most, running = Throttle(concurrent=2), 0, 0

    async def run() -> None:
        nonlocal most, running
        async with throttle.running:
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(run() for _ in range(10)))
    assert most == 2


async def test_without_limits_all_requests_are_admitted() -> None:
    throttle = Throttle()
    with throttle.admit():
        async with throttle.running, throttle.running:
            pass
