"""The steps of recorded histories of SDK 2.x. ``test_view`` tests those of SDK 1.x."""

from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message
from embedded_host.engine.events import HistoryEvent
from embedded_host.history import CallKind, HistoryView, Outcome
from tests.engine.scenario import T0, after
from tests.support.recorded_turns import recorded_history


def view(*events: HistoryEvent) -> HistoryView:
    return HistoryView.of([h.orchestrator_started(T0), *events])


def test_attempts_with_the_same_id_are_separate_calls() -> None:
    history = HistoryView.of(recorded_history("NativeRetry"))
    assert [(c.id, c.attempt, c.outcome, c.error) for c in history.calls] == [
        (1, 1, Outcome.FAILED, "RuntimeError: attempt 1"),
        (1, 2, Outcome.FAILED, "RuntimeError: attempt 2"),
        (1, 3, Outcome.COMPLETED, None),
    ]
    assert [(t.id, t.retry_of, t.name) for t in history.timers] == [
        (2, 1, "Flaky"),
        (3, 1, "Flaky"),
    ]
    ends = [call.finished_at for call in history.calls[:-1]]
    starts = [call.scheduled_at for call in history.calls[1:]]
    assert all(end is not None and end < start for end, start in zip(ends, starts, strict=True))


def test_steps_name_their_events() -> None:
    history = HistoryView.of(recorded_history("NativeRetry"))
    assert [(c.event, c.completion) for c in history.calls] == [(2, 5), (10, 13), (18, 21)]
    assert [history.events[t.event].event_id for t in history.timers] == [2, 3]


def test_locks_and_releases_are_steps() -> None:
    history = HistoryView.of(recorded_history("NativeLock"))
    locked, *rest = history.calls
    first, second = (f"@tally@b2b33ec1768b419d8c0711b9d1ea117a-{key}" for key in "ab")
    assert (locked.kind, locked.name, locked.outcome) == (
        CallKind.LOCK,
        "lock",
        Outcome.COMPLETED,
    )
    assert (locked.entities, locked.instance_id) == ((first, second), first)
    assert locked.finished_at is not None
    assert locked.finished_at > locked.scheduled_at
    assert [(c.kind, c.name, c.instance_id, c.result) for c in rest] == [
        (CallKind.ENTITY, "add", first, "10"),
        (CallKind.ENTITY, "add", second, "-10"),
        (CallKind.RELEASE, "release", first, None),
        (CallKind.RELEASE, "release", second, None),
        (CallKind.ENTITY, "get", first, "10"),
        (CallKind.ENTITY, "get", second, "-10"),
    ]
    assert all(call.outcome is Outcome.COMPLETED for call in rest)
    assert history.raised_events == []


def test_a_failed_operation_has_the_text_and_the_trace_of_its_failure() -> None:
    failed, completed = HistoryView.of(recorded_history("NativeEntityFails")).calls
    assert (failed.outcome, failed.error, failed.details, failed.result) == (
        Outcome.FAILED,
        "builtins.ValueError: tally exploded",
        "<stack>",
        None,
    )
    assert (completed.outcome, completed.result) == (Outcome.COMPLETED, "0")


def test_a_failed_child_has_the_traces_of_its_causes() -> None:
    [call] = HistoryView.of(recorded_history("NativeNested")).calls
    assert (call.error or "").startswith(
        "durabletask.task.TaskFailedError: Sub-orchestration task #1 failed: "
    )
    assert (call.details or "").count("Caused by ") == 2
    assert (call.details or "").endswith("Caused by ValueError: activity failed: boom\n<stack>")


def test_an_event_for_another_instance_completes_at_once() -> None:
    [call] = view(h.event_sent(after(1), 1, "other", "Approval", '{"by":"me"}')).calls
    assert (call.kind, call.name, call.instance_id, call.input) == (
        CallKind.SENT_EVENT,
        "Approval",
        "other",
        '{"by":"me"}',
    )
    assert (call.outcome, call.finished_at, call.is_signal) == (Outcome.COMPLETED, after(1), True)


def test_an_event_for_another_instance_is_not_an_operation() -> None:
    request = request_message(request_id="r", operation="add", input="5", signal=False, now=T0)
    history = view(
        h.event_sent(after(1), 1, "other", "op", request), h.event_raised(after(2), "r", None)
    )
    assert [call.kind for call in history.calls] == [CallKind.SENT_EVENT]
    assert [event.name for event in history.raised_events] == ["r"]


def test_the_due_time_of_a_delayed_signal_is_in_the_name_of_its_event() -> None:
    request = request_message(request_id="r", operation="add", input="5", signal=True, now=T0)
    [call] = view(h.event_sent(T0, 1, "@counter@k", "op@2026-01-02T03:04:05Z", request)).calls
    assert (call.kind, call.name, call.is_signal) == (CallKind.ENTITY, "add", True)
