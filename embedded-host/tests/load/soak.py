"""Full load for a time, of all kinds, with bad clients beside it; memory must stay flat and every answer right."""

from __future__ import annotations

import asyncio
import itertools
import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp

from tests.load.clients import BAD
from tests.load.load_app import load_app
from tests.load.memory import Memory, growth
from tests.support.running_host import RunningHost

STREAMS = 20
KINDS: dict[str, tuple[Any, Any]] = {
    "Chain": (3, 24),
    "FanOut": (5, 20),
    "Timer": ("x", "x"),
    "Again": (3, "done"),
    "Parent": (1, 8),
    "Counts": ("k", True),
    "Raises": (None, "Orchestrator function 'Raises' failed: as it should be"),
    "Wait": (None, {"answer": "to all"}),
}
"""Orchestrator -> input, output."""


class SoakFailedError(AssertionError):
    """The host answered something else than it should."""


class Load:
    """``clients`` callers at a time, each with ``pause`` seconds between two orchestrations."""

    def __init__(self, host: RunningHost, seed: int, clients: int, pause: float) -> None:
        self.host, self.clients, self.pause = host, clients, pause
        self.done: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._numbers = itertools.count()

    async def run(
        self, seconds: float, *, every: float, say: Callable[[str], None] = print
    ) -> list[str]:
        """What went wrong, in words. Raises SoakFailedError."""
        memory, end = Memory(self.host), time.monotonic() + seconds
        async with aiohttp.ClientSession(
            self.host.base, connector=aiohttp.TCPConnector(limit=0)
        ) as session:
            tasks = [asyncio.ensure_future(self._caller(session, end)) for _ in range(self.clients)]
            tasks += [asyncio.ensure_future(self._viewer(session, end)) for _ in range(STREAMS)]
            tasks += [asyncio.ensure_future(self._bad_client(client, end)) for client in BAD]
            before = 0
            while any(not task.done() for task in tasks):
                over, _ = await asyncio.wait(
                    tasks, timeout=every, return_when=asyncio.FIRST_EXCEPTION
                )
                for task in over:
                    if error := task.exception():
                        for other in tasks:
                            other.cancel()
                        raise error
                if time.monotonic() < end:
                    sample, total = (
                        await asyncio.to_thread(memory.sample),
                        self.done["orchestrations"],
                    )
                    say(
                        f"{sample}  orchestrations {total:7d} ({(total - before) / every:6.1f} a second)"
                    )
                    before = total
        say(", ".join(f"{name} {count}" for name, count in sorted(self.done.items())))
        return growth(memory.samples)

    async def _caller(self, session: aiohttp.ClientSession, end: float) -> None:
        while time.monotonic() < end:
            kind = self._random.choice(list(KINDS))
            await self._orchestration(session, kind)
            if self._random.random() < 0.1:
                await self._echo(session)
            await asyncio.sleep(self.pause)

    async def _orchestration(self, session: aiohttp.ClientSession, kind: str) -> None:
        given, expected = KINDS[kind]
        if kind == "Counts":
            given = f"k{self._random.randrange(50)}"
        instance = f"{kind}-{next(self._numbers)}"
        async with session.post(f"/api/start/{kind}/{instance}", json=given) as answer:
            self._check(answer.status == 202, f"the start of {instance}: {answer.status}")
            links = await answer.json()
        if kind == "Wait":
            event = links["sendEventPostUri"].replace("{eventName}", "Go")
            async with session.post(event, json=expected) as answer:
                self._check(answer.status == 202, f"the event for {instance}: {answer.status}")
        status: dict[str, Any] = {}
        for _ in range(10):
            async with session.get(
                links["statusQueryGetUri"], headers={"Prefer": "wait=10"}
            ) as answer:
                status = await answer.json()
            if status["runtimeStatus"] in ("Completed", "Failed"):
                break
        self._check(status["output"] == expected, f"{instance} came to {status}")
        self.done["orchestrations"] += 1
        if self._random.random() < 0.5:
            async with session.delete(links["purgeHistoryDeleteUri"]) as answer:
                self._check(answer.status == 200, f"the purge of {instance}: {answer.status}")
            self.done["purged"] += 1

    async def _echo(self, session: aiohttp.ClientSession) -> None:
        body = self._random.randbytes(self._random.choice((10, 10_000, 1_000_000)))
        async with session.post("/api/echo", data=body) as answer:
            self._check(await answer.read() == body, "an echo")
        self.done["echoes"] += 1

    async def _viewer(self, session: aiohttp.ClientSession, end: float) -> None:
        """Looks at the dashboard for a while, then again."""
        while time.monotonic() < end:
            leave = min(end, time.monotonic() + self._random.uniform(5, 30))
            async with session.get(
                "/dashboard/api/events", timeout=aiohttp.ClientTimeout()
            ) as stream:
                while (left := leave - time.monotonic()) > 0:
                    try:
                        line = await asyncio.wait_for(stream.content.readline(), left)
                    except asyncio.TimeoutError:
                        break
                    self._check(bool(line), "a stream ended")
                    self.done["stream lines"] += 1

    async def _bad_client(self, client: Any, end: float) -> None:
        while time.monotonic() < end:
            await client(self.host.port, min(60.0, end - time.monotonic()))
            self.done["bad clients"] += 1
            await asyncio.sleep(0.5)

    def _check(self, right: bool, what: str) -> None:
        if not right:
            raise SoakFailedError(what)


def complaints(log: str) -> list[str]:
    """The host's own errors. What an orchestrator raises is shown too, on the line that names it."""
    lines = log.splitlines()
    bad = [n for n, line in enumerate(lines) if line.startswith("Traceback") or "[EH330]" in line]
    return ["\n".join(lines[max(0, n - 3) : n + 25]) for n in bad[:3]]


def soak(
    folder: Path,
    seconds: float,
    *,
    seed: int = 1,
    clients: int = 8,
    pause: float = 0.0,
    every: float = 60,
) -> int:
    """The exit code."""
    app = load_app(folder / "app")
    with RunningHost(app.root, folder / "state", "--no-reload") as host:
        wrong = asyncio.run(Load(host, seed, clients, pause).run(seconds, every=every))
        code = host.stop()
        wrong += complaints(host.log)
    if code:
        wrong.append(f"the host ended with {code}")
    print("\n".join(wrong) or "flat, and every answer right", flush=True)
    return 1 if wrong else 0
