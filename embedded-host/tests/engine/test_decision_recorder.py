"""The events and messages of single decisions. tests/engine/test_turn.py tests whole turns."""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.engine.actions import EntityOperation
from embedded_host.engine.decision_recorder import DecisionRecorder
from embedded_host.engine.decisions import (
    CreateSubOrchestration,
    Decision,
    ReleaseLock,
    RequestLocks,
    ScheduleTask,
    SendEvent,
    SendOperation,
    StartTimer,
)
from embedded_host.engine.events import (
    EventRaised,
    EventSent,
    SubOrchestrationInstanceFailed,
    TaskFailed,
    TaskScheduled,
    TimerFired,
)
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.message_labels import OutgoingLabels
from embedded_host.engine.messages import Deliver, StartActivity, StartOrchestration
from embedded_host.engine.observations import Difference, Observation
from embedded_host.engine.orchestration import Orchestration, TurnSettings
from tests.engine.scenario import T0, after


def recorder(protocol: int = 2, **settings: Any) -> DecisionRecorder:
    functions = DurableFunctions.of(["Main", "Child"], ["Echo"], ["Counter"], protocol)
    return DecisionRecorder(
        Orchestration("i", "Main", "e", T0, T0),
        TurnSettings(functions, **settings),
        lambda: T0,
        T0,
        [],
        lambda: OutgoingLabels([]),
    )


def recorded(decision: Decision, protocol: int = 2) -> DecisionRecorder:
    one = recorder(protocol)
    assert one.record(decision) is None
    return one


def operation(name: str = "@Counter@k", *, signal: bool = False, **more: Any) -> SendOperation:
    return SendOperation(4, name, "r", EntityOperation(name, "add", "5", signal, **more))


def test_an_activity_keeps_its_tags_and_its_trace_context() -> None:
    one = recorded(ScheduleTask(1, "Echo", "2", {"a": "b"}, {"traceParent": "t"}))
    [event] = one.events
    assert isinstance(event, TaskScheduled)
    assert (event.event_id, event.tags, event.parent_trace_context) == (
        1,
        {"a": "b"},
        {"traceParent": "t"},
    )
    assert one.outgoing == [StartActivity(1, "Echo", "2", "e", {"traceParent": "t"})]


@pytest.mark.parametrize(("protocol", "tags"), [(1, None), (2, {})])
def test_an_activity_without_tags_is_recorded_as_by_each_sdk(
    protocol: int, tags: dict[str, str] | None
) -> None:
    [event] = recorded(ScheduleTask(1, "Echo", "2"), protocol).events
    assert isinstance(event, TaskScheduled)
    assert event.tags == tags


def test_an_unknown_activity_fails_with_failure_details() -> None:
    [sent] = recorded(ScheduleTask(1, "Ecko", "2")).outgoing
    assert isinstance(sent, Deliver)
    failed = sent.message.event
    assert isinstance(failed, TaskFailed)
    assert failed.failure_details is not None
    assert failed.failure_details.error_message.startswith("The function 'Ecko' doesn't exist")
    assert failed.details is None


def test_a_child_receives_tags_version_and_an_unchanged_input() -> None:
    decision = CreateSubOrchestration(2, "child", '{"a":1}', "i:0002", "1.5", {"a": "b"})
    [sent] = recorded(decision).outgoing
    assert isinstance(sent, StartOrchestration)
    started = sent.started
    assert (started.name, started.input, started.version, started.tags) == (
        "Child",
        '{"a":1}',
        "1.5",
        {"a": "b"},
    )


def test_the_input_of_a_child_of_sdk_1_is_json_in_a_string() -> None:
    decision = CreateSubOrchestration(2, "Child", '{"a":1}', "i:2", None)
    [sent] = recorded(decision, protocol=1).outgoing
    assert isinstance(sent, StartOrchestration)
    assert json.loads(json.loads(sent.started.input or "")) == {"a": 1}


def test_a_call_of_an_entity_has_a_parent_and_a_signal_has_none() -> None:
    for signal in (False, True):
        one = recorded(operation(signal=signal))
        [event] = one.events
        assert isinstance(event, EventSent)
        message = json.loads(event.input)
        assert (message.get("parent"), message["input"]) == (None if signal else "i", "5")
        [sent] = one.outgoing
        assert isinstance(sent, Deliver)
        assert sent.message.event == one_raised(event)


def one_raised(event: EventSent) -> EventRaised:
    return EventRaised(name=event.name, input=event.input, timestamp=event.timestamp)


def test_a_delayed_signal_is_due_later() -> None:
    [sent] = recorded(operation(signal=True, fire_at=after(60))).outgoing
    assert isinstance(sent, Deliver)
    assert sent.message.due == after(60)


def test_a_signal_to_an_unknown_entity_is_lost() -> None:
    one = recorded(operation("@Missing@k", signal=True))
    assert len(one.events) == 1
    assert one.outgoing == []


def test_a_call_of_an_unknown_entity_gets_a_failure() -> None:
    [sent] = recorded(operation("@Missing@k")).outgoing
    assert isinstance(sent, Deliver)
    assert sent.instance_id == "i"
    assert isinstance(sent.message.event, EventRaised)
    details = json.loads(sent.message.event.input or "")["failureDetails"]
    assert details["ErrorMessage"].startswith("The function 'missing' doesn't exist")


def test_sdk_1_cannot_signal_an_unknown_entity() -> None:
    message = recorder(1).record(operation("@Missing@k", signal=True))
    assert message is not None
    assert message.startswith("The function 'missing' doesn't exist")


def test_an_event_is_sent_to_another_instance() -> None:
    one = recorded(SendEvent(3, "other", "Go", None))
    [event] = one.events
    assert isinstance(event, EventSent)
    assert (event.event_id, event.instance_id, event.name, event.input) == (
        3,
        "other",
        "Go",
        "null",
    )
    [sent] = one.outgoing
    assert isinstance(sent, Deliver)
    assert (sent.instance_id, sent.message.execution_id) == ("other", None)


def test_a_lock_request_goes_to_the_first_entity_and_a_release_to_each() -> None:
    locks = recorded(RequestLocks(1, "s", ("@counter@a", "@counter@b")))
    [request] = locks.events
    assert isinstance(request, EventSent)
    assert (request.name, request.instance_id) == ("op", "@counter@a")
    assert [e["key"] for e in json.loads(request.input)["lockset"]] == ["a", "b"]
    [release] = recorded(ReleaseLock(2, "s", "@counter@b")).events
    assert isinstance(release, EventSent)
    assert (release.name, release.instance_id, json.loads(release.input)["id"]) == (
        "release",
        "@counter@b",
        "s",
    )


@pytest.mark.parametrize(
    ("strict", "azure_storage", "seconds", "due", "is_short"),
    [
        (False, True, 1, 1, True),
        (True, True, 1, 0, True),
        (True, True, 2, 1, False),
        (True, False, 1, 1, False),
        (False, True, 2, 2, False),
        (True, True, 0, 0, False),
    ],
)
def test_a_strict_timer_fires_as_on_azure_storage(
    strict: bool, azure_storage: bool, seconds: float, due: float, is_short: bool
) -> None:
    one = recorder(strict=strict, uses_azure_storage=azure_storage)
    one.record(StartTimer(1, after(seconds)))
    [sent] = one.outgoing
    assert isinstance(sent, Deliver)
    assert sent.message.due == after(due)
    assert isinstance(sent.message.event, TimerFired)
    assert sent.message.event.due_at == after(seconds)
    short = [Observation(Difference.SHORT_TIMER, (f"{seconds}",))]
    assert one.observations == (short if is_short else [])


@pytest.mark.parametrize("protocol", [1, 2])
def test_calls_of_unknown_functions_are_observed(protocol: int) -> None:
    unknown = [Difference.UNKNOWN_FUNCTION, Difference.UNKNOWN_FUNCTION_OF_2X][protocol - 1]
    calls: list[tuple[Decision, str, str]] = [
        (ScheduleTask(1, "Missing", "2"), "activity", "Missing"),
        (CreateSubOrchestration(2, "Gone", None, "c", None), "orchestrator", "Gone"),
        (operation("@missing@k"), "entity", "missing"),
    ]
    for decision, kind, name in calls:
        expected = [] if (kind, protocol) == ("entity", 2) else [Observation(unknown, (kind, name))]
        assert recorded(decision, protocol).observations == expected
        strict = recorder(protocol, strict=True)
        problem = strict.record(decision)
        assert strict.observations == expected
        assert (problem is not None) is bool(expected)


def test_a_strict_host_records_the_failed_call_of_sdk_2() -> None:
    activity, child = recorder(strict=True), recorder(strict=True)
    problem = activity.record(ScheduleTask(1, "Missing", "2"))
    failed = activity.events[1]
    assert isinstance(failed, TaskFailed)
    assert (failed.reason, failed.details, failed.failure_details) == (problem, None, None)
    problem = child.record(CreateSubOrchestration(2, "Gone", None, "c", None))
    lost = child.events[1]
    assert isinstance(lost, SubOrchestrationInstanceFailed)
    assert json.loads(lost.reason or "") == {"message": problem, "details": None}
    assert activity.outgoing == child.outgoing == []


def test_the_orchestrator_of_call_http_is_not_observed_as_an_unknown_function() -> None:
    one = recorder(strict=True)
    call = CreateSubOrchestration(2, "BuiltIn__HttpPollOrchestrator", None, "c", None)
    assert "BuiltIn__HttpPollOrchestrator" in (one.record(call) or "")
    assert one.observations == []
