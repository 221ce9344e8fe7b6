"""The invoker of the task hub, which runs a function's fake or the app's function."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from embedded_host.app.definitions import Function
from embedded_host.engine.failures import UserError, failure_of, operation_failure
from embedded_host.engine.invocations import (
    Completion,
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
    OrchestratorDecisions,
    OrchestratorInput,
    OrchestratorOutput,
    OrchestratorResult,
)
from embedded_host.engine.json_codec import compact, compact_text
from embedded_host.engine.sdk_protocols import SDK_2X
from embedded_host.engine.status import Status
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.testing.fakes import (
    BUILT_IN_HTTP_ACTIVITY,
    CALL_ORIGINAL,
    Delegation,
    Fake,
    HttpFake,
    call_fake,
    fake_http_activity,
    fake_http_response,
)
from embedded_host.testing.values import decoded, encoded, input_value
from embedded_host.workers.invoker import AppInvoker
from embedded_worker.loading import own_stack
from embedded_worker.protocol import InvocationResult, RetryData
from embedded_worker.sdk import USES_DURABLETASK

__tracebackhide__ = True

T = TypeVar("T")
FakeResult = str | UserError | Delegation
"""The result of a fake as JSON, the exception that the fake raised, or CALL_ORIGINAL."""


class Fakes:
    """The fakes and faults that a test has set. A restart of the host keeps them."""

    def __init__(self) -> None:
        self.functions: dict[tuple[str, str], Fake] = {}
        """Fakes by kind and lower-case durable name."""
        self.http: list[HttpFake] = []
        """HTTP fakes, in the order of their creation."""
        self.worker_deaths: Counter[str] = Counter()
        """The number of calls that will lose their worker, by lower-case durable name."""
        self.runs: Counter[str] = Counter()
        """The number of runs of each activity, including runs of its fake, by durable name."""

    def reset(self) -> None:
        """Delete all recorded calls and runs, and all faults. Keep the fakes."""
        for fake in self.functions.values():
            fake.reset()
        for http_fake in self.http:
            http_fake.reset()
        self.worker_deaths.clear()
        self.runs.clear()


KILLED = 137
"""The exit code of a killed process."""


class FakeInvoker:
    """The ``task_hub.invoker.Invoker`` of one run of the host.

    After ``is_killed`` is set, no call starts, and no call returns.
    """

    def __init__(
        self, app: AppInvoker, fakes: Fakes, on_outcome: Callable[[BaseException], None]
    ) -> None:
        """Create the invoker of one run of the host.

        ``on_outcome`` receives an exception that ends the test, for example the exception of
        ``pytest.fail()`` in a fake. The call that raised the exception then never returns.
        """
        self._app, self._fakes, self._on_outcome = app, fakes, on_outcome
        self.count = 0
        """The number of calls."""
        self.running: set[asyncio.Future[None]] = set()
        """One future for each running call, done when the call has finished."""
        self.is_killed = False

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        """Run a turn. A fake completes the orchestration in its first turn."""
        fake = self._fakes.functions.get(("orchestrator", name.lower()))
        if fake is not None:
            result = await self._call_fake(name, fake, input_value(turn.input))
            if result is not CALL_ORIGINAL:
                return _decisions(result) if turn.protocol == SDK_2X else _output(result)
        return await self.run(name, lambda: self._app.orchestrator(name, turn))

    async def activity(
        self, name: str, instance_id: str, input: str, task_id: int, *, alone: bool = False
    ) -> str | UserError | None:
        """Run an activity. With SDK 2.x, an activity sends the requests of ``call_http``."""
        if name == BUILT_IN_HTTP_ACTIVITY:

            async def respond() -> str | UserError:
                return fake_http_activity(self._fakes.http, input)

            return await self.run("http", respond)
        self._fakes.runs[name] += 1
        fake = self._fakes.functions.get(("activity", name.lower()))
        if fake is not None:
            result = await self._call_fake(name, fake, decoded(input))
            if result is not CALL_ORIGINAL:
                return None if result == "null" else result
        return await self.run(name, lambda: self._app.activity(name, instance_id, input, task_id))

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        """Run a batch of operations. The fake or the app runs each operation.

        A fake does not change the entity's state.
        """
        fake = self._fakes.functions.get(("entity", name.lower()))
        if fake is None:
            return await self.run(name, lambda: self._app.entity(name, instance_id, batch))
        results = [
            await self._call_fake(name, fake, operation.operation, input_value(operation.input))
            for operation in batch.operations
        ]
        output = EntityOutput((), True, batch.state)
        delegated = [
            operation
            for operation, result in zip(batch.operations, results, strict=True)
            if result is CALL_ORIGINAL
        ]
        if delegated:
            app_batch = replace(batch, operations=delegated)
            outcome = await self.run(name, lambda: self._app.entity(name, instance_id, app_batch))
            if isinstance(outcome, InvocationFailure):
                return outcome
            output = outcome
        app_results = iter(output.results)
        return replace(
            output,
            results=[
                next(app_results) if result is CALL_ORIGINAL else _operation_result(result)
                for result in results
            ],
        )

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        """Return the response of the HTTP fake that matches the request."""

        async def respond() -> str | UserError:
            return fake_http_response(self._fakes.http, request)

        return await self.run("http", respond)

    async def function(
        self,
        function: Function,
        trigger: str,
        invocation_id: str = "",
        retry: RetryData | None = None,
    ) -> InvocationResult:
        """Run a function with a non-durable trigger."""
        return await self.run(
            function.name, lambda: self._app.function(function, trigger, invocation_id, retry)
        )

    async def _call_fake(self, name: str, fake: Fake, *arguments: object) -> FakeResult:
        async def call() -> FakeResult:
            try:
                value = await call_fake(fake, *arguments)
                return CALL_ORIGINAL if value is CALL_ORIGINAL else encoded(value)
            except Exception as error:
                return UserError(_error_type(error, fake.kind), str(error), own_stack(error))

        return await self.run(name, call)

    async def run(self, name: str, call: Callable[[], Awaitable[T]]) -> T:
        """Await a call. Until it finishes, ``running`` contains a future for the call.

        Raises WorkerLostError if the test kills the worker during the function ``name``.
        """
        if self.is_killed:
            await asyncio.get_running_loop().create_future()
        self.count += 1
        finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.running.add(finished)
        ends_test = False
        try:
            result = await call()
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
        if result is not CALL_ORIGINAL and self._fakes.worker_deaths[name.lower()] > 0:
            self._fakes.worker_deaths[name.lower()] -= 1
            raise WorkerLostError("the test killed it", exit_code=KILLED)
        return result


def _error_type(error: Exception, kind: str) -> str:
    """Return the recorded type of an exception of a function of this kind.

    With SDK 2.x, orchestrators and entities report the type with its module.
    """
    cls = type(error)
    if USES_DURABLETASK and kind != "activity":
        return f"{cls.__module__}.{cls.__qualname__}"
    return cls.__name__


def _output(result: str | UserError) -> OrchestratorOutput | InvocationFailure:
    """Return the result of the only turn of a faked orchestrator with SDK 1.x."""
    if isinstance(result, UserError):
        return InvocationFailure(result.text, result.stack)
    output = compact_text(result)
    return OrchestratorOutput(True, (), None if output == "null" else output)


def _decisions(result: str | UserError) -> OrchestratorDecisions:
    """Return the result of the only turn of a faked orchestrator with SDK 2.x.

    The ids of decisions start at 1.
    """
    if isinstance(result, UserError):
        return OrchestratorDecisions((), Completion(1, Status.FAILED, None, failure_of(result)))
    output = None if result == "null" else result
    return OrchestratorDecisions((), Completion(1, Status.COMPLETED, output))


def _operation_result(result: str | UserError) -> OperationResult:
    if not isinstance(result, UserError):
        return OperationResult(result, failed=False)
    if USES_DURABLETASK:
        details = operation_failure(result.message, result.type, result.stack)
        return OperationResult(None, failed=True, details=details)
    return OperationResult(compact(result.text), failed=True)
