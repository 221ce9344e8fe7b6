from __future__ import annotations

import json
from datetime import datetime, timedelta

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import (
    LOCKED,
    lock_request_message,
    release_message,
    request_message,
    response_message,
)
from embedded_host.engine.events import EventRaised, EventSent, HistoryEvent
from embedded_host.engine.functions import HTTP_ACTIVITY
from embedded_host.history import Call, CallKind, HistoryView, Outcome, Suspension, Timer, TimeSpent
from tests.engine.scenario import T0, after
from tests.support.recorded_turns import recorded_history

STARTED = h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input=None)


def view(*events: HistoryEvent) -> HistoryView:
    return HistoryView.of([h.orchestrator_started(T0), STARTED, *events])


def ended(at: float = 60, status: str = "Completed") -> HistoryEvent:
    return h.execution_completed(after(at), 99, status, None)


def sent(at: float, id: int, request_id: str, *, signal: bool = False) -> EventSent:
    request = request_message(
        request_id=request_id, operation="add", input="5", signal=signal, now=T0
    )
    return h.event_sent(after(at), id, "@counter@k", "op", request)


def test_the_view_of_an_empty_history_is_empty() -> None:
    empty = HistoryView.of([])
    assert (empty.started, empty.ended, empty.started_at, empty.ended_at) == (
        None,
        None,
        None,
        None,
    )
    assert (empty.steps, empty.turns, empty.children) == ([], [], [])
    assert empty.time_spent(T0) == TimeSpent(*[timedelta(0)] * 4)


# -- calls -----------------------------------------------------------------------------------------


def test_a_completed_activity_has_a_result() -> None:
    [call] = view(
        h.task_scheduled(after(1), 0, "Echo", '["x"]'), h.task_completed(after(3), 0, '"x"')
    ).calls
    assert call == Call(
        CallKind.ACTIVITY,
        0,
        "Echo",
        after(1),
        after(3),
        Outcome.COMPLETED,
        input='["x"]',
        result='"x"',
    )


def test_a_failed_activity_has_an_error_and_details() -> None:
    [call] = view(
        h.task_scheduled(after(1), 0, "Echo"), h.task_failed(after(3), 0, "boom", "Traceback")
    ).calls
    assert (call.outcome, call.error, call.details, call.result) == (
        Outcome.FAILED,
        "boom",
        "Traceback",
        None,
    )


def test_call_http_has_its_own_kind() -> None:
    [call] = view(h.task_scheduled(T0, 0, HTTP_ACTIVITY)).calls
    assert call.kind is CallKind.HTTP


def test_a_sub_orchestration_has_its_instance_id() -> None:
    history = view(
        h.sub_orchestration_created(T0, 0, "Child", "c-1", "1"),
        h.sub_orchestration_created(T0, 1, "Child", "c-2", "1"),
        h.sub_orchestration_completed(after(2), 1, "7"),
    )
    assert [(c.kind, c.instance_id, c.outcome) for c in history.calls] == [
        (CallKind.SUB_ORCHESTRATION, "c-1", Outcome.OPEN),
        (CallKind.SUB_ORCHESTRATION, "c-2", Outcome.COMPLETED),
    ]
    assert history.children == ["c-1", "c-2"]


def test_an_entity_call_ends_with_its_response() -> None:
    history = view(
        sent(1, 0, "r-1"),
        sent(1, 1, "r-2"),
        sent(1, 2, "r-3"),
        sent(1, 3, "r-4", signal=True),
        h.event_raised(after(2), "r-1", response_message("6", False)),
        h.event_raised(after(3), "r-2", response_message('"boom"', True)),
    )
    assert [
        (c.id, c.outcome, c.result, c.error, c.finished_at, c.is_signal) for c in history.calls
    ] == [
        (0, Outcome.COMPLETED, "6", None, after(2), False),
        (1, Outcome.FAILED, None, '"boom"', after(3), False),
        (2, Outcome.OPEN, None, None, None, False),
        (3, Outcome.COMPLETED, None, None, after(1), True),
    ]
    assert {(c.kind, c.name, c.instance_id, c.input) for c in history.calls} == {
        (CallKind.ENTITY, "add", "@counter@k", "5")
    }
    assert history.raised_events == []


def test_a_lock_request_ends_when_all_entities_are_locked() -> None:
    lock = lock_request_message(request_id="cs", parent="i-1", lock_set=["@counter@k"])
    release = release_message(request_id="cs", parent="i-1")
    history = view(
        h.event_sent(after(1), 0, "@counter@k", "op", lock),
        h.event_raised(after(2), "cs", LOCKED),
        h.event_sent(after(3), 1, "@counter@k", "release", release),
    )
    assert [(c.name, c.outcome, c.finished_at, c.is_signal) for c in history.calls] == [
        ("lock", Outcome.COMPLETED, after(2), False),
        ("release", Outcome.COMPLETED, after(3), True),
    ]
    assert history.raised_events == []
    [pending] = view(h.event_sent(after(1), 0, "@counter@k", "op", lock)).calls
    assert (pending.name, pending.outcome) == ("lock", Outcome.OPEN)


def test_a_sent_event_of_another_form_is_an_open_call() -> None:
    [call] = view(h.event_sent(T0, 0, "@a@b", "op", "no request")).calls
    assert (call.name, call.outcome, call.input) == ("op", Outcome.OPEN, "no request")


@pytest.mark.parametrize("status", ["Completed", "Failed", "Terminated"])
def test_a_step_that_is_open_at_the_end_is_abandoned(status: str) -> None:
    history = view(
        h.task_scheduled(T0, 0, "Echo"), h.timer_created(T0, 1, after(9)), ended(status=status)
    )
    assert [(type(s), s.outcome) for s in history.steps if isinstance(s, (Call, Timer))] == [
        (Call, Outcome.ABANDONED),
        (Timer, Outcome.ABANDONED),
    ]
    assert not any(call.is_open for call in history.calls)


# -- retries ---------------------------------------------------------------------------------------


def attempt(at: float, id: int, *, fails: bool = True, delay: float = 5) -> list[HistoryEvent]:
    """Return a turn with an attempt, and the turn with its failure and the timer of the next."""
    events: list[HistoryEvent] = [
        h.orchestrator_started(after(at)),
        h.task_scheduled(after(at + 0.1), id, "Flaky"),
        h.orchestrator_completed(after(at + 0.2)),
        h.orchestrator_started(after(at + 1)),
    ]
    if not fails:
        return [
            *events,
            h.task_completed(after(at + 1), id, "1"),
            h.orchestrator_completed(after(at + 1.2)),
        ]
    timer = h.timer_created(after(at + 1.1), id + 1, after(at + 1 + delay), retry_of=id)
    return [
        *events,
        h.task_failed(after(at + 1), id, "boom", None),
        timer,
        h.orchestrator_completed(after(at + 1.2)),
        h.orchestrator_started(after(at + 1 + delay)),
        h.timer_fired(after(at + 1.1), id + 1, after(at + 1 + delay)),
    ]


def test_attempts_of_a_retried_call_are_numbered() -> None:
    history = HistoryView.of([*attempt(0, 0), *attempt(10, 2), *attempt(20, 4, fails=False)])
    assert [(c.id, c.attempt, c.outcome) for c in history.calls] == [
        (0, 1, Outcome.FAILED),
        (2, 2, Outcome.FAILED),
        (4, 3, Outcome.COMPLETED),
    ]
    assert [(t.retry_of, t.name, t.fired_at) for t in history.timers] == [
        (0, "Flaky", after(6)),
        (2, "Flaky", after(16)),
    ]


def test_a_call_after_an_exhausted_retry_is_not_an_attempt() -> None:
    """The timer of the last attempt is due at once."""
    history = HistoryView.of(
        [*attempt(0, 0), *attempt(10, 2, delay=0), *attempt(20, 4, fails=False)]
    )
    assert [(c.id, c.attempt) for c in history.calls] == [(0, 1), (2, 2), (4, None)]


def test_a_call_without_retries_has_no_attempt_number() -> None:
    assert [call.attempt for call in view(h.task_scheduled(T0, 0, "Echo")).calls] == [None]


# -- timers, events, suspensions -------------------------------------------------------------------


def test_a_timer_fires_when_it_is_due() -> None:
    """The timestamp of TimerFired is the creation time of the timer."""
    [timer] = view(
        h.timer_created(after(1), 0, after(9)), h.timer_fired(after(1), 0, after(9))
    ).timers
    assert timer == Timer(0, after(1), after(9), after(9), Outcome.COMPLETED)


def test_external_events_are_steps() -> None:
    events = [h.event_raised(after(2), "Go", '"now"'), h.event_raised(after(3), "Stop", None)]
    history = view(*events)
    assert history.raised_events == events
    assert [(e.name, e.occurred_at, e.input) for e in history.raised_events] == [
        ("Go", after(2), '"now"'),
        ("Stop", after(3), None),
    ]


def test_a_suspension_ends_with_the_resumption() -> None:
    history = view(
        h.execution_suspended(after(1), "lunch"),
        h.execution_resumed(after(2), None),
        h.execution_suspended(after(3), None),
    )
    assert [step for step in history.steps if isinstance(step, Suspension)] == [
        Suspension("lunch", after(1), after(2), Outcome.COMPLETED),
        Suspension(None, after(3), None, Outcome.OPEN),
    ]


def test_steps_are_in_the_order_of_their_start() -> None:
    history = view(
        h.task_scheduled(T0, 0, "Echo"),
        h.timer_created(T0, 1, after(1)),
        h.event_raised(T0, "Go", None),
        h.execution_suspended(T0, None),
        h.task_completed(after(1), 0, None),
        h.task_scheduled(T0, 2, "Echo"),
    )
    assert [type(step) for step in history.steps] == [Call, Timer, EventRaised, Suspension, Call]


# -- turns and times -------------------------------------------------------------------------------


def test_turns_contain_their_messages_and_actions() -> None:
    events: list[HistoryEvent] = [
        h.orchestrator_started(after(1)),
        STARTED,
        h.task_scheduled(after(2), 0, "Echo"),
        h.orchestrator_completed(after(2)),
        h.orchestrator_started(after(9)),
        h.task_completed(after(7), 0, None),
        ended(10),
        h.orchestrator_completed(after(10)),
    ]
    first, second = HistoryView.of(events).turns
    assert (list(first.messages), list(first.actions), first.completed) == (
        events[:2],
        events[2:3],
        events[3],
    )
    assert (list(second.messages), list(second.actions)) == (events[4:6], [])
    assert [(t.started_at, t.finished_at, t.queue_time) for t in (first, second)] == [
        (after(1), after(2), timedelta(seconds=1)),
        (after(9), after(10), timedelta(seconds=2)),
    ]
    assert HistoryView.of(events).queue_time == timedelta(seconds=3)


def test_the_queue_time_of_a_timer_starts_at_its_due_time() -> None:
    [turn] = HistoryView.of(
        [h.orchestrator_started(after(11)), h.timer_fired(after(1), 0, after(10))]
    ).turns
    assert (turn.queue_time, turn.finished_at) == (timedelta(seconds=1), None)


def test_the_first_turn_after_continue_as_new_is_a_continuation() -> None:
    mark, scheduled = h.orchestrator_completed(after(1)), h.task_scheduled(after(2), 0, "Echo")
    first: list[HistoryEvent] = [
        h.orchestrator_started(T0),
        STARTED,
        h.event_raised(T0, "Go", None),
        mark,
    ]
    events: list[HistoryEvent] = [
        *first,
        scheduled,
        h.orchestrator_completed(after(2)),
        h.orchestrator_started(after(3)),
    ]
    turn, later = HistoryView.of(events).turns
    assert (list(turn.messages), list(turn.actions), turn.is_continuation) == (
        first,
        [scheduled],
        True,
    )
    assert (turn.completed, later.is_continuation) == (events[-2], False)


@pytest.mark.parametrize("completed_is_last", [False, True])
def test_execution_completed_is_not_in_a_turn_and_does_not_start_one(
    completed_is_last: bool,
) -> None:
    ends: list[HistoryEvent] = [
        h.execution_completed(after(2), 0, "Completed", None),
        h.orchestrator_completed(after(2)),
    ]
    events: list[HistoryEvent] = [h.orchestrator_started(T0), STARTED]
    events += reversed(ends) if completed_is_last else ends
    [turn] = HistoryView.of(events).turns
    assert (list(turn.messages), turn.completed, turn.is_continuation) == (
        events[:2],
        ends[1],
        False,
    )


def test_the_time_is_divided_into_code_work_and_wait() -> None:
    events: list[HistoryEvent] = [
        h.orchestrator_started(T0),
        STARTED,
        h.task_scheduled(after(1), 0, "A"),
        h.task_scheduled(after(1), 1, "B"),
        h.orchestrator_completed(after(2)),
        h.orchestrator_started(after(5)),
        h.task_completed(after(4), 0, None),
        h.orchestrator_completed(after(6)),
        h.orchestrator_started(after(8)),
        h.task_completed(after(8), 1, None),
        h.timer_created(after(9), 2, after(19)),
        h.orchestrator_completed(after(9)),
        h.orchestrator_started(after(19)),
        h.timer_fired(after(9), 2, after(19)),
    ]

    def seconds(spent: TimeSpent) -> list[float]:
        return [part.total_seconds() for part in (spent.code, spent.work, spent.wait, spent.total)]

    assert seconds(HistoryView.of(events[:-2]).time_spent(after(12))) == [4, 5, 3, 12]
    done: list[HistoryEvent] = [*events, ended(20), h.orchestrator_completed(after(20))]
    assert seconds(HistoryView.of(done).time_spent(after(99))) == [5, 5, 10, 20]


def test_an_open_lock_request_is_neither_work_nor_an_external_event() -> None:
    events = recorded_history("NativeLock")[:4]
    history = HistoryView.of(events)
    assert [call.outcome for call in history.calls] == [Outcome.OPEN]
    spent = history.time_spent(events[0].occurred_at + timedelta(seconds=60))
    assert spent.work == timedelta(0)


def test_the_input_of_a_call_is_the_recorded_json() -> None:
    [call] = view(h.task_scheduled(T0, 0, "Echo", json.dumps(["x"]))).calls
    assert call.input == '["x"]'


def test_the_end_is_the_last_completion_or_termination() -> None:
    history = view(h.execution_terminated(after(5), "enough"), ended(6, "Terminated"))
    assert history.ended_at == after(6)
    assert isinstance(history.started_at, datetime)
