"""The soak test: all kinds of load, with misbehaving clients.

Memory must not grow, and every response must be correct.
"""

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

from tests.load.clients import BAD_CLIENTS, Client
from tests.load.load_app import load_app
from tests.load.memory import Memory, growth
from tests.support.running_host import RunningHost

STREAMS = 20
KINDS: dict[str, tuple[object, object]] = {
    "Chain": (3, 24),
    "FanOut": (5, 20),
    "Timer": ("x", "x"),
    "Again": (3, "done"),
    "Parent": (1, 8),
    "Counts": ("k", True),
    "Raises": (None, "Orchestrator function 'Raises' failed: intended"),
    "Wait": (None, {"approved": True}),
}
"""The input and the expected output of each orchestrator, by its name."""


class SoakFailedError(AssertionError):
    """A response of the host is wrong."""


class Load:
    """Concurrent clients that run orchestrations and check their outputs."""

    def __init__(self, host: RunningHost, seed: int, clients: int, pause: float) -> None:
        """Prepare the load.

        ``clients`` is the number of clients, and ``pause`` is the number of seconds between two
        orchestrations of a client.
        """
        self.host, self.clients, self.pause = host, clients, pause
        self.done: Counter[str] = Counter()
        self._random = random.Random(seed)
        self._numbers = itertools.count()

    async def run(
        self, seconds: float, *, every: float, log: Callable[[str], None] = print
    ) -> list[str]:
        """Run for ``seconds``, and return a sentence for each value that grew.

        ``log`` receives a line every ``every`` seconds. Raises SoakFailedError if a response is
        wrong.
        """
        memory, end = Memory(self.host), time.monotonic() + seconds
        async with aiohttp.ClientSession(
            self.host.base, connector=aiohttp.TCPConnector(limit=0)
        ) as session:
            tasks = [asyncio.ensure_future(self._caller(session, end)) for _ in range(self.clients)]
            tasks += [asyncio.ensure_future(self._viewer(session, end)) for _ in range(STREAMS)]
            tasks += [
                asyncio.ensure_future(self._bad_client(client, end)) for client in BAD_CLIENTS
            ]
            before = 0
            while any(not task.done() for task in tasks):
                finished, _ = await asyncio.wait(
                    tasks, timeout=every, return_when=asyncio.FIRST_EXCEPTION
                )
                for task in finished:
                    if error := task.exception():
                        for other in tasks:
                            other.cancel()
                        raise error
                if time.monotonic() < end:
                    sample = await asyncio.to_thread(memory.sample)
                    total = self.done["orchestrations"]
                    rate = (total - before) / every
                    log(f"{sample}  orchestrations {total:7d} ({rate:6.1f} per second)")
                    before = total
        log(", ".join(f"{name} {count}" for name, count in sorted(self.done.items())))
        return growth(memory.samples)

    async def _caller(self, session: aiohttp.ClientSession, end: float) -> None:
        while time.monotonic() < end:
            kind = self._random.choice(list(KINDS))
            await self._orchestration(session, kind)
            if self._random.random() < 0.1:
                await self._echo(session)
            await asyncio.sleep(self.pause)

    async def _orchestration(self, session: aiohttp.ClientSession, kind: str) -> None:
        input, expected = KINDS[kind]
        if kind == "Counts":
            input = f"k{self._random.randrange(50)}"
        instance = f"{kind}-{next(self._numbers)}"
        async with session.post(f"/api/start/{kind}/{instance}", json=input) as response:
            self._check(response.status == 202, f"the start of {instance}: {response.status}")
            links = await response.json()
        if kind == "Wait":
            event = links["sendEventPostUri"].replace("{eventName}", "Go")
            async with session.post(event, json=expected) as response:
                self._check(response.status == 202, f"the event for {instance}: {response.status}")
        status: dict[str, Any] = {}
        for _ in range(10):
            async with session.get(
                links["statusQueryGetUri"], headers={"Prefer": "wait=10"}
            ) as response:
                status = await response.json()
            if status["runtimeStatus"] in ("Completed", "Failed"):
                break
        self._check(status["output"] == expected, f"{instance} has the status {status}")
        self.done["orchestrations"] += 1
        if self._random.random() < 0.5:
            async with session.delete(links["purgeHistoryDeleteUri"]) as response:
                self._check(response.status == 200, f"the purge of {instance}: {response.status}")
            self.done["purged"] += 1

    async def _echo(self, session: aiohttp.ClientSession) -> None:
        body = self._random.randbytes(self._random.choice((10, 10_000, 1_000_000)))
        async with session.post("/api/echo", data=body) as response:
            self._check(await response.read() == body, "the response of the function Echo")
        self.done["echoes"] += 1

    async def _viewer(self, session: aiohttp.ClientSession, end: float) -> None:
        """Read the dashboard's event stream for 5 to 30 seconds, again and again."""
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

    async def _bad_client(self, client: Client, end: float) -> None:
        while time.monotonic() < end:
            await client(self.host.port, min(60.0, end - time.monotonic()))
            self.done["misbehaving clients"] += 1
            await asyncio.sleep(0.5)

    def _check(self, is_right: bool, description: str) -> None:
        if not is_right:
            raise SoakFailedError(f"wrong: {description}")


def internal_errors(log: str) -> list[str]:
    """Return up to three internal errors of a host's log, each with the lines around it.

    The traceback of an orchestrator is not an internal error, and is not returned. Its first line
    begins with the name of the orchestrator, so it does not match.
    """
    lines = log.splitlines()
    numbers = [
        n for n, line in enumerate(lines) if line.startswith("Traceback") or "[EH330]" in line
    ]
    return ["\n".join(lines[max(0, n - 3) : n + 25]) for n in numbers[:3]]


def soak(
    folder: Path,
    seconds: float,
    *,
    seed: int = 1,
    clients: int = 8,
    pause: float = 0.0,
    every: float = 60,
) -> int:
    """Run the soak test and return its exit code: 1 if a check failed."""
    app = load_app(folder / "app")
    with RunningHost(app.root, folder / "state", "--no-reload") as host:
        problems = asyncio.run(Load(host, seed, clients, pause).run(seconds, every=every))
        code = host.stop()
        problems += internal_errors(host.log)
    if code:
        problems.append(f"the host exited with code {code}")
    print("\n".join(problems) or "memory did not grow, all responses are correct", flush=True)
    return 1 if problems else 0
