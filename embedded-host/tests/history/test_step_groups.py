from __future__ import annotations

from datetime import timedelta

from msgspec.structs import replace

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import request_message
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.timestamps import format_utc
from embedded_host.history import HistoryView, Outcome, StepGroup, positions, step_groups
from tests.engine.scenario import T0, after
from tests.support.recorded_turns import recorded_history

STARTED = h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input=None)


def groups(*events: HistoryEvent) -> list[StepGroup]:
    return step_groups(HistoryView.of([h.orchestrator_started(T0), STARTED, *events]))


def scheduled(count: int, name: str = "Step", first: int = 0) -> list[HistoryEvent]:
    return [h.task_scheduled(after(1), id, name) for id in range(first, first + count)]


def test_steps_with_the_same_name_and_turn_are_a_group_with_the_failed_ones_first() -> None:
    [group] = groups(
        *scheduled(4),
        h.orchestrator_started(after(2)),
        h.task_completed(after(2), 0, "1"),
        h.task_completed(after(3), 1, "1"),
        h.task_failed(after(5), 2, "boom", None),
    )
    assert (group.name, group.summary) == ("Step", "2 ok, 1 failed, 1 open")
    assert [row.outcome.value for row in group.rows] == ["failed", "completed", "completed", "open"]
    assert group.outcome is Outcome.OPEN
    assert [time.total_seconds() for time in group.run_times] == [1, 2, 4]
    assert group.median == timedelta(seconds=2)


def test_steps_of_other_names_and_turns_are_not_in_the_group() -> None:
    result = groups(
        *scheduled(4),
        *scheduled(1, "Other", 4),
        h.orchestrator_started(after(2)),
        *scheduled(5, first=5),
    )
    assert [(group.name, len(group.rows)) for group in result] == [
        ("Step", 4),
        ("Other", 1),
        ("Step", 5),
    ]


def test_few_steps_are_not_a_group() -> None:
    assert [len(group.rows) for group in groups(*scheduled(3))] == [1, 1, 1]


def test_operations_of_different_entities_are_a_group() -> None:
    messages = [
        request_message(request_id=f"r{n}", operation="add", input="1", signal=True, now=T0)
        for n in range(4)
    ]
    [group] = groups(
        *(h.event_sent(T0, n, f"@counter@{n}", "op", text) for n, text in enumerate(messages))
    )
    assert (group.name, len(group.rows)) == ("@counter add", 4)


def test_without_events_of_turns_the_completions_separate_the_turns() -> None:
    view = HistoryView.of(
        [STARTED, *scheduled(4), h.task_completed(after(2), 0, "1"), *scheduled(4, first=4)]
    )
    assert [len(group.rows) for group in step_groups(view)] == [4, 4]


def retried(*, last_delay: float, fails: bool = True) -> list[HistoryEvent]:
    """Return a call with two attempts. The second attempt fails, and a timer follows it."""
    return [
        h.task_scheduled(after(1), 0, "Flaky"),
        h.orchestrator_started(after(2)),
        h.task_failed(after(2), 0, "no", None),
        h.timer_created(after(2.1), 1, after(7), retry_of=0),
        h.orchestrator_started(after(7)),
        h.timer_fired(after(2.1), 1, after(7)),
        h.task_scheduled(after(7), 2, "Flaky"),
        h.orchestrator_started(after(9)),
        h.task_failed(after(9), 2, "no", None),
        h.timer_created(after(9.1), 3, after(9 + last_delay), retry_of=2),
    ]


def test_the_attempts_of_a_call_and_the_delays_between_them_are_one_row() -> None:
    view = HistoryView.of([h.orchestrator_started(T0), STARTED, *retried(last_delay=0)])
    result = step_groups(view)
    assert positions(view, result) == [[[0, 1, 2]]]
    [row] = result[0].rows
    assert [call.attempt for call in row.attempts] == [1, 2]
    assert (row.outcome, row.started_at) == (Outcome.FAILED, after(1))
    assert row.run_time == timedelta(seconds=3)


def test_a_call_is_open_while_its_next_attempt_is_due() -> None:
    [group] = groups(*retried(last_delay=60))
    [row] = group.rows
    assert (len(row.steps), row.outcome, row.run_time) == (4, Outcome.OPEN, timedelta(seconds=3))


def test_the_attempts_of_sdk_2x_are_one_row() -> None:
    [group] = step_groups(HistoryView.of(recorded_history("NativeRetry")))
    assert [call.attempt for call in group.rows[0].attempts] == [1, 2, 3]
    assert len(group.rows[0].steps) == 5


def test_the_run_time_omits_the_wait_for_a_place() -> None:
    completed = replace(h.task_completed(after(9), 0, "1"), started_at=format_utc(after(6)))
    [group] = groups(h.task_scheduled(after(1), 0, "Step"), completed)
    assert group.median == timedelta(seconds=3)
