from __future__ import annotations

import pytest
from msgspec.structs import replace

from embedded_host.engine import history as h
from embedded_host.engine.events import CompletionEvent, ExecutionStarted, HistoryEvent
from embedded_host.engine.history import History
from tests.engine.scenario import T0

STARTED: ExecutionStarted = h.execution_started(
    T0, instance_id="i", execution_id="e", name="Main", input="1"
)
COMPLETIONS: list[HistoryEvent] = [
    h.task_completed(T0, 3, "1"),
    h.task_failed(T0, 3, "why", "where"),
    h.sub_orchestration_completed(T0, 3, "1"),
    h.sub_orchestration_failed(T0, 3, "why", "where"),
    h.timer_fired(T0, 3, T0),
]


@pytest.mark.parametrize("event", COMPLETIONS, ids=lambda event: type(event).__name__)
def test_duplicate_completions_are_detected(event: HistoryEvent) -> None:
    history = History([STARTED])
    assert not history.is_duplicate(event)
    history.extend([event])
    assert history.is_duplicate(event)
    assert isinstance(event, CompletionEvent)
    other = replace(event, **{"timer_id" if hasattr(event, "timer_id") else "task_scheduled_id": 4})
    assert not history.is_duplicate(other)
    assert (len(history), history.events) == (2, [STARTED, event])


def test_equal_external_events_are_not_duplicate_completions() -> None:
    history = History([h.event_raised(T0, "Go", "1")])
    assert not history.is_duplicate(h.event_raised(T0, "Go", "1"))
