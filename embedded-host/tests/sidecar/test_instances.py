"""The methods for orchestrations, beyond the recorded calls."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from embedded_host.engine.events import ExecutionStarted
from embedded_host.sidecar import instances
from embedded_worker.rpc_protocol import RpcStatus
from tests.sidecar.kit import MISSING, ServiceUnderTest

pytestmark = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")
STATUS = "ORCHESTRATION_STATUS_"


async def ids(service: ServiceUnderTest, **query: Any) -> list[str]:
    response = await service.ok("QueryInstances", query=query)
    return [state["instanceId"] for state in response.get("orchestrationState", [])]


# -- start -----------------------------------------------------------------------------------------


async def test_a_start_without_an_id_generates_one() -> None:
    service = ServiceUnderTest()
    response = await service.ok("StartInstance", name="Hello")
    assert len(response["instanceId"]) == 32
    assert await service.status(response["instanceId"]) == "Completed"


async def test_version_tags_and_trace_context_are_in_the_history() -> None:
    service = ServiceUnderTest(default_version="1.0")
    trace = {"traceParent": "00-aa-bb-01", "spanID": "bb", "traceState": "x=y"}
    await service.start("Hello", version="2.0", tags={"é": "1"}, parentTraceContext=trace)
    await service.start("Hello", "i-2")
    first, second = (
        next(
            e
            for e in service.host.client.history(service.host.row(id))
            if isinstance(e, ExecutionStarted)
        )
        for id in ("i-1", "i-2")
    )
    assert (first.version, first.tags) == ("2.0", {"é": "1"})
    assert first.parent_trace_context == {
        "TraceParent": "00-aa-bb-01",
        "TraceState": "x=y",
        "SpanId": "bb",
    }
    assert (second.version, second.tags, second.parent_trace_context) == ("1.0", None, None)
    assert (await service.state("i-1"))["tags"] == {"é": "1"}
    assert "tags" not in await service.state("i-2")


async def test_a_delayed_start_is_pending_until_its_time() -> None:
    service = ServiceUnderTest()
    await service.start("Hello", scheduledStartTimestamp="2026-01-02T03:04:15.000000001Z")
    state = await service.state()
    assert state["orchestrationStatus"] == STATUS + "PENDING"
    assert "customStatus" not in state
    await service.host.advance(9)
    assert await service.status() == "Pending"
    await service.host.advance(1)
    assert await service.status() == "Completed"
    started = service.host.client.history(service.host.row())[1]
    assert isinstance(started, ExecutionStarted)
    assert started.scheduled_start_time == "2026-01-02T03:04:15Z"
    assert service.host.left_over() == []


async def test_a_delayed_start_in_the_past_starts_at_once() -> None:
    service = ServiceUnderTest()
    await service.start("Hello", scheduledStartTimestamp="2020-01-01T00:00:00Z")
    assert await service.status() == "Completed"


async def test_an_event_before_a_delayed_start_follows_the_start_in_the_history() -> None:
    service = ServiceUnderTest()
    await service.start("WaitEvent", scheduledStartTimestamp="2026-01-02T03:04:15Z")
    await service.ok("RaiseEvent", instanceId="i-1", name="approval", input='"early"')
    await service.host.advance(10)
    events = service.host.client.history(service.host.row())
    names = [type(event).__name__ for event in events]
    assert names[:3] == ["OrchestratorStarted", "ExecutionStarted", "EventRaised"]
    assert service.host.outcome() == ("Completed", "early")


async def test_a_delayed_start_survives_a_restart_with_its_events() -> None:
    service = ServiceUnderTest()
    await service.start("WaitEvent", scheduledStartTimestamp="2026-01-02T03:04:15Z")
    await service.ok("RaiseEvent", instanceId="i-1", name="approval", input='"early"')
    assert await service.status() == "Pending"
    await service.host.kill()
    again = ServiceUnderTest(store=service.host.store, clock=service.host.clock)
    again.host.hub.start()
    await again.host.idle()
    assert await again.status() == "Pending"
    await again.host.advance(10)
    assert again.host.outcome() == ("Completed", "early")
    assert again.host.left_over() == []


async def test_a_delayed_start_that_became_due_during_a_stop_runs_before_its_events() -> None:
    service = ServiceUnderTest()
    await service.start("WaitEvent", scheduledStartTimestamp="2026-01-02T03:04:15Z")
    await service.ok("RaiseEvent", instanceId="i-1", name="approval", input='"early"')
    await service.host.kill()
    service.host.clock.advance(60)
    again = ServiceUnderTest(store=service.host.store, clock=service.host.clock)
    again.host.hub.start()
    await again.host.idle()
    assert again.host.outcome() == ("Completed", "early")


async def test_an_instance_with_a_delayed_start_can_be_terminated_and_purged() -> None:
    service = ServiceUnderTest()
    for id in ("i-1", "i-2"):
        await service.start("Hello", id, scheduledStartTimestamp="2026-01-02T03:04:15Z")
        await service.ok("TerminateInstance", instanceId=id, output='"no"')
        assert service.host.outcome(id) == ("Terminated", "no")
    await service.ok("PurgeInstances", instanceId="i-2")
    await service.host.advance(10)
    assert service.host.outcome() == ("Terminated", "no")
    assert service.host.left_over() == []


@pytest.mark.parametrize(
    ("name", "replaceable", "status"),
    [
        ("Hello", ["COMPLETED"], 0),
        ("Hello", ["FAILED", "RUNNING"], RpcStatus.ALREADY_EXISTS),
        ("Hello", [], RpcStatus.ALREADY_EXISTS),
        ("Waits", ["RUNNING"], 0),
        ("Waits", ["COMPLETED"], RpcStatus.ALREADY_EXISTS),
    ],
)
async def test_the_reuse_policy_selects_the_instances_that_are_replaced(
    name: str, replaceable: list[str], status: int
) -> None:
    service = ServiceUnderTest()
    await service.start(name)
    policy = {"replaceableStatus": [STATUS + text for text in replaceable]}
    result, _ = await service.call(
        "StartInstance",
        name="NativeChain",
        instanceId="i-1",
        orchestrationIdReusePolicy=policy if replaceable else {},
    )
    assert result == status
    assert service.host.row().name == (name if status else "NativeChain")


async def test_a_restart_uses_the_input_in_compact_json() -> None:
    service = ServiceUnderTest()
    await service.start("NativeChain", input='{"x": 1}')
    response = await service.ok("RestartInstance", instanceId="i-1", restartWithNewInstanceId=True)
    assert response["instanceId"] != "i-1"
    assert (await service.state(response["instanceId"]))["input"] == '{"x":1}'


async def test_an_unfinished_instance_restarts_with_a_new_id_only() -> None:
    service = ServiceUnderTest()
    await service.start("Waits")
    status, response = await service.call("RestartInstance", instanceId="i-1")
    assert (status, response["details"]) == (
        RpcStatus.FAILED_PRECONDITION,
        "InvalidOperationException: Instance 'i-1' cannot be restarted while it is in state "
        "'Running'. Wait until it has completed, or restart with a new instance ID.",
    )
    await service.ok("RestartInstance", instanceId="i-1", restartWithNewInstanceId=True)


# -- status ----------------------------------------------------------------------------------------


async def test_values_are_returned_on_request_only() -> None:
    service = ServiceUnderTest()
    await service.start("NativeChain", input='{"x": 1}')
    bare = await service.state(getInputsAndOutputs=False)
    full = await service.state()
    assert set(full) - set(bare) == {"input", "output", "customStatus"}
    assert full["input"] == '{"x": 1}'
    assert bare["orchestrationStatus"] == STATUS + "COMPLETED"


async def test_a_custom_status_is_json() -> None:
    service = ServiceUnderTest()
    await service.start("Waits")
    assert (await service.state())["customStatus"] == '"waiting"'


async def test_failure_details_are_optional() -> None:
    plain, detailed = ServiceUnderTest(), ServiceUnderTest(is_functions=False)
    for service in (plain, detailed):
        await service.start("Fails")
        await service.start("Hello", "i-2")
    assert "failureDetails" not in await plain.state()
    state = await detailed.state()
    assert state["failureDetails"] == {"errorMessage": state["output"]}
    assert "failureDetails" not in await detailed.state("i-2")
    assert "failureDetails" not in await detailed.state(getInputsAndOutputs=False)


async def waiting(service: ServiceUnderTest, method: str) -> asyncio.Task[tuple[int, bytes]]:
    body = json.dumps({"instanceId": "i-1", "waitSeconds": 20}).encode()
    task = asyncio.ensure_future(service.service.call(method, body))
    await asyncio.sleep(0)
    assert not task.done()
    return task


@pytest.mark.parametrize("method", ["WaitForInstanceStart", "WaitForInstanceCompletion"])
async def test_a_wait_includes_an_instance_that_is_started_later(method: str) -> None:
    service = ServiceUnderTest()
    wait = await waiting(service, method)
    await service.start("Hello")
    status, body = await asyncio.wait_for(wait, 20)
    assert status == 0
    assert json.loads(body)["orchestrationState"]["name"] == "Hello"


async def test_a_wait_for_the_start_ends_with_the_delayed_start() -> None:
    service = ServiceUnderTest()
    await service.start(
        "WaitEvent", scheduledStartTimestamp="2026-01-02T03:04:15Z", tags={"a": "b"}
    )
    wait = await waiting(service, "WaitForInstanceStart")
    await service.host.advance(10)
    _, body = await asyncio.wait_for(wait, 20)
    state = json.loads(body)["orchestrationState"]
    assert "orchestrationStatus" not in state, "Running is the default"
    assert state["tags"] == {"a": "b"}


async def test_a_wait_without_a_result_times_out() -> None:
    service = ServiceUnderTest()
    await service.start("Waits")
    for id in ("i-1", MISSING):
        response = await service.ok("WaitForInstanceCompletion", instanceId=id, waitSeconds=0.01)
        assert response == {"timeout": True}
    assert (await service.ok("WaitForInstanceStart", instanceId="i-1"))["exists"]


@pytest.mark.parametrize("method", ["WaitForInstanceStart", "WaitForInstanceCompletion"])
async def test_a_stop_of_the_host_ends_waits(method: str) -> None:
    service = ServiceUnderTest()
    wait = await waiting(service, method)
    service.host.hub.end_waits()
    assert (await asyncio.wait_for(wait, 20))[0] == RpcStatus.UNAVAILABLE
    assert (await service.call(method, instanceId="i-1"))[0] == RpcStatus.UNAVAILABLE


async def test_a_query_filters_orchestrations() -> None:
    service = ServiceUnderTest()
    await service.start("Hello", "a-1")
    await service.host.advance(10)
    await service.start("Waits", "a-2", tags={"k": "v"}, input='"3"')
    await service.start("Hello", "b-1")
    await service.signal("@tally@k", "add", 1)
    assert await ids(service) == ["a-1", "a-2", "b-1"]
    assert await ids(service, instanceIdPrefix="a") == ["a-1", "a-2"]
    assert await ids(service, runtimeStatus=[STATUS + "RUNNING"]) == ["a-2"]
    assert await ids(service, runtimeStatus=[STATUS + "COMPLETED"]) == ["a-1", "b-1"]
    assert await ids(service, createdTimeFrom="2026-01-02T03:04:10Z") == ["a-2", "b-1"]
    assert await ids(service, createdTimeTo="2026-01-02T03:04:10Z") == ["a-1"]
    full = await service.ok(
        "QueryInstances", query={"instanceIdPrefix": "a-2", "fetchInputsAndOutputs": True}
    )
    assert full["orchestrationState"] == [
        {
            "instanceId": "a-2",
            "name": "Waits",
            "createdTimestamp": "2026-01-02T03:04:15Z",
            "lastUpdatedTimestamp": "2026-01-02T03:04:15Z",
            "input": '"3"',
            "customStatus": '"waiting"',
            "tags": {"k": "v"},
        }
    ]


async def pages(service: ServiceUnderTest, **query: Any) -> list[list[str]]:
    found: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        response = await service.ok("QueryInstances", query={**query, **token})
        found.append([state["instanceId"] for state in response["orchestrationState"]])
        if "continuationToken" not in response:
            return found
        token = {"continuationToken": response["continuationToken"]}


async def test_a_query_has_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    service = ServiceUnderTest()
    for number in range(5):
        await service.start("NativeChain", f"i-{number}", input='"x"')
    assert await pages(service, maxInstanceCount=2) == [["i-0", "i-1"], ["i-2", "i-3"], ["i-4"]]
    assert await pages(service, maxInstanceCount=5) == [[f"i-{number}" for number in range(5)]]
    monkeypatch.setattr(instances, "PAGE_CHARACTERS", 50)
    assert await pages(service, fetchInputsAndOutputs=True) == [
        ["i-0", "i-1"],
        ["i-2", "i-3"],
        ["i-4"],
    ]
    assert len(await pages(service)) == 1


async def test_the_ids_of_finished_instances_have_pages() -> None:
    service = ServiceUnderTest()
    for number in range(3):
        await service.start("Hello", f"i-{number}")
    await service.start("Waits", "waits")
    await service.start("Fails", "fails")
    first = await service.ok("ListInstanceIds", pageSize=3)
    assert first["instanceIds"] == ["fails", "i-0", "i-1"]
    second = await service.ok("ListInstanceIds", lastInstanceKey=first["lastInstanceKey"])
    assert second == {"instanceIds": ["i-2"]}
    for status, expected in (("FAILED", {"instanceIds": ["fails"]}), ("RUNNING", {})):
        assert await service.ok("ListInstanceIds", runtimeStatus=[STATUS + status]) == expected
    assert await service.ok("ListInstanceIds", completedTimeFrom="2027-01-01T00:00:00Z") == {}


async def test_a_history_has_the_events_of_the_engine() -> None:
    service = ServiceUnderTest()
    await service.start("Hello", input='"x"')
    events = (await service.ok("StreamInstanceHistory", instanceId="i-1"))["events"]
    assert [event["EventType"] for event in events] == [12, 0, 4, 13, 12, 5, 1, 13]
    assert events[1]["Input"] == '"x"'
    execution = service.host.row().execution_id
    for id, found in ((execution, 0), ("other", RpcStatus.NOT_FOUND)):
        status, _ = await service.call("StreamInstanceHistory", instanceId="i-1", executionId=id)
        assert status == found
    status, response = await service.call("StreamInstanceHistory", instanceId=MISSING)
    assert (status, response) == (
        RpcStatus.NOT_FOUND,
        {"details": f"Orchestration instance with ID {MISSING} was not found."},
    )


# -- changes ---------------------------------------------------------------------------------------


async def test_a_recursive_termination_ends_all_descendants() -> None:
    service = ServiceUnderTest()
    await service.start("Parent")
    await service.ok("TerminateInstance", instanceId="i-1", output='"enough"', recursive=True)
    for id in ("i-1", "i-1-m", "i-1-m-kid"):
        assert service.host.outcome(id) == ("Terminated", "enough")
    assert service.host.left_over() == []


async def test_a_termination_that_is_not_recursive_ends_one_instance(
    caplog: pytest.LogCaptureFixture,
) -> None:
    service = ServiceUnderTest()
    await service.start("Parent")
    await service.ok("TerminateInstance", instanceId="i-1")
    assert service.host.outcome() == ("Terminated", None)
    assert await service.status("i-1-m") == "Running"
    assert "EH404" in caplog.text


@pytest.mark.parametrize(("recursive", "count"), [(True, 2), (False, 1)])
async def test_a_recursive_purge_deletes_the_children(recursive: bool, count: int) -> None:
    service = ServiceUnderTest()
    await service.start("ParentOfHello")
    await service.start("Hello", "other")
    response = await service.ok("PurgeInstances", instanceId="i-1", recursive=recursive)
    assert response == {"deletedInstanceCount": count}
    assert await ids(service) == (["other"] if recursive else ["i-1-kid", "other"])


async def test_a_purge_with_ids_or_a_filter() -> None:
    service = ServiceUnderTest()
    for id in ("a", "b", "c"):
        await service.start("Hello", id)
    await service.start("Fails", "fails")
    await service.start("Waits", "waits")
    await service.signal("@tally@k", "add", 1)
    response = await service.ok(
        "PurgeInstances", instanceBatch={"instanceIds": ["a", MISSING, "b"]}
    )
    assert response == {"deletedInstanceCount": 2}
    status, response = await service.call(
        "PurgeInstances", instanceBatch={"instanceIds": ["waits"]}
    )
    assert status == RpcStatus.FAILED_PRECONDITION
    assert "has status Running" in response["details"]
    filters: list[tuple[dict[str, Any], int]] = [
        ({"createdTimeFrom": "2027-01-01T00:00:00Z"}, 0),
        ({"createdTimeTo": "2025-01-01T00:00:00Z"}, 0),
        ({"runtimeStatus": [STATUS + "RUNNING"]}, 0),
        ({"runtimeStatus": [STATUS + "FAILED"]}, 1),
        ({}, 1),
    ]
    for filter, count in filters:
        response = await service.ok("PurgeInstances", purgeInstanceFilter=filter)
        assert response.get("deletedInstanceCount", 0) == count, filter
    assert await ids(service) == ["waits"]
    assert (await service.ok("GetEntity", instanceId="@tally@k"))["exists"]


async def test_a_purge_with_a_timeout_states_if_it_is_complete() -> None:
    service = ServiceUnderTest()
    for number in range(60):
        await service.start("NativeChain", f"i-{number:02}")
    first = await service.ok("PurgeInstances", purgeInstanceFilter={"timeout": "0s"})
    assert first == {"deletedInstanceCount": 50, "isComplete": False}
    second = await service.ok("PurgeInstances", purgeInstanceFilter={"timeout": "9.500s"})
    assert second == {"deletedInstanceCount": 10, "isComplete": True}
