"""The invoker that runs fakes or the app's functions."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from embedded_host.engine.entity_messages import EntityId, OperationRequest
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
    OrchestratorInput,
    OrchestratorOutput,
)
from embedded_host.task_hub.invoker import WorkerLostError
from embedded_host.testing.fake_invoker import FakeInvoker, Fakes
from embedded_host.testing.fakes import Fake, HttpFake
from embedded_host.workers.invoker import AppInvoker

TURN = OrchestratorInput("i-1", "e", (), (), '"\\"in\\""', None)


class RecordingApp:
    """An app whose functions return fixed results. All operations of its entity succeed."""

    def __init__(self) -> None:
        self.activities: list[str] = []
        self.batches: list[EntityInput] = []

    async def orchestrator(self, name: str, turn: OrchestratorInput) -> OrchestratorOutput:
        return OrchestratorOutput(True, (), '"from the app"')

    async def activity(self, name: str, instance_id: str, input: str, task_id: int) -> str:
        self.activities.append(input)
        return '"from the app"'

    async def entity(self, name: str, instance_id: str, batch: EntityInput) -> EntityOutput:
        self.batches.append(batch)
        return EntityOutput(
            [OperationResult('"from the app"', failed=False) for _ in batch.operations],
            True,
            '"new state"',
        )


class Kit:
    def __init__(self) -> None:
        self.app, self.fakes = RecordingApp(), Fakes()
        self.outcomes: list[BaseException] = []
        self.invoker = FakeInvoker(cast(AppInvoker, self.app), self.fakes, self.outcomes.append)

    def set(self, fake: Fake) -> Fake:
        self.fakes.functions[fake.kind, fake.name.lower()] = fake
        return fake


async def run_ready_callbacks() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.fixture
def kit() -> Kit:
    return Kit()


async def test_a_function_without_a_fake_runs_in_the_app(kit: Kit) -> None:
    assert await kit.invoker.activity("Ship", "i-1", "7", 1) == '"from the app"'
    output = await kit.invoker.orchestrator("Main", TURN)
    assert isinstance(output, OrchestratorOutput)
    assert output.output == '"from the app"'
    assert kit.app.activities == ["7"]


async def test_a_fake_of_an_activity_replaces_the_apps_function(kit: Kit) -> None:
    ship = kit.set(Fake("Ship", "activity", return_value={"a": 1}))
    assert await kit.invoker.activity("SHIP", "i-1", "7", 1) == '{"a": 1}'
    ship.return_value = None
    assert await kit.invoker.activity("Ship", "i-1", "8", 1) is None
    assert (ship.calls, kit.app.activities) == ([7, 8], [])
    assert kit.fakes.runs == {"SHIP": 1, "Ship": 1}


async def test_an_exception_of_a_fake_is_a_user_error(kit: Kit) -> None:
    kit.set(Fake("Ship", "activity", side_effect=ValueError("no ship")))
    error = await kit.invoker.activity("Ship", "i-1", "7", 1)
    assert isinstance(error, UserError)
    assert (error.type, error.message) == ("ValueError", "no ship")


async def test_a_fake_of_an_orchestrator_completes_in_its_first_turn(kit: Kit) -> None:
    main = kit.set(Fake("Main", "orchestrator", return_value=[1, 2]))
    output = await kit.invoker.orchestrator("Main", TURN)
    assert output == OrchestratorOutput(True, (), "[1,2]")
    assert main.calls == ["in"]
    main.side_effect = ValueError("no")
    failure = await kit.invoker.orchestrator("Main", TURN)
    assert isinstance(failure, InvocationFailure)
    assert failure.message == "ValueError: no"


async def test_operations_of_a_batch_run_in_the_fake_or_in_the_app(kit: Kit) -> None:
    kit.set(Fake("Counter", "entity", is_spy=True, failures=[ValueError("shut")]))
    operations = [OperationRequest(f"id-{n}", "add", str(n), signal=False) for n in (1, 2)]
    batch = EntityInput(EntityId("Counter", "a"), True, '"old state"', operations)
    output = await kit.invoker.entity("Counter", "i-1", batch)
    assert isinstance(output, EntityOutput)
    assert output.results == [
        OperationResult('"ValueError: shut"', failed=True),
        OperationResult('"from the app"', failed=False),
    ]
    assert output.state == '"new state"'
    assert [op.input for op in kit.app.batches[0].operations] == ["2"]


async def test_a_fake_of_an_entity_keeps_its_state(kit: Kit) -> None:
    kit.set(Fake("Counter", "entity", return_value=42))
    operations = [OperationRequest("id-1", "get", None, signal=False)]
    batch = EntityInput(EntityId("Counter", "a"), True, '"old state"', operations)
    output = await kit.invoker.entity("Counter", "i-1", batch)
    assert output == EntityOutput([OperationResult("42", failed=False)], True, '"old state"')
    assert kit.app.batches == []


async def test_a_killed_worker_loses_the_result_of_a_call_that_ran(kit: Kit) -> None:
    kit.fakes.worker_deaths["ship"] = 1
    with pytest.raises(WorkerLostError, match="the test killed it"):
        await kit.invoker.activity("Ship", "i-1", "7", 1)
    assert await kit.invoker.activity("Ship", "i-1", "7", 1) == '"from the app"'
    assert kit.app.activities == ["7", "7"]


async def test_no_call_starts_or_returns_after_a_kill(kit: Kit) -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def call() -> str:
        started.set()
        await release.wait()
        return "result"

    running = asyncio.ensure_future(kit.invoker.run("Ship", call))
    await started.wait()
    kit.invoker.is_killed = True
    release.set()
    late = asyncio.ensure_future(kit.invoker.activity("Ship", "i-1", "7", 1))
    await run_ready_callbacks()
    assert not running.done()
    assert not late.done()
    assert kit.app.activities == []
    running.cancel()
    late.cancel()


async def test_an_outcome_of_pytest_is_reported_and_the_call_never_returns(kit: Kit) -> None:
    kit.set(Fake("Ship", "activity", side_effect=lambda order: pytest.fail("must not ship")))
    call = asyncio.ensure_future(kit.invoker.activity("Ship", "i-1", "7", 1))
    await run_ready_callbacks()
    assert not call.done()
    assert [str(outcome) for outcome in kit.outcomes] == ["must not ship"]
    call.cancel()


async def test_running_has_one_future_for_each_running_call(kit: Kit) -> None:
    release = asyncio.Event()

    async def call() -> str:
        await release.wait()
        return "result"

    running = asyncio.ensure_future(kit.invoker.run("Ship", call))
    await asyncio.sleep(0)
    (finished,) = kit.invoker.running
    release.set()
    assert await running == "result"
    assert finished.done()
    assert (kit.invoker.count, kit.invoker.running) == (1, set())


def test_reset_deletes_calls_and_faults_and_keeps_the_fakes() -> None:
    fakes, ship = Fakes(), Fake("Ship", "activity")
    fakes.functions["activity", "ship"] = ship
    fakes.http.append(HttpFake("https://example.com/*"))
    ship.calls.append(1)
    fakes.worker_deaths["ship"] = 2
    fakes.runs["Ship"] = 3
    fakes.reset()
    assert fakes.functions == {("activity", "ship"): ship}
    assert len(fakes.http) == 1
    assert (ship.calls, fakes.worker_deaths["ship"], fakes.runs["Ship"]) == ([], 0, 0)
