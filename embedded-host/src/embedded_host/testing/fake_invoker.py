"""Runs functions for the task hub: the test's fake if there is one, otherwise the app's own function."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from embedded_host.app.definitions import Function
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
    OrchestratorInput,
    OrchestratorOutput,
)
from embedded_host.engine.json_codec import compact, compact_text
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.testing.fakes import CALL_ORIGINAL, Fake, HttpFake, fake_answer, http_answer
from embedded_host.testing.values import decoded, encoded, input_value
from embedded_host.workers.invoker import AppInvoker
from embedded_worker.loading import own_stack
from embedded_worker.protocol import InvocationResult

__tracebackhide__ = True

T = TypeVar("T")


class Fakes:
    """The fakes and faults that a test has set. They outlive restarts of the host."""

    def __init__(self) -> None:
        self.functions: dict[tuple[str, str], Fake] = {}
        """By kind and lower-case durable name."""
        self.http: list[HttpFake] = []
        self.worker_deaths: Counter[str] = Counter()
        """The number of workers that are still to die during a function, by its lower-case durable name."""
        self.runs: Counter[str] = Counter()
        """The number of runs of each activity, fakes included, by its durable name."""

    def reset(self) -> None:
        for fake in self.functions.values():
            fake.reset()
        for site in self.http:
            site.reset()
        self.worker_deaths.clear()
        self.runs.clear()


class FakeInvoker:
    """The ``task_hub.invoker.Invoker`` of one run of the host. After a kill no call starts or returns."""

    def __init__(
        self, app: AppInvoker, fakes: Fakes, on_outcome: Callable[[BaseException], None]
    ) -> None:
        """``on_outcome`` gets an outcome of pytest's, for example of ``pytest.fail()`` in a fake. The call does not return."""
        self._app, self._fakes, self._on_outcome = app, fakes, on_outcome
        self.count = 0
        self.running: set[asyncio.Future[None]] = set()
        self.is_killed = False

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorOutput | InvocationFailure:
        fake = self._fakes.functions.get(("orchestrator", name.lower()))
        if fake is not None:
            answer = await self._faked(name, fake, input_value(turn.input))
            if isinstance(answer, UserError):
                return InvocationFailure(answer.text, answer.stack)
            if answer is not CALL_ORIGINAL:
                output = compact_text(answer)
                return OrchestratorOutput(True, (), None if output == "null" else output)
        return await self.run(name, lambda: self._app.orchestrator(name, turn))

    async def activity(
        self, name: str, instance_id: str, input: str, *, alone: bool = False
    ) -> str | UserError | None:
        self._fakes.runs[name] += 1
        fake = self._fakes.functions.get(("activity", name.lower()))
        if fake is not None:
            answer = await self._faked(name, fake, decoded(input))
            if answer is not CALL_ORIGINAL:
                return None if answer == "null" else answer
        return await self.run(name, lambda: self._app.activity(name, instance_id, input))

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        fake = self._fakes.functions.get(("entity", name.lower()))
        if fake is not None:
            return await self._entity(name, instance_id, fake, batch)
        return await self.run(name, lambda: self._app.entity(name, instance_id, batch))

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        async def answer() -> str | UserError:
            return http_answer(self._fakes.http, request)

        return await self.run("http", answer)

    async def function(self, function: Function, trigger: str) -> InvocationResult:
        return await self.run(function.name, lambda: self._app.function(function, trigger))

    async def _entity(
        self, name: str, instance_id: str, fake: Fake, batch: EntityInput
    ) -> EntityOutput | InvocationFailure:
        """Answer a batch of operations, each by the fake or by the app. A fake does not change the entity's state."""
        answers = [
            await self._faked(name, fake, operation.operation, input_value(operation.input))
            for operation in batch.operations
        ]
        output = EntityOutput((), True, batch.state)
        own = [
            op
            for op, answer in zip(batch.operations, answers, strict=True)
            if answer is CALL_ORIGINAL
        ]
        if own:
            own_batch = replace(batch, operations=own)
            outcome = await self.run(name, lambda: self._app.entity(name, instance_id, own_batch))
            if isinstance(outcome, InvocationFailure):
                return outcome
            output = outcome
        own_results = iter(output.results)
        results = [
            next(own_results) if answer is CALL_ORIGINAL else _operation_result(answer)
            for answer in answers
        ]
        return replace(output, results=results)

    async def _faked(self, name: str, fake: Fake, *arguments: Any) -> Any:
        """Return JSON, a UserError or CALL_ORIGINAL."""

        async def call() -> Any:
            try:
                value = await fake_answer(fake, *arguments)
                return value if value is CALL_ORIGINAL else encoded(value)
            except Exception as error:
                return UserError(type(error).__name__, str(error), own_stack(error))

        return await self.run(name, call)

    async def run(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        if self.is_killed:
            await asyncio.get_running_loop().create_future()
        self.count += 1
        finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.running.add(finished)
        ends_test = False
        try:
            answer = await call()
        except (Exception, asyncio.CancelledError, GeneratorExit, KeyboardInterrupt, SystemExit):
            raise
        except BaseException as outcome:
            ends_test = True
            self._on_outcome(outcome)
        finally:
            self.running.discard(finished)
            if not finished.done():
                finished.set_result(None)
        if self.is_killed or ends_test:
            await asyncio.get_running_loop().create_future()
        if answer is not CALL_ORIGINAL and self._fakes.worker_deaths[name.lower()] > 0:
            self._fakes.worker_deaths[name.lower()] -= 1
            raise WorkerLostError("the test killed it")
        return answer


def _operation_result(answer: str | UserError) -> OperationResult:
    if isinstance(answer, UserError):
        return OperationResult(compact(answer.text), failed=True)
    return OperationResult(answer, failed=False)
