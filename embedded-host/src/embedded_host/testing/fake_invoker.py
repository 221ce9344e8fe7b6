"""Runs what a task hub asks for: a fake where the test has set one, else the app's own function."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from embedded_host.app.definitions import Function
from embedded_host.engine.actions import TurnAnswer
from embedded_host.engine.failures import UserError
from embedded_host.engine.json_codec import compact
from embedded_host.engine.payload import TurnPayload
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.testing.fakes import OWN, Fake, HttpFake, http_answer
from embedded_host.testing.values import decoded, encoded, input_value
from embedded_host.workers.invoker import AppInvoker
from embedded_worker.loading import own_stack
from embedded_worker.protocol import InvocationResult

T = TypeVar("T")


class Fakes:
    """What a test has set; it outlives restarts of its host."""

    def __init__(self) -> None:
        self.functions: dict[tuple[str, str], Fake] = {}
        """By kind and lower-case name."""
        self.http: list[HttpFake] = []
        self.losses: Counter[str] = Counter()
        """So many workers are lost when they have run that function; by lower-case name."""
        self.runs: Counter[str] = Counter()
        """How often each activity has run, fakes included; by its name."""

    def reset(self) -> None:
        for fake in self.functions.values():
            fake.reset()
        for site in self.http:
            site.reset()
        self.losses.clear()
        self.runs.clear()


class Invocations:
    """The ``task_hub.invoker.Invoker`` of one life of the host: when that is over, nothing of it runs or answers any more."""

    def __init__(self, app: AppInvoker, fakes: Fakes) -> None:
        self.app, self._fakes = app, fakes
        self.count = 0
        self.running: set[asyncio.Future[None]] = set()
        self.dead = False

    async def orchestrator(
        self, name: str, payload: TurnPayload, *, alone: bool = False
    ) -> str | TurnAnswer | UserError:
        fake = self._fakes.functions.get(("orchestrator", name.lower()))
        if fake is not None:
            answer = await self._faked(name, fake, input_value(payload.input))
            if answer is not OWN:
                if isinstance(answer, UserError):
                    return answer
                return compact({"isDone": True, "actions": [], "output": json.loads(answer), "schemaVersion": 2})
        return await self.run(name, lambda: self.app.orchestrator(name, payload))

    async def activity(self, name: str, instance_id: str, input: str, *, alone: bool = False) -> str | UserError | None:
        self._fakes.runs[name] += 1
        fake = self._fakes.functions.get(("activity", name.lower()))
        if fake is not None:
            answer = await self._faked(name, fake, decoded(input))
            if answer is not OWN:
                return None if answer == "null" else answer
        return await self.run(name, lambda: self.app.activity(name, instance_id, input))

    async def entity(self, name: str, instance_id: str, payload: str, *, alone: bool = False) -> str | UserError:
        fake = self._fakes.functions.get(("entity", name.lower()))
        if fake is not None:
            answer = await self._entity(name, fake, json.loads(payload))
            if answer is not OWN:
                return str(answer)
        return await self.run(name, lambda: self.app.entity(name, instance_id, payload))

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        async def answer() -> str | UserError:
            return http_answer(self._fakes.http, request)

        return await self.run("http", answer)

    async def function(self, function: Function, trigger: str) -> InvocationResult:
        return await self.run(function.name, lambda: self.app.function(function, trigger))

    async def _entity(self, name: str, fake: Fake, asked: dict[str, Any]) -> Any:
        """The operations of a batch, one after another; the state stays as it is."""
        results: list[dict[str, Any]] = []
        for operation in asked["batch"]:
            answer = await self._faked(name, fake, operation["name"], input_value(operation["input"]))
            if answer is OWN:
                return OWN
            failed = isinstance(answer, UserError)
            results.append({"result": compact(answer.text) if failed else answer, "isError": failed, "duration": 0})
        return compact({"entityExists": True, "entityState": asked["state"], "results": results, "signals": []})

    async def _faked(self, name: str, fake: Fake, *arguments: Any) -> Any:
        """JSON text, a UserError, or OWN."""

        async def call() -> Any:
            try:
                value = await fake.answer(*arguments)
                return value if value is OWN else encoded(value)
            except Exception as error:  # no other: what pytest itself raises ends the test
                return UserError(type(error).__name__, str(error), own_stack(error))

        return await self.run(name, call)

    async def run(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        if self.dead:
            await asyncio.get_running_loop().create_future()
        self.count += 1
        over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.running.add(over)
        try:
            answer = await call()
        finally:
            self.running.discard(over)
            if not over.done():
                over.set_result(None)
        if self.dead:
            await asyncio.get_running_loop().create_future()
        if answer is not OWN and self._fakes.losses[name.lower()] > 0:
            self._fakes.losses[name.lower()] -= 1
            raise WorkerLostError("the test has taken it away")
        return answer
