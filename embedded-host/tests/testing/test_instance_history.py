"""The properties that summarize a recorded history."""

from __future__ import annotations

import json
from pathlib import Path

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent, TaskCompleted, TaskScheduled
from embedded_host.testing import (
    DurableApp,
    InstanceHistory,
    RecordedCall,
    RecordedEntityCall,
    RecordedEvent,
    RecordedTimer,
)
from tests.engine.scenario import T0, after

EVENTS: list[HistoryEvent] = [
    h.orchestrator_started(T0),
    h.execution_started(T0, instance_id="i-1", execution_id="e", name="Main", input="7"),
    h.task_scheduled(after(1), 0, "Charge", '["7"]'),
    h.task_scheduled(after(1), 1, "Ship", '["{\\"item\\": 1}"]'),
    h.timer_created(after(1), 2, after(60)),
    h.orchestrator_completed(after(1)),
    h.orchestrator_started(after(2)),
    h.task_completed(after(2), 0, '"paid"'),
    h.task_failed(after(2), 1, "no ship", None),
    h.event_raised(after(2), "Approval", '{"by": "me"}'),
    h.orchestrator_completed(after(2)),
    h.orchestrator_started(after(60)),
    h.timer_fired(after(60), 2, after(60)),
    h.orchestrator_completed(after(60)),
]


def history() -> InstanceHistory:
    return InstanceHistory(EVENTS, "i-1", "Main", "Running")


def test_a_history_is_a_sequence_of_its_events() -> None:
    events = history()
    assert len(events) == len(EVENTS)
    assert list(events) == EVENTS
    assert isinstance(events[2], TaskScheduled)
    assert [type(event) for event in events[7:8]] == [TaskCompleted]


def test_activities_have_inputs_results_errors_and_times() -> None:
    assert history().activities == [
        RecordedCall("Charge", 7, "paid", None, after(1), after(2)),
        RecordedCall("Ship", {"item": 1}, None, "no ship", after(1), after(2)),
    ]


def test_a_timer_has_its_due_time_and_fired_state() -> None:
    assert history().timers == [RecordedTimer(after(60), after(1), fired=True)]
    assert InstanceHistory(EVENTS[:6]).timers == [RecordedTimer(after(60), after(1), fired=False)]


def test_a_raised_event_has_its_value_and_time() -> None:
    assert history().raised_events == [RecordedEvent("Approval", {"by": "me"}, after(2))]


def test_turns_counts_completed_turns() -> None:
    assert history().turns == 3
    assert InstanceHistory(EVENTS[:8]).turns == 1


async def test_sub_orchestrations_have_their_instance_ids(shop: DurableApp) -> None:
    parent = await shop.run("Parent")
    calls = parent.history.sub_orchestrations
    assert [(call.name, call.input, call.result) for call in calls] == [
        ("Child", 1, 2),
        ("Child", 2, 4),
        ("Child", 3, 6),
    ]
    assert shop.instance(calls[0].instance_id or "").output == 2


async def test_entity_calls_are_signals_and_calls(shop: DurableApp) -> None:
    tally = await shop.run("Tally")
    assert tally.history.entity_calls == [
        RecordedEntityCall("@counter@a", "add", 5, signal=True),
        RecordedEntityCall("@counter@a", "add", 3, signal=False),
        RecordedEntityCall("@counter@a", "get", None, signal=False),
    ]


async def test_each_attempt_of_a_retried_call_is_numbered(shop: DurableApp) -> None:
    shop.spy("Charge", failures=[RuntimeError])
    retrying = await shop.run("Retrying", 7)
    assert [call.attempt for call in retrying.history.activities] == [1, 2]


def test_save_writes_the_history_with_name_id_and_status(tmp_path: Path) -> None:
    file = history().save(tmp_path / "history.json")
    document = json.loads(file.read_text(encoding="utf-8"))
    assert (document["instanceId"], document["name"], document["runtimeStatus"]) == (
        "i-1",
        "Main",
        "Running",
    )
    assert len(document["history"]) == len(EVENTS)


def test_the_repr_lists_the_event_types() -> None:
    assert repr(InstanceHistory(EVENTS[:2], "i-1")) == (
        "<history of 'i-1': OrchestratorStarted, ExecutionStarted>"
    )
