from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.recorded_execution import RecordedExecution
from embedded_host.history import HistoryView, Wait, WaitKind, execution_waits, joined, open_waits
from embedded_host.history.waits import LISTED
from tests.engine.scenario import (
    T0,
    Scenario,
    activity,
    after,
    child,
    entity_call,
    event,
    sdk_output,
    timer,
    when_all,
)
from tests.support.recorded_turns import recorded_history

SINCE = "2026-01-02T03:04:05Z"


def waiting() -> Scenario:
    main = Scenario()
    main.start(
        sdk_output(
            when_all(
                activity(),
                child(instance_id="c-1"),
                timer(60),
                entity_call("@counter@k"),
                event("Go"),
            )
        )
    )
    return main


def test_an_execution_waits_for_open_calls_timers_and_events() -> None:
    main = waiting()
    assert main.state.execution is not None
    waits = execution_waits(HistoryView.of(main.state.history.events), main.state.execution)
    assert [wait.document() for wait in waits] == [
        {"kind": "activity", "since": SINCE, "name": "Echo", "taskId": 0},
        {
            "kind": "subOrchestration",
            "since": SINCE,
            "name": "Child",
            "instanceId": "c-1",
            "taskId": 1,
        },
        {"kind": "timer", "since": SINCE, "due": "2026-01-02T03:05:05Z", "taskId": 2},
        {"kind": "entity", "since": SINCE, "instanceId": "@counter@k", "operation": "get"},
        {"kind": "event", "since": SINCE, "name": "Go"},
    ]


def test_open_waits_of_a_history_do_not_contain_external_events() -> None:
    waits = open_waits(HistoryView.of(waiting().state.history.events))
    assert [wait.kind for wait in waits] == [
        WaitKind.ACTIVITY,
        WaitKind.SUB_ORCHESTRATION,
        WaitKind.TIMER,
        WaitKind.ENTITY,
    ]


def test_a_completed_call_is_not_a_wait() -> None:
    signal = request_message(request_id="r", operation="add", input=None, signal=True, now=T0)
    events: list[HistoryEvent] = [
        *(h.task_scheduled(T0, 0, "Echo"), h.task_completed(T0, 0, None)),
        *(h.timer_created(T0, 1, after(1)), h.timer_fired(T0, 1, after(1))),
        h.event_sent(T0, 2, "@counter@k", "op", signal),
    ]
    assert open_waits(HistoryView.of(events)) == []


def test_a_wait_is_described_by_a_phrase() -> None:
    waits = [
        Wait(kind=WaitKind.ACTIVITY, since="S", name="A", attempt=2, state="queued"),
        Wait(kind=WaitKind.TIMER, since="S", due="D"),
        Wait(kind=WaitKind.SUB_ORCHESTRATION, since="S", name="C", instance_id="c-1"),
        Wait(kind=WaitKind.ENTITY, since="S", instance_id="@a@b", operation="add"),
        Wait(kind=WaitKind.EVENT, since="S", name="Go"),
        Wait(kind=WaitKind.WORKER, since="S"),
    ]
    assert [wait.description for wait in waits] == [
        "the activity 'A', attempt 2 (queued) since S",
        "the timer due at D since S",
        "the sub-orchestration 'C' with the id 'c-1' since S",
        "the response of the entity '@a@b' to 'add' since S",
        "the external event 'Go' since S",
        "its turn on a worker since S",
    ]
    assert waits[-1].document() == {"kind": "worker", "since": "S", "text": "its turn on a worker"}
    assert joined(waits[:2]) == f"{waits[0].description}; {waits[1].description}"
    assert joined(waits).endswith(f"; and {len(waits) - LISTED} more")


def test_a_purged_child_has_no_status() -> None:
    wait = Wait(kind=WaitKind.SUB_ORCHESTRATION, since="S", runtime_status=None, state="purged")
    assert wait.document()["runtimeStatus"] is None


def test_an_open_attempt_of_sdk_2x_has_its_number() -> None:
    events = recorded_history("NativeRetry")[:-1]
    for waits in (
        execution_waits(HistoryView.of(events), RecordedExecution(events)),
        open_waits(HistoryView.of(events)),
    ):
        [wait] = waits
        assert (wait.kind, wait.name, wait.task_id, wait.attempt) == (
            WaitKind.ACTIVITY,
            "Flaky",
            1,
            3,
        )


def test_an_open_attempt_of_a_sub_orchestration_has_its_number() -> None:
    events = recorded_history("NativeChildRetry")[:-1]
    [wait] = execution_waits(HistoryView.of(events), RecordedExecution(events))
    assert "the sub-orchestration 'ActFail'" in wait.description
    assert ", attempt 2 since" in wait.description


def test_a_lock_request_waits_for_its_entities() -> None:
    events = recorded_history("NativeLock")[:4]
    for waits in (
        execution_waits(HistoryView.of(events), RecordedExecution(events)),
        open_waits(HistoryView.of(events)),
    ):
        [wait] = waits
        ids = [f"@tally@b2b33ec1768b419d8c0711b9d1ea117a-{key}" for key in "ab"]
        assert wait.document() == {
            "kind": "lock",
            "since": "2026-11-29T21:36:38.277294100Z",
            "instanceId": ids[0],
            "entityIds": ids,
        }
        assert wait.description.startswith(f"the locks of the entities '{ids[0]}', '{ids[1]}'")


def test_a_lock_request_of_one_entity_is_described_in_the_singular() -> None:
    wait = Wait(kind=WaitKind.LOCK, since="S", instance_id="@a@b", entity_ids=["@a@b"])
    assert wait.description == "the lock of the entity '@a@b' since S"


def test_a_granted_lock_is_not_a_wait() -> None:
    events = recorded_history("NativeLock")
    assert execution_waits(HistoryView.of(events), RecordedExecution(events)) == []
    assert open_waits(HistoryView.of(events)) == []


def test_an_execution_without_open_calls_waits_for_an_event_that_its_worker_does_not_report() -> (
    None
):
    events: list[HistoryEvent] = [h.orchestrator_completed(T0)]
    execution = RecordedExecution(events)
    assert execution_waits(HistoryView.of(events), execution) == []
    execution.await_events(None)
    [wait] = execution_waits(HistoryView.of(events), execution)
    assert (wait.kind, wait.name, wait.since) == (WaitKind.EVENT, None, events[-1].timestamp)
    assert wait.description == (
        "an external event, whose name its worker does not report (its last turn is done, and no "
        f"call and no timer is open) since {wait.since}"
    )
    events.append(h.task_scheduled(T0, 1, "Echo"))
    execution.extend(events[-1:])
    [wait] = execution_waits(HistoryView.of(events), execution)
    assert wait.kind is WaitKind.ACTIVITY
