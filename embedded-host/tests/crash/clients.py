"""The clients. Each client runs one instance from its start to its end, also if the host crashes.

If a request gets no response, the client sends it again with another token until it gets a
response. The client adds each request to the request log. It reports only faults that its own
requests show, for example that an acknowledged instance does not exist.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp

from tests.crash.load_app import repair
from tests.crash.requests import Outcome, PlannedInstance, RequestLog
from tests.support.running_host import FINAL, MANAGEMENT
from tests.support.sdk2 import uses_sdk_2

TOKEN = "x-ms-continuation-token"
SLOW = 60.0
"""Seconds after which a request counts as a request without a response."""


@dataclass(frozen=True)
class ClientResponse:
    """A response of the host."""

    status: int
    text: str
    token: str = ""
    """Continuation token of the next page."""

    @property
    def json(self) -> Any:
        """The parsed body."""
        return json.loads(self.text)


def as_sent_by_sdk(value: object) -> object:
    """Return the input that the SDK's client sends: with 1.x, a JSON string that contains JSON."""
    return value if uses_sdk_2() else json.dumps(value)


class NeverFinishedError(Exception):
    """An expected response or status is missing at the deadline. The message describes it."""


class WrongResponseError(Exception):
    """A response that contradicts an earlier one."""


class Clients:
    """The clients of one state.

    ``base`` is the URL of the host, and ``folder`` contains the files of the app.
    """

    def __init__(self, base: str, folder: Path, chance: random.Random) -> None:
        self.base, self.folder, self.chance = base, folder, chance
        self.request_log = RequestLog()
        self.problems: list[str] = []
        self.stuck: list[str] = []
        self.slow = 0
        self.deadline: float | None = None
        """Monotonic time at which all instances must have ended. It is set after the last kill."""
        self._running: set[asyncio.Task[None]] = set()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SLOW))
        # aiohttp would repeat a DELETE after a broken connection. A purge that took effect without
        # a response would then appear to be rejected.
        self._session._retry_connection = False

    @property
    def busy(self) -> int:
        """Number of instances that have not ended."""
        return len(self._running)

    def begin(self, planned: PlannedInstance) -> None:
        """Start a client for an instance."""
        self.request_log.planned[planned.id] = planned
        task = asyncio.ensure_future(self._complete(planned))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self, seconds: float) -> None:
        """Wait until all instances have ended, for at most ``seconds``."""
        self.deadline = time.monotonic() + seconds
        while self._running:
            await asyncio.wait(list(self._running))

    async def close(self) -> None:
        """Stop all clients."""
        for task in self._running:
            task.cancel()
        await self._session.close()

    async def _complete(self, planned: PlannedInstance) -> None:
        try:
            await KINDS[planned.kind][1](self, planned)
            planned.finished = True
        except NeverFinishedError as error:
            self.stuck.append(f"{planned.id}: {error}")
        except WrongResponseError as error:
            self.problems.append(f"{planned.id}: {error}")

    # -- requests ----------------------------------------------------------------------------------

    async def request(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> ClientResponse | None:
        """Send a request and return the response, or None if the outcome is unknown.

        Waits while the host does not listen.
        """
        data = None if body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        while True:
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise NeverFinishedError(f"{method} {path} had no response")
            try:
                async with self._session.request(
                    method, f"{self.base}{MANAGEMENT}/{path}", data=data, headers=headers
                ) as reply:
                    response = ClientResponse(
                        reply.status, await reply.text(), reply.headers.get(TOKEN, "")
                    )
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.03)
                continue
            except asyncio.TimeoutError:
                self.slow += 1
                return None
            except (aiohttp.ClientError, ConnectionError):
                return None
            # The host cannot write its state. The request may have taken effect.
            has_failed = response.status in (500, 503) and "Cannot" not in response.text
            return None if has_failed else response

    async def until_acknowledged(
        self,
        operation: str,
        target: str,
        token: Callable[[int], str],
        send: Callable[[str], Awaitable[ClientResponse | None]],
        *,
        done: tuple[int, ...] = (202,),
        already_done: tuple[int, ...] = (),
    ) -> ClientResponse:
        """Repeat a request until it is acknowledged, and return the response.

        A status in ``already_done`` means that an earlier request without a response took effect.
        """
        unknown = False
        for number in count():
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise NeverFinishedError(f"{operation} was never acknowledged")
            own = token(number)
            response = await send(own)
            if response is None:
                unknown = True
                self.request_log.record(operation, target, own, Outcome.UNKNOWN)
                await asyncio.sleep(0.03)
            elif response.status in done:
                self.request_log.record(operation, target, own, Outcome.ACKNOWLEDGED)
                return response
            elif response.status in already_done and unknown:
                self.request_log.record(operation, target, own, Outcome.REJECTED)
                return response
            else:
                raise WrongResponseError(
                    f"the response to {operation} {own} was {response.status} {response.text[:200]}"
                )
        raise AssertionError

    async def start(self, planned: PlannedInstance) -> None:
        """Start an instance."""
        more: list[Any] = [
            planned.seconds,
            planned.count,
            *([planned.group] if planned.group else []),
        ]
        if planned.name == "Collect":
            more = [planned.renew]

        async def send(token: str) -> ClientResponse | None:
            input = [token, *more]
            return await self.request(
                "POST", f"orchestrators/{planned.name}/{planned.id}", as_sent_by_sdk(input)
            )

        await self.pause()
        await self.until_acknowledged(
            "start", planned.id, lambda n: f"{planned.id}~{n}", send, already_done=(409,)
        )

    async def raise_event(self, planned: PlannedInstance, number: int) -> None:
        """Raise an event. A negative number means the event "done".

        If an earlier "done" took effect without a response, the status is 410.
        """

        async def send(token: str) -> ClientResponse | None:
            value = "done" if number < 0 else token
            return await self.request("POST", f"instances/{planned.id}/raiseEvent/E", value)

        operation = "event" if number >= 0 else "done"
        already_done = (410,) if number < 0 else ()
        await self.pause()
        await self.until_acknowledged(
            operation,
            planned.id,
            lambda n: f"{planned.id}!{number}.{n}",
            send,
            already_done=already_done,
        )

    async def operate(self, planned: PlannedInstance, operation: str, *already_done: int) -> None:
        """Suspend, resume, terminate or rewind an instance."""

        async def send(token: str) -> ClientResponse | None:
            return await self.request(
                "POST", f"instances/{planned.id}/{operation}?reason={quote(token)}"
            )

        await self.until_acknowledged(
            operation,
            planned.id,
            lambda n: f"{planned.id}:{operation}.{n}",
            send,
            already_done=already_done,
        )

    async def pages(self, path: str) -> list[dict[str, Any]]:
        """Return all pages of a list."""
        items: list[dict[str, Any]] = []
        token = ""
        while True:
            response = await self.request("GET", path, **({TOKEN: token} if token else {}))
            if response is None:
                continue
            items += response.json
            token = response.token
            if not token:
                return items

    async def status(self, instance_id: str, wait: bool = False) -> dict[str, Any] | None:
        """Return the status of an instance, or None if it does not exist."""
        while True:
            headers = {"Prefer": "wait=3"} if wait else {}
            response = await self.request(
                "GET", f"instances/{instance_id}?showInput=false", **headers
            )
            if response is not None:
                status: dict[str, Any] | None = (
                    response.json if response.status in (200, 202) else None
                )
                return status

    async def until(self, planned: PlannedInstance, *statuses: str) -> dict[str, Any]:
        """Wait until an instance has one of the statuses."""
        while True:
            status = await self.status(planned.id, wait=statuses == FINAL)
            if status is None:
                raise WrongResponseError("it was acknowledged, but does not exist")
            if status["runtimeStatus"] in statuses:
                return status
            if self.deadline is not None and time.monotonic() > self.deadline:
                diagnosis = await self.request(
                    "GET", f"instances/{planned.id}?showDiagnosis=true&showInput=false"
                )
                raise NeverFinishedError(
                    f"not {' or '.join(statuses)} but {diagnosis.text if diagnosis else status}"
                )
            await asyncio.sleep(0.05)

    async def ends(self, planned: PlannedInstance, status: str = "Completed") -> None:
        """Wait for the end of an instance."""
        last = await self.until(planned, *FINAL)
        if last["runtimeStatus"] != status:
            raise WrongResponseError(
                f"it is {last['runtimeStatus']}, not {status}: {str(last['output'])[:300]}"
            )

    async def pause(self) -> None:
        """Wait for a random time, so that a kill interrupts instances at different requests."""
        await asyncio.sleep(self.chance.uniform(0, 0.25))

    # -- scripts ----------------------------------------------------------------------------

    async def plain(self, planned: PlannedInstance) -> None:
        """Start an instance and wait for its end."""
        await self.start(planned)
        await self.ends(planned)

    async def collect(self, planned: PlannedInstance) -> None:
        """Raise events, the last of which ends the instance."""
        await self.start(planned)
        for number in range(planned.count):
            await self.raise_event(planned, number)
        await self.raise_event(planned, -1)
        await self.ends(planned)

    async def suspend(self, planned: PlannedInstance) -> None:
        """Raise events, and suspend and resume the instance between them."""
        await self.start(planned)
        await self.raise_event(planned, 0)
        await self.operate(planned, "suspend", 500)
        await self.until(planned, "Suspended")
        for number in range(1, planned.count):
            await self.raise_event(planned, number)
        await self.pause()
        status = await self.status(planned.id)
        if status is None or status["runtimeStatus"] != "Suspended":
            raise WrongResponseError(f"it was not resumed, but it is {status}")
        await self.operate(planned, "resume", 500)
        await self.raise_event(planned, -1)
        await self.ends(planned)

    async def signal(self, planned: PlannedInstance) -> None:
        """Signal an entity whose key is the planned id. There is no instance."""

        async def send(token: str) -> ClientResponse | None:
            # The SDK sends an input in this form: a JSON string that contains JSON.
            return await self.request(
                "POST", f"entities/Tally/{planned.id}?op=add", as_sent_by_sdk(token)
            )

        for number in range(planned.count):
            await self.pause()
            await self.until_acknowledged(
                "signal",
                planned.id,
                lambda n, number=number: f"{planned.id}^{number}.{n}",  # type: ignore[misc]
                send,
            )

    async def terminate(self, planned: PlannedInstance) -> None:
        """Terminate a running instance."""
        await self.start(planned)
        await self.pause()
        await self.operate(planned, "terminate", 410)
        await self.ends(planned, "Terminated")

    async def purge(self, planned: PlannedInstance) -> None:
        """Purge a completed instance."""
        await self.start(planned)
        await self.ends(planned)

        async def send(_: str) -> ClientResponse | None:
            return await self.request("DELETE", f"instances/{planned.id}")

        token = f"{planned.id}:purge"
        await self.until_acknowledged(
            "purge", planned.id, lambda n: f"{token}.{n}", send, done=(200,), already_done=(404,)
        )
        if await self.status(planned.id) is not None:
            raise WrongResponseError("it was purged, but exists again")

    async def rewind(self, planned: PlannedInstance) -> None:
        """Rewind a failed instance after the cause of its failure is fixed."""
        await self.start(planned)
        await self.ends(planned, "Failed")
        for token in self.request_log.tokens(planned):
            repair(self.folder, token)
        await self.operate(planned, "rewind", 412)
        await self.ends(planned)

    async def restart(self, planned: PlannedInstance) -> None:
        """Restart a completed instance with the same id."""
        await self.start(planned)
        await self.ends(planned)

        async def send(_: str) -> ClientResponse | None:
            return await self.request(
                "POST", f"instances/{planned.id}/restart?restartWithNewInstanceId=false"
            )

        token = f"{planned.id}:restart"
        await self.until_acknowledged(
            "restart", planned.id, lambda n: f"{token}.{n}", send, already_done=(409,)
        )
        await self.ends(planned)


Script = Callable[[Clients, PlannedInstance], Awaitable[None]]
KINDS: dict[str, tuple[str, Script, str]] = {
    "Chain": ("Chain", Clients.plain, "Completed"),
    "FanOut": ("FanOut", Clients.plain, "Completed"),
    "Signals": ("", Clients.signal, ""),
    "Timers": ("Timers", Clients.plain, "Completed"),
    "Collect": ("Collect", Clients.collect, "Completed"),
    "Parent": ("Parent", Clients.plain, "Completed"),
    "Section": ("Section", Clients.plain, "Completed"),
    "Restarted": ("Chain", Clients.restart, "Completed"),
    "Renewed": ("Renewed", Clients.plain, "Completed"),
    "Suspended": ("Collect", Clients.suspend, "Completed"),
    "Counting": ("Counting", Clients.plain, "Completed"),
    "Purged": ("Chain", Clients.purge, "Gone"),
    "Rewound": ("Fragile", Clients.rewind, "Completed"),
    "Signalling": ("Signalling", Clients.plain, "Completed"),
    "Terminated": ("Forever", Clients.terminate, "Terminated"),
    "RewoundParent": ("FragileParent", Clients.rewind, "Completed"),
}
"""The orchestrator, the client's script and the expected end of each kind.

The kind Signals has an entity instead of an instance. The planned id is the key of the entity.
"""


def plan(number: int, chance: random.Random) -> PlannedInstance:
    """Return the plan of the instance ``number``. The kinds alternate."""
    kind = list(KINDS)[number % len(KINDS)]
    name, _, end = KINDS[kind]
    planned = PlannedInstance(
        f"{kind}-{number}",
        kind,
        name,
        chance.randint(2, 4),
        chance.choice((0.0, 0.02, 0.1)),
        end=end,
    )
    if kind == "Collect":
        planned.renew = chance.choice((0, 2))
    elif kind == "Section":
        planned.group = f"group-{number // len(KINDS) // 4}"
        planned.seconds = 0.0
    return planned
