"""A client as an app's users are: it starts orchestrations over HTTP and waits for their end there."""

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
    """What came back is not what was to be measured."""


@dataclass(frozen=True)
class Page:
    ids: list[str]
    token: str | None


class Client:
    def __init__(self, base: str) -> None:
        self._base = base
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=64), timeout=aiohttp.ClientTimeout(total=300)
        )

    async def close(self) -> None:
        await self._session.close()

    async def start(self, name: str, input: bytes | None = None) -> str:
        """The URL of the new instance's status."""
        async with self._session.post(f"{self._base}/api/start/{name}", data=input) as answer:
            body = await answer.read()
            if answer.status != 202:
                raise UnexpectedResponseError(
                    f"{name} was not started: {answer.status} {body[:500]!r}"
                )
        url: str = json.loads(body)["statusQueryGetUri"]
        return url

    async def end(self, url: str) -> dict[str, Any]:
        """The status once it is final."""
        while True:
            async with self._session.get(url, headers={"Prefer": "wait=30"}) as answer:
                status: dict[str, Any] = json.loads(await answer.read())
            if status["runtimeStatus"] not in ("Pending", "Running"):
                return status

    async def run(self, name: str, input: bytes | None = None) -> Any:
        """The output of an orchestration that completes."""
        status = await self.end(await self.start(name, input))
        if status["runtimeStatus"] != "Completed":
            raise UnexpectedResponseError(f"{name} did not complete: {str(status)[:500]}")
        return status["output"]

    async def hello(self) -> None:
        output = await self.run("HelloOrchestrator")
        if not str(output).startswith("Hello World! from "):
            raise UnexpectedResponseError(f"The hello came to {output!r}")

    async def counted(self, name: str, count: int) -> float:
        """Seconds that FanOut or Chain takes with so many activities."""
        began = time.perf_counter()
        output = await self.run(name, str(count).encode())
        if output != count:
            raise UnexpectedResponseError(f"{name} of {count} came to {output!r}")
        return time.perf_counter() - began

    async def page(self, token: str | None = None, **filter: str | int) -> Page:
        headers = {} if token is None else {TOKEN: token}
        async with self._session.get(
            f"{self._base}{INSTANCES}", params=filter, headers=headers
        ) as answer:
            body = await answer.read()
            if answer.status != 200:
                raise UnexpectedResponseError(
                    f"The list {filter} was not given: {answer.status} {body[:500]!r}"
                )
            return Page([row["instanceId"] for row in json.loads(body)], answer.headers.get(TOKEN))


async def one_after_the_other(what: Callable[[], Awaitable[object]], times: int) -> list[float]:
    """Milliseconds that each took."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        await what()
        took.append((time.perf_counter() - began) * 1000)
    return took


async def side_by_side(what: Callable[[], Awaitable[object]], times: int, clients: int) -> float:
    """Seconds until ``clients`` clients, each of which begins again as soon as it is through, have done it so often."""
    left = iter(range(times))

    async def client() -> None:
        for _ in left:
            await what()

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    return time.perf_counter() - began
