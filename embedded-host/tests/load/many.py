"""Very many at a time: instances that wait, and streams that are watched."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable

import aiohttp

from tests.load.memory import Memory
from tests.support.running_host import MANAGEMENT, RunningHost

PARALLEL = 50
"""Requests at a time."""


async def instances(host: RunningHost, count: int, say: Callable[[str], None] = print) -> None:
    """Start ``count`` instances that wait at the same time, then let all go on. Raises AssertionError."""
    memory = Memory(host)
    say(f"{memory.sample()}  before")
    connector = aiohttp.TCPConnector(limit=PARALLEL)
    async with aiohttp.ClientSession(host.base, connector=connector) as session:

        async def start(number: int) -> None:
            async with session.post(
                f"{MANAGEMENT}/orchestrators/Wait/i-{number}", json=number
            ) as answer:
                assert answer.status == 202, answer.status
                await answer.read()

        async def go(number: int) -> None:
            async with session.post(
                f"{MANAGEMENT}/instances/i-{number}/raiseEvent/Go", json=number
            ) as answer:
                assert answer.status == 202, answer.status

        async def running(status: str) -> int:
            query = {
                "runtimeStatus": status,
                "top": str(2 * count),
                "instanceIdPrefix": "i-",
                "showInput": "false",
            }
            async with session.get(f"{MANAGEMENT}/instances", params=query) as answer:
                return len(await answer.json())

        async def until(status: str, number: int) -> None:
            end = time.monotonic() + 60 + count / 50
            while (now := await running(status)) != number:
                assert time.monotonic() < end, f"{now} of {number} are {status}"
                await asyncio.sleep(0.2)

        began = time.monotonic()
        await asyncio.gather(*map(start, range(count)))
        await until("Running", count)
        say(f"{memory.sample()}  {count} instances wait, after {time.monotonic() - began:.1f} s")
        began = time.monotonic()
        await asyncio.gather(*map(go, range(count)))
        await until("Completed", count)
        say(
            f"{memory.sample()}  {count} instances are completed, after {time.monotonic() - began:.1f} s"
        )
        for number in (0, count // 2, count - 1):
            async with session.get(f"{MANAGEMENT}/instances/i-{number}") as answer:
                assert (await answer.json())["output"] == number


async def streams(host: RunningHost, count: int, say: Callable[[str], None] = print) -> float:
    """Open ``count`` streams of the dashboard, and tell all of a change; the seconds that the last was told after.
    Raises AssertionError."""
    memory = Memory(host)
    say(f"{memory.sample()}  before")
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(
        host.base, connector=connector, timeout=aiohttp.ClientTimeout()
    ) as session:
        opened = [await session.get("/dashboard/api/events") for _ in range(count)]
        for stream in opened:
            assert await stream.content.readuntil(b"open\n\n")
        say(f"{memory.sample()}  {count} streams are open")
        began = time.monotonic()
        async with session.post(f"{MANAGEMENT}/orchestrators/Wait", json=1) as answer:
            assert answer.status == 202
        told = time.monotonic() - began
        lines = await asyncio.wait_for(
            asyncio.gather(*(s.content.readuntil(b"changed\n\n") for s in opened)), 30
        )
        took = time.monotonic() - began
        assert len(lines) == count
        say(
            f"{memory.sample()}  all are told of a change after {took:.2f} s; the request took {told * 1000:.0f} ms"
        )
    end = time.monotonic() + 20
    while memory.sample().files > memory.samples[0].files + 10:
        assert time.monotonic() < end, "connections are left"
        await asyncio.sleep(0.1)
    say(f"{memory.samples[-1]}  all are closed")
    return took


async def bad_clients(
    host: RunningHost, count: int, seconds: float, say: Callable[[str], None] = print
) -> None:
    """``count`` of each kind of bad client at a time, while a good one is answered, by a function and by the host alone. Raises
    AssertionError."""
    memory = Memory(host)
    say(f"{memory.sample()}  before")
    command = (sys.executable, "-m", "tests.load.clients", str(host.port), str(count), str(seconds))
    bad = await asyncio.create_subprocess_exec(*command)
    function, page = [], []
    async with aiohttp.ClientSession(host.base) as session:
        while bad.returncode is None:
            began = time.monotonic()
            async with session.post("/api/echo", data=b"hello") as answer:
                assert await answer.read() == b"hello"
            answered = time.monotonic()
            async with session.get("/") as answer:
                assert answer.status == 200
            function.append(answered - began)
            page.append(time.monotonic() - answered)
            if len(page) == 20:
                say(f"{memory.sample()}  {count} bad clients of each kind")
            await asyncio.sleep(0.05)
    assert bad.returncode == 0
    say(
        f"{memory.sample()}  they are gone; beside them a function answered after {max(function) * 1000:.0f} ms at the most "
        f"({sorted(function)[-2] * 1000:.0f} the second), a page of the host after {max(page) * 1000:.0f} ms; {len(page)} of each"
    )
    assert max(function + page) < 10, "who behaves well is not answered beside them"
