"""The clients: each sees one instance through from its start to its end, whatever becomes of the host meanwhile.

A request that was not answered is made again with another token, for as long as it takes; what was asked and told goes into the
ledger, and nothing is asserted here but what nobody may ever see (a thing that was acknowledged and is not there any more).
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

from tests.crash.acknowledged import Ledger, Planned, Told
from tests.crash.load_app import repair
from tests.support.running_host import FINAL, MANAGEMENT

TOKEN = "x-ms-continuation-token"
SLOW = 60.0
"""Seconds: a request that takes longer counts as not answered, and is counted."""


@dataclass(frozen=True)
class ClientReply:
    status: int
    text: str
    token: str = ""
    """For the next page."""

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class NeverFinishedError(Exception):
    """The deadline has passed; the text says what was waited for."""


class WrongResponseError(Exception):
    """An answer that there must not be."""


class Clients:
    """``base`` is the host's URL, the same for all its lives; ``folder`` is where the app's activities look."""

    def __init__(self, base: str, folder: Path, chance: random.Random) -> None:
        self.base, self.folder, self.chance = base, folder, chance
        self.ledger = Ledger()
        self.problems: list[str] = []
        self.stuck: list[str] = []
        self.slow = 0
        self.deadline: float | None = None
        """By the monotonic clock, once the host is left alive."""
        self._running: set[asyncio.Task[None]] = set()
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=SLOW))
        # It would make a DELETE whose connection broke again by itself, and say nothing of it: a purge that had been done, and was
        # not answered, would look as if it had been refused.
        self._session._retry_connection = False

    @property
    def busy(self) -> int:
        return len(self._running)

    def begin(self, planned: Planned) -> None:
        self.ledger.planned[planned.id] = planned
        task = asyncio.ensure_future(self._see_through(planned))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self, seconds: float) -> None:
        """All get ``seconds`` to come to an end."""
        self.deadline = time.monotonic() + seconds
        while self._running:
            await asyncio.wait(list(self._running))

    async def close(self) -> None:
        for task in self._running:
            task.cancel()
        await self._session.close()

    async def _see_through(self, planned: Planned) -> None:
        try:
            await KINDS[planned.kind][1](self, planned)
            planned.finished = True
        except NeverFinishedError as error:
            self.stuck.append(f"{planned.id}: {error}")
        except WrongResponseError as error:
            self.problems.append(f"{planned.id}: {error}")

    # -- requests ----------------------------------------------------------------------------------

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> ClientReply | None:
        """None if nobody knows what became of it. Waits while nobody listens."""
        data = None if body is None else json.dumps(body)
        if data is not None:
            headers["Content-Type"] = "application/json"
        while True:
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise NeverFinishedError(f"{method} {path} was not answered")
            try:
                async with self._session.request(
                    method, f"{self.base}{MANAGEMENT}/{path}", data=data, headers=headers
                ) as got:
                    answer = ClientReply(got.status, await got.text(), got.headers.get(TOKEN, ""))
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.03)
                continue
            except asyncio.TimeoutError:
                self.slow += 1
                return None
            except (aiohttp.ClientError, ConnectionError):
                return None
            # It cannot write: what it was asked for is not done, or is done and could not be said.
            return None if answer.status in (500, 503) and "Cannot" not in answer.text else answer

    async def until_told(
        self,
        what: str,
        target: str,
        token: Callable[[int], str],
        send: Callable[[str], Awaitable[ClientReply | None]],
        *,
        done: tuple[int, ...] = (202,),
        had_happened: tuple[int, ...] = (),
    ) -> ClientReply:
        """Ask until it is acknowledged, or until the answer shows that an earlier try had taken effect."""
        unknown = False
        for number in count():
            if self.deadline is not None and time.monotonic() > self.deadline:
                raise NeverFinishedError(f"{what} was never acknowledged")
            mine = token(number)
            answer = await send(mine)
            if answer is None:
                unknown = True
                self.ledger.note(what, target, mine, Told.UNKNOWN)
                await asyncio.sleep(0.03)
            elif answer.status in done:
                self.ledger.note(what, target, mine, Told.ACKNOWLEDGED)
                return answer
            elif answer.status in had_happened and unknown:
                self.ledger.note(what, target, mine, Told.REFUSED)
                return answer
            else:
                raise WrongResponseError(
                    f"{what} {mine} was answered {answer.status} {answer.text[:200]}"
                )
        raise AssertionError

    async def start(self, planned: Planned) -> None:
        more: list[Any] = [
            planned.seconds,
            planned.count,
            *([planned.group] if planned.group else []),
        ]
        if planned.name == "Collect":
            more = [planned.renew]

        async def send(token: str) -> ClientReply | None:
            # As the SDK sends an input: JSON text in a JSON text.
            return await self.ask(
                "POST", f"orchestrators/{planned.name}/{planned.id}", json.dumps([token, *more])
            )

        await self.pause()
        await self.until_told(
            "start", planned.id, lambda n: f"{planned.id}~{n}", send, had_happened=(409,)
        )

    async def raise_event(self, planned: Planned, number: int) -> None:
        """410 once "done" has been asked for and not answered."""

        async def send(token: str) -> ClientReply | None:
            value = "done" if number < 0 else token
            return await self.ask("POST", f"instances/{planned.id}/raiseEvent/E", value)

        what = "event" if number >= 0 else "done"
        had = (410,) if number < 0 else ()
        await self.pause()
        await self.until_told(
            what, planned.id, lambda n: f"{planned.id}!{number}.{n}", send, had_happened=had
        )

    async def operate(self, planned: Planned, operation: str, *had_happened: int) -> None:
        async def send(token: str) -> ClientReply | None:
            return await self.ask(
                "POST", f"instances/{planned.id}/{operation}?reason={quote(token)}"
            )

        await self.until_told(
            operation,
            planned.id,
            lambda n: f"{planned.id}:{operation}.{n}",
            send,
            had_happened=had_happened,
        )

    async def pages(self, path: str) -> list[dict[str, Any]]:
        """The whole of a list."""
        found: list[dict[str, Any]] = []
        token = ""
        while True:
            answer = await self.ask("GET", path, **({TOKEN: token} if token else {}))
            if answer is None:
                continue
            found += answer.json
            token = answer.token
            if not token:
                return found

    async def status(self, instance_id: str, wait: bool = False) -> dict[str, Any] | None:
        while True:
            headers = {"Prefer": "wait=3"} if wait else {}
            answer = await self.ask("GET", f"instances/{instance_id}?showInput=false", **headers)
            if answer is not None:
                status: dict[str, Any] | None = answer.json if answer.status in (200, 202) else None
                return status

    async def until(self, planned: Planned, *statuses: str) -> dict[str, Any]:
        while True:
            status = await self.status(planned.id, wait=statuses == FINAL)
            if status is None:
                raise WrongResponseError("it was acknowledged, and is not there")
            if status["runtimeStatus"] in statuses:
                return status
            if self.deadline is not None and time.monotonic() > self.deadline:
                found = await self.ask(
                    "GET", f"instances/{planned.id}?showDiagnosis=true&showInput=false"
                )
                raise NeverFinishedError(
                    f"not {' or '.join(statuses)} but {found.text if found else status}"
                )
            await asyncio.sleep(0.05)

    async def ends(self, planned: Planned, status: str = "Completed") -> None:
        found = await self.until(planned, *FINAL)
        if found["runtimeStatus"] != status:
            raise WrongResponseError(
                f"it ended {found['runtimeStatus']}, not {status}: {str(found['output'])[:300]}"
            )

    async def pause(self) -> None:
        """So that a kill finds some of it acknowledged, some under way and some to come."""
        await asyncio.sleep(self.chance.uniform(0, 0.25))

    # -- what each does ----------------------------------------------------------------------------

    async def plain(self, planned: Planned) -> None:
        await self.start(planned)
        await self.ends(planned)

    async def collect(self, planned: Planned) -> None:
        await self.start(planned)
        for number in range(planned.count):
            await self.raise_event(planned, number)
        await self.raise_event(planned, -1)
        await self.ends(planned)

    async def suspend(self, planned: Planned) -> None:
        """Collect; between its events it is suspended and resumed."""
        await self.start(planned)
        await self.raise_event(planned, 0)
        await self.operate(planned, "suspend", 500)
        await self.until(planned, "Suspended")
        for number in range(1, planned.count):
            await self.raise_event(planned, number)
        await self.pause()
        status = await self.status(planned.id)
        if status is None or status["runtimeStatus"] != "Suspended":
            raise WrongResponseError(f"nobody has resumed it, but it is {status}")
        await self.operate(planned, "resume", 500)
        await self.raise_event(planned, -1)
        await self.ends(planned)

    async def signal(self, planned: Planned) -> None:
        """No instance: an entity with the planned id as its key."""

        async def send(token: str) -> ClientReply | None:
            # As the SDK sends an input: JSON text in a JSON text.
            return await self.ask("POST", f"entities/Tally/{planned.id}?op=add", json.dumps(token))

        for number in range(planned.count):
            await self.pause()
            await self.until_told(
                "signal",
                planned.id,
                lambda n, number=number: f"{planned.id}^{number}.{n}",  # type: ignore[misc]
                send,
            )

    async def terminate(self, planned: Planned) -> None:
        await self.start(planned)
        await self.pause()
        await self.operate(planned, "terminate", 410)
        await self.ends(planned, "Terminated")

    async def purge(self, planned: Planned) -> None:
        await self.start(planned)
        await self.ends(planned)

        async def send(_: str) -> ClientReply | None:
            return await self.ask("DELETE", f"instances/{planned.id}")

        token = f"{planned.id}:purge"
        await self.until_told(
            "purge", planned.id, lambda n: f"{token}.{n}", send, done=(200,), had_happened=(404,)
        )
        if await self.status(planned.id) is not None:
            raise WrongResponseError("it was purged, and is there again")

    async def rewind(self, planned: Planned) -> None:
        await self.start(planned)
        await self.ends(planned, "Failed")
        for token in self.ledger.tokens(planned):
            repair(self.folder, token)
        await self.operate(planned, "rewind", 412)
        await self.ends(planned)

    async def restart(self, planned: Planned) -> None:
        await self.start(planned)
        await self.ends(planned)

        async def send(_: str) -> ClientReply | None:
            return await self.ask(
                "POST", f"instances/{planned.id}/restart?restartWithNewInstanceId=false"
            )

        token = f"{planned.id}:restart"
        await self.until_told(
            "restart", planned.id, lambda n: f"{token}.{n}", send, had_happened=(409,)
        )
        await self.ends(planned)


Script = Callable[[Clients, Planned], Awaitable[None]]
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
"""By kind: the orchestrator, what its client does, and how it ends. Signals are an entity's, with the planned id for its key."""


def plan(number: int, chance: random.Random) -> Planned:
    """The kinds take turns."""
    kind = list(KINDS)[number % len(KINDS)]
    name, _, end = KINDS[kind]
    planned = Planned(
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
