"""The turns of orchestrations: failures, and reloads during a turn."""

from __future__ import annotations

import asyncio
import math
from types import SimpleNamespace
from typing import Any

import azure.durable_functions as df
import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.engine.execution import Execution
from embedded_host.engine.invocations import (
    InvocationFailure,
    OrchestratorInput,
    OrchestratorOutput,
    OrchestratorResult,
)
from embedded_host.parity.findings import Findings
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


# -- differences from the Azure Functions host -----------------------------------------------------


def calls_unknown(context: Any) -> Steps:
    kind = context.get_input()
    try:
        if kind == "activity":
            yield context.call_activity("Missing")
        elif kind == "orchestrator":
            yield context.call_sub_orchestrator("Missing")
        else:
            yield context.call_entity(df.EntityId("missing", "k"), "get")
    except Exception:
        return "caught"


def calls_child(context: Any) -> Steps:
    try:
        return (yield context.call_sub_orchestrator("Child", None, context.get_input()))
    except Exception:
        return "caught"


def waits(context: Any) -> Steps:
    return (yield context.wait_for_external_event("Go"))


def observed(
    findings: Findings,
) -> list[tuple[str, str, list[str], str]]:
    return [(f.kind.code, f.function, f.instances, f.detail) for f in findings]


@pytest.mark.parametrize("kind", ["activity", "orchestrator", "entity"])
@pytest.mark.parametrize("is_strict", [False, True])
async def test_a_call_of_an_unknown_function_is_a_finding(kind: str, is_strict: bool) -> None:
    findings = Findings(HostJson())
    invoker = InlineInvoker({"Calls": calls_unknown})
    host = HubUnderTest(invoker, findings=findings, strict=is_strict)
    await host.start("Calls", input=kind)
    name = "missing" if kind == "entity" else "Missing"
    detail = f"The {kind} '{name}' does not exist."
    assert observed(findings) == [("EH883", "Calls", ["i-1"], detail)]
    status, output = host.outcome()
    if is_strict:
        assert status == "Failed"
        assert f"The function '{name}' doesn't exist" in output
    else:
        assert (status, output) == ("Completed", "caught")
    assert host.left_over() == []


@pytest.mark.parametrize("id", ["@child", "i-1", "taken"])
@pytest.mark.parametrize("is_strict", [False, True])
async def test_a_sub_orchestration_id_that_is_not_free_is_a_finding(
    id: str, is_strict: bool
) -> None:
    findings = Findings(HostJson())
    invoker = InlineInvoker({"Calls": calls_child, "Child": waits})
    host = HubUnderTest(invoker, findings=findings, strict=is_strict)
    await host.start("Child", "taken")
    await host.start("Calls", input=id)
    assert observed(findings) == [("EH884", "Calls", ["i-1"], f"The id is '{id}'.")]
    fails = is_strict and id != "taken"
    assert host.outcome()[0] == ("Failed" if fails else "Completed")


async def test_the_id_of_a_finished_instance_is_no_finding() -> None:
    findings = Findings(HostJson())
    invoker = InlineInvoker({"Calls": calls_child, "Child": lambda context: 5})
    host = HubUnderTest(invoker, findings=findings)
    await host.start("Child", "finished")
    await host.start("Calls", input="finished")
    assert host.outcome() == ("Completed", 5)
    assert observed(findings) == []


@pytest.mark.parametrize(
    ("is_strict", "status", "output"),
    [(False, '[NaN,{"$type":"x"}]', '{"$type":"x","a":Infinity}'), (True, None, None)],
)
async def test_an_output_and_a_status_that_azure_changes_are_findings(
    is_strict: bool, status: str | None, output: str | None
) -> None:
    def returns(context: Any) -> Steps:
        context.set_custom_status([math.nan, {"$type": "x"}])
        yield context.wait_for_external_event("Go")
        return {"$type": "x", "a": math.inf}

    findings = Findings(HostJson())
    host = HubUnderTest(InlineInvoker({"Main": returns}), findings=findings, strict=is_strict)
    await host.start("Main")
    await host.client.suspend("i-1", None)
    await host.idle()
    await host.client.resume("i-1", None)
    await host.idle()
    assert [(f.kind.code, f.count) for f in findings] == [("EH880", 1)], "one for each status"
    await host.raise_event("Go")
    row = host.row()
    assert row.custom_status == (status or '["NaN",{"$type":"x"}]')
    assert row.output == (output or '{"a":"Infinity"}')
    assert [(f.kind.code, f.count) for f in findings] == [("EH880", 2), ("EH881", 1)]


@pytest.mark.parametrize("has_called", [False, True])
@pytest.mark.parametrize("is_strict", [False, True])
async def test_an_output_without_json_loses_the_actions_there(
    has_called: bool, is_strict: bool
) -> None:
    def returns(context: Any) -> Any:
        if not has_called:
            return {1}
        return calls(context)

    def calls(context: Any) -> Steps:
        yield context.call_activity("Echo")
        return {1}

    findings = Findings(HostJson())
    invoker = InlineInvoker({"Main": returns}, {"Echo": lambda value: value})

    async def orchestrator(
        name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        # An UnusableValueError of a session does not contain the SDK's state.
        result = await InlineInvoker.orchestrator(invoker, name, turn)
        if isinstance(result, OrchestratorOutput) and result.error:
            return InvocationFailure(result.error, lacks_state=True)
        return result

    invoker.orchestrator = orchestrator  # type: ignore[method-assign]
    host = HubUnderTest(invoker, findings=findings, strict=is_strict)
    await host.start("Main")
    status, output = host.outcome()
    assert status == "Failed"
    is_lost = has_called and is_strict
    assert ("Non-Deterministic workflow detected: " in output) is is_lost
    assert ("Object of type set is not JSON serializable" in output) is not is_lost
    assert [f.kind.code for f in findings] == (["EH882"] if has_called else [])
