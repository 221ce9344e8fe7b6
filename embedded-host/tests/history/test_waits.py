from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message
from embedded_host.engine.events import HistoryEvent
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
