"""An HTTP client that starts orchestrations and waits until they finish."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp

INSTANCES = "/runtime/webhooks/durabletask/instances"
TOKEN = "x-ms-continuation-token"


class UnexpectedResponseError(Exception):
    """A response of the host makes the measurement invalid."""


@dataclass(frozen=True)
class Page:
    """A page of the list of instances."""

    ids: list[str]
    token: str | None
    """The continuation token; None on the last page."""


class Client:
    """A client of one host."""

    def __init__(self, base: str) -> None:
        """Create a client. ``base`` is the host's URL without a final slash."""
        self._base = base
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64), timeout=aiohttp.ClientTimeout(total=300)
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def start(self, name: str, input: bytes | None = None) -> str:
        """Start an orchestration, and return the URL of its status."""
        async with self._session.post(f"{self._base}/api/start/{name}", data=input) as response:
            body = await response.read()
            if response.status != 202:
                raise UnexpectedResponseError(
                    f"{name} was not started: {response.status} {body[:500]!r}"
                )
        url: str = json.loads(body)["statusQueryGetUri"]
        return url

    async def wait_until_finished(self, url: str) -> dict[str, Any]:
        """Return the final status of an instance."""
        while True:
            async with self._session.get(url, headers={"Prefer": "wait=30"}) as response:
                status: dict[str, Any] = json.loads(await response.read())
            if status["runtimeStatus"] not in ("Pending", "Running"):
                return status

    async def run(self, name: str, input: bytes | None = None) -> Any:
        """Run an orchestration and return its output.

        Raises UnexpectedResponseError if it does not complete.
        """
        status = await self.wait_until_finished(await self.start(name, input))
        if status["runtimeStatus"] != "Completed":
            raise UnexpectedResponseError(f"{name} did not complete: {str(status)[:500]}")
        return status["output"]

    async def hello(self) -> None:
        """Run HelloOrchestrator and check its output."""
        output = await self.run("HelloOrchestrator")
        if not str(output).startswith("Hello World! from "):
            raise UnexpectedResponseError(f"The output of HelloOrchestrator is {output!r}")

    async def run_with_count(self, name: str, count: int) -> float:
        """Run FanOut or Chain with ``count`` activities, and return the seconds that it takes."""
        began = time.perf_counter()
        output = await self.run(name, str(count).encode())
        if output != count:
            raise UnexpectedResponseError(f"The output of {name} with {count} is {output!r}")
        return time.perf_counter() - began

    async def page(self, token: str | None = None, **filter: str | int) -> Page:
        """Return a page of the instances that match the filter."""
        headers = {} if token is None else {TOKEN: token}
        async with self._session.get(
            f"{self._base}{INSTANCES}", params=filter, headers=headers
        ) as response:
            body = await response.read()
            if response.status != 200:
                raise UnexpectedResponseError(
                    f"The list of {filter} failed: {response.status} {body[:500]!r}"
                )
            return Page(
                [row["instanceId"] for row in json.loads(body)], response.headers.get(TOKEN)
            )


async def run_sequentially(call: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Run a call several times in sequence, and return the milliseconds of each run."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await call()
        took.append((time.perf_counter() - began) * 1000)
    return took


async def run_concurrently(
    call: Callable[[], Awaitable[object]], times: int, clients: int
) -> float:
    """Run a call ``times`` times with concurrent clients, and return the total seconds."""
    left = iter(range(times))

    async def client() -> None:
        for _ in left:
            await call()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - began
