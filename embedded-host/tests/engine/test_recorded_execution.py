from __future__ import annotations

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import (
    LOCKED,
    lock_request_message,
    release_message,
    request_message,
)
from embedded_host.engine.events import EventSent
from embedded_host.engine.recorded_execution import RecordedExecution
from tests.engine.scenario import T0


def request(id: int, request_id: str, *, signal: bool = False) -> EventSent:
    text = request_message(
        request_id=request_id, operation="add", input="1", signal=signal, now=T0, protocol=2
    )
    return h.event_sent(T0, id, "@counter@k", "op", text)


def test_a_decision_is_open_until_its_completion() -> None:
    execution = RecordedExecution(
        [
            h.task_scheduled(T0, 1, "Echo"),
            h.timer_created(T0, 2, T0),
            h.sub_orchestration_created(T0, 3, "Child", "i:0003", None),
        ]
    )
    assert execution.open_tasks == [1, 2, 3]
    execution.extend([h.timer_fired(T0, 2, T0), h.task_failed(T0, 1, "no", None)])
    assert execution.open_tasks == [3]


def test_each_attempt_of_a_call_is_counted_and_open() -> None:
    execution = RecordedExecution([h.task_scheduled(T0, 1, "Flaky"), h.task_scheduled(T0, 2, "A")])
    assert execution.attempts == {}
    execution.extend([h.task_failed(T0, 1, "no", None), h.task_scheduled(T0, 1, "Flaky")])
    assert execution.attempts == {1: 2}
    assert execution.open_tasks == [2, 1]


def test_a_call_of_an_entity_is_open_until_its_response() -> None:
    execution = RecordedExecution([request(1, "r-1"), request(2, "r-2", signal=True)])
    assert (execution.open_calls, execution.called_entities) == (["r-1"], ["@counter@k"])
    execution.extend([h.event_raised(T0, "r-1", '{"result":"1"}')])
    assert execution.open_calls == []


def test_a_lock_request_is_open_until_all_entities_are_locked() -> None:
    lock = lock_request_message(request_id="s", parent="i", lock_set=["@counter@a", "@counter@b"])
    release = release_message(request_id="s", parent="i")
    execution = RecordedExecution([h.event_sent(T0, 1, "@counter@a", "op", lock)])
    assert execution.called_entities == ["@counter@a"]
    execution.extend(
        [h.event_raised(T0, "s", LOCKED), h.event_sent(T0, 2, "@counter@a", "release", release)]
    )
    assert execution.open_calls == []


def test_an_event_for_an_orchestration_and_an_unknown_message_are_not_calls() -> None:
    execution = RecordedExecution(
        [h.event_sent(T0, 1, "other", "Go", "1"), h.event_sent(T0, 2, "@counter@k", "op", "?")]
    )
    assert (execution.open_calls, execution.open_tasks) == ([], [])
