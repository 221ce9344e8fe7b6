"""The turns of orchestrations: failures, and reloads during a turn."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from embedded_host.engine.execution import Execution
from embedded_host.engine.invocations import (
    InvocationFailure,
    OrchestratorInput,
    OrchestratorOutput,
)
from embedded_host.protocols.v1 import unseen_events
from tests.engine.runs import SessionWorker
from tests.task_hub.app import Steps, chain, new_hub
from tests.task_hub.kit import HubUnderTest, InlineInvoker, Orchestrator


async def test_an_exception_fails_the_instance() -> None:
    host = new_hub()
    await host.start("Fails")
    assert host.outcome() == ("Failed", "Orchestrator function 'Fails' failed: boom")
    assert host.left_over() == []


async def test_a_bug_of_the_host_fails_one_instance_and_no_other(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def replay(*arguments: object, **options: object) -> None:
        raise ZeroDivisionError("ours")

    host = new_hub()
    with monkeypatch.context() as patched:
        patched.setattr(Execution, "replay", replay)
        await host.start("Chain", input=1)
    text = "the host cannot process the output of the orchestrator: ZeroDivisionError: ours"
    assert host.outcome("i-1") == ("Failed", f"Orchestrator function 'Chain' failed: {text}")
    assert "with this traceback [EH410]:\nTraceback" in caplog.text
    await host.start("Chain", "i-2", input=3)
    assert host.outcome("i-2") == ("Completed", 12)
    assert host.left_over() == []


async def test_an_unknown_orchestrator_fails(caplog: pytest.LogCaptureFixture) -> None:
    host = new_hub()
    await host.start("Missing")
    status, output = host.outcome()
    assert status == "Failed"
    assert "The function 'Missing' doesn't exist" in output
    [record] = caplog.records
    logged = "Orchestrator 'Missing' of instance 'i-1' failed [EH401]: The function 'Missing'"
    assert record.getMessage().startswith(logged)
    assert "known orchestrator functions: '" in record.getMessage()


async def test_calls_of_unknown_functions_raise_errors_in_the_orchestrator() -> None:
    host = new_hub()
    await host.start("CallsMissingFunctions")
    status, errors = host.outcome()
    assert status == "Completed"
    assert ["The function 'Missing' doesn't exist" in text for text in errors] == [True, True]


async def test_a_sub_orchestration_with_the_id_of_an_unfinished_instance_fails() -> None:
    host = new_hub()
    await host.start("Waits", "i-1:1")
    await host.start("Parent")
    status, output = host.outcome()
    assert status == "Failed"
    assert "'i-1:1' cannot be started as a sub-orchestration" in output


async def test_a_sub_orchestration_replaces_a_finished_instance_with_its_id() -> None:
    host = new_hub()
    await host.start("Chain", "i-1:1", 100)
    await host.start("Parent")
    assert host.outcome() == ("Completed", [4, 8])
    assert host.outcome("i-1:1") == ("Completed", 4)


def renews(context: Any) -> Steps:
    if context.get_input():
        return (yield context.wait_for_external_event("Go"))
    yield context.call_activity("Double", 1)
    context.continue_as_new(1)
    return None


@pytest.mark.parametrize(("orchestrator", "output"), [(chain, 4), (renews, 7)])
async def test_a_reload_during_a_turn_replays_the_history_in_the_next_turn(
    orchestrator: Orchestrator, output: int
) -> None:
    """The worker of the previous code completes that turn. The next turn must not use its state."""
    invoked, gate, worker = asyncio.Event(), asyncio.Event(), SessionWorker()

    class Worker(InlineInvoker):
        async def orchestrator(
            self, name: str, turn: OrchestratorInput, *, alone: bool = False
        ) -> OrchestratorOutput | InvocationFailure:
            if turn.seen and "TaskScheduledId" in unseen_events(turn) and not invoked.is_set():
                invoked.set()
                await gate.wait()
            return worker.run_turn(SimpleNamespace(handle=self.orchestrators[name]), turn)  # type: ignore[arg-type]

    invoker = Worker({"Main": orchestrator}, {"Double": lambda n: 2 * n})
    host = HubUnderTest(invoker, replayed_instances=0)
    await host.client.start("Main", None, "i-1")
    await host.client.raise_event("i-1", "Go", "7")
    await asyncio.wait_for(invoked.wait(), 10)
    host.hub.forget_executions()
    gate.set()
    await host.idle()
    assert host.outcome() == ("Completed", output)
