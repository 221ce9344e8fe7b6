"""Load tests with many waiting instances, many event streams, and many misbehaving clients."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

import aiohttp

from tests.load.memory import Memory
from tests.support.running_host import MANAGEMENT, RunningHost

PARALLEL = 50
"""The number of concurrent requests."""


async def instances(host: RunningHost, count: int, log: Callable[[str], None] = print) -> None:
    """Start ``count`` instances that wait for an event, then raise the event for all of them.

    Raises AssertionError for a wrong response, or if the instances do not finish in time.
    """
    memory = Memory(host)
    log(f"{memory.sample()}  before")
    connector = aiohttp.TCPConnector(limit=PARALLEL)
    async with aiohttp.ClientSession(host.base, connector=connector) as session:

        async def start(number: int) -> None:
            async with session.post(
                f"{MANAGEMENT}/orchestrators/Wait/i-{number}", json=number
            ) as response:
                assert response.status == 202, response.status
                await response.read()

        async def raise_event(number: int) -> None:
            async with session.post(
                f"{MANAGEMENT}/instances/i-{number}/raiseEvent/Go", json=number
            ) as response:
                assert response.status == 202, response.status

        async def count_of(status: str) -> int:
            query = {
                "runtimeStatus": status,
                "top": str(2 * count),
                "instanceIdPrefix": "i-",
                "showInput": "false",
            }
            async with session.get(f"{MANAGEMENT}/instances", params=query) as response:
                return len(await response.json())

        async def until(status: str, number: int) -> None:
            end = time.monotonic() + 60 + count / 50
            while (current := await count_of(status)) != number:
                assert time.monotonic() < end, f"{current} of {number} are {status}"
                await asyncio.sleep(0.2)

        began = time.monotonic()
        await asyncio.gather(*map(start, range(count)))
        await until("Running", count)
        log(f"{memory.sample()}  {count} instances wait, after {time.monotonic() - began:.1f} s")
        began = time.monotonic()
        await asyncio.gather(*map(raise_event, range(count)))
        await until("Completed", count)
        took = time.monotonic() - began
        log(f"{memory.sample()}  {count} instances are completed, after {took:.1f} s")
        for number in (0, count // 2, count - 1):
            async with session.get(f"{MANAGEMENT}/instances/i-{number}") as response:
                assert (await response.json())["output"] == number


async def streams(host: RunningHost, count: int, log: Callable[[str], None] = print) -> float:
    """Open ``count`` event streams of the dashboard and change an instance.

    Returns the seconds until the last stream has received the change. Raises AssertionError if a
    stream receives nothing, or if a connection stays open.
    """
    memory = Memory(host)
    log(f"{memory.sample()}  before")
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        host.base, connector=connector, timeout=aiohttp.ClientTimeout()
    ) as session:
        opened = [await session.get("/dashboard/api/events") for _ in range(count)]
        for stream in opened:
            assert await stream.content.readuntil(b"open\n\n")
        log(f"{memory.sample()}  {count} streams are open")
        began = time.monotonic()
        async with session.post(f"{MANAGEMENT}/orchestrators/Wait", json=1) as response:
            assert response.status == 202
        request_took = time.monotonic() - began
        lines = await asyncio.wait_for(
            asyncio.gather(*(s.content.readuntil(b"changed\n\n") for s in opened)), 30
        )
        took = time.monotonic() - began
        assert len(lines) == count
        log(
            f"{memory.sample()}  all streams have received a change after {took:.2f} s; "
            f"the request took {request_took * 1000:.0f} ms"
        )
    end = time.monotonic() + 20
    while memory.sample().files > memory.samples[0].files + 10:
        assert time.monotonic() < end, "connections of the host are still open"
        await asyncio.sleep(0.1)
    log(f"{memory.samples[-1]}  all streams are closed")
    return took


async def bad_clients(
    host: RunningHost, count: int, seconds: float, log: Callable[[str], None] = print
) -> None:
    """Run ``count`` misbehaving clients of each kind, and measure the requests of a normal client.

    The normal client requests a function and a page of the host. Raises AssertionError for a wrong
    or late response.
    """
    memory = Memory(host)
    log(f"{memory.sample()}  before")
    command = (sys.executable, "-m", "tests.load.clients", str(host.port), str(count), str(seconds))
    bad = await asyncio.create_subprocess_exec(*command)
    function, page = [], []
    async with aiohttp.ClientSession(host.base) as session:
        while bad.returncode is None:
            began = time.monotonic()
            async with session.post("/api/echo", data=b"hello") as response:
                assert await response.read() == b"hello"
            function_responded = time.monotonic()
            async with session.get("/") as response:
                assert response.status == 200
            function.append(function_responded - began)
            page.append(time.monotonic() - function_responded)
            if len(page) == 20:
                log(f"{memory.sample()}  {count} misbehaving clients of each kind")
            await asyncio.sleep(0.05)
    assert bad.returncode == 0
    log(
        f"{memory.sample()}  the clients are closed; slowest responses meanwhile: function "
        f"{max(function) * 1000:.0f} ms (second slowest {sorted(function)[-2] * 1000:.0f} ms), "
        f"page of the host {max(page) * 1000:.0f} ms, of {len(page)} requests each"
    )
    assert max(function + page) < 10, "a response took more than 10 s"
