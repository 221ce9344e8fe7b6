"""The envelope and IsPlayed. test_wire.py compares whole payloads with recorded ones."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent, event_object
from embedded_host.engine.history import is_continuation_mark
from embedded_host.engine.invocations import InvocationFailure, OrchestratorInput
from embedded_host.protocols.v1 import (
    orchestrator_payload,
    orchestrator_result,
    orchestrators,
    unseen_events,
)
from tests.engine.scenario import T0

STARTED = h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input=None)
BEGIN, END = h.orchestrator_started(T0), h.orchestrator_completed(T0)
FIRST: list[HistoryEvent] = [BEGIN, STARTED, h.task_scheduled(T0, 0, "A"), END]
SECOND: list[HistoryEvent] = [BEGIN, h.task_completed(T0, 0, "1")]


def turn(past: list[HistoryEvent], new: list[HistoryEvent], **more: Any) -> OrchestratorInput:
    fields: dict[str, Any] = {"input": None, "parent_instance_id": None, **more}
    return OrchestratorInput(instance_id="i", execution_id="e", past=past, new=new, **fields)


def objects(events: list[HistoryEvent]) -> list[dict[str, Any]]:
    return [event_object(event) for event in events]


def test_the_payload_has_the_recorded_envelope() -> None:
    payload = json.loads(
        orchestrator_payload(
            turn([], FIRST[:2], input='"x"', parent_instance_id="p", http_sleep_ms=5)
        )
    )
    assert list(payload.items())[1:] == [
        ("input", "x"),
        ("instanceId", "i"),
        ("isReplaying", False),
        ("parentInstanceId", "p"),
        ("upperSchemaVersion", 1),
        ("upperSchemaVersionNew", 3),
        ("longRunningTimerIntervalDuration", "3.00:00:00"),
        ("maximumShortTimerDuration", "6.00:00:00"),
        ("defaultHttpAsyncRequestSleepTimeMillseconds", 5),
    ]
    assert payload["history"] == objects(FIRST[:2])


@pytest.mark.parametrize(
    "text", [None, "null", '"1"', "[1, 2]", '{"a": {"b": "\\u00e9"}}', ' "x" ']
)
def test_the_input_is_embedded_as_json(text: str | None) -> None:
    assert json.loads(orchestrator_payload(turn([], FIRST[:2], input=text)))["input"] == (
        None if text is None else json.loads(text)
    )


def test_messages_of_earlier_turns_are_marked_as_played() -> None:
    payload = json.loads(orchestrator_payload(turn(FIRST, SECOND)))
    assert [e["IsPlayed"] for e in payload["history"]] == [False, True, False, False, False, False]
    assert payload["isReplaying"] is True
    assert not STARTED.is_played


def test_no_event_is_marked_as_played_in_the_first_turn_after_continue_as_new() -> None:
    continued: list[HistoryEvent] = [BEGIN, STARTED, END]
    payload = json.loads(orchestrator_payload(turn(continued, [], is_continuation=True)))
    assert (payload["isReplaying"], [e["IsPlayed"] for e in payload["history"]]) == (
        False,
        [False] * 3,
    )
    later = json.loads(orchestrator_payload(turn([*continued, *FIRST[2:]], SECOND)))
    assert [e["IsPlayed"] for e in later["history"]] == [
        False,
        True,
        True,
        False,
        False,
        False,
        False,
    ]


def test_the_end_of_the_first_events_after_continue_as_new_is_recognized() -> None:
    events: list[HistoryEvent] = [BEGIN, STARTED, END, h.timer_created(T0, 0, T0), END, BEGIN, END]
    assert [i for i in range(len(events)) if is_continuation_mark(events, i)] == [2]


def test_unseen_events_follow_the_events_that_the_worker_received() -> None:
    whole = turn(FIRST, SECOND, seen=2)
    assert whole.size == 6
    assert json.loads(unseen_events(whole)) == objects([*FIRST[2:], *SECOND])
    assert json.loads(unseen_events(turn(FIRST, SECOND))) == objects([*FIRST, *SECOND])
    assert json.loads(unseen_events(turn(FIRST, SECOND, seen=len(FIRST)))) == objects(SECOND)


def test_an_unforeseen_error_fails_the_instance(monkeypatch: pytest.MonkeyPatch) -> None:
    def mistaken(raw: object) -> None:
        raise ZeroDivisionError("ours")

    monkeypatch.setattr(orchestrators, "parse_action", mistaken)
    result = orchestrator_result('{"isDone": false, "actions": [[{}]], "schemaVersion": 2}')
    assert isinstance(result, InvocationFailure)
    assert (
        result.message
        == "the host cannot process the output of the orchestrator: ZeroDivisionError: ours"
    )
    assert result.host_error.startswith("Traceback")


def test_the_payload_omits_the_private_fields_of_completions() -> None:
    done, failed = h.task_completed(T0, 0, "1"), h.task_failed(T0, 1, "boom", None)
    private: list[HistoryEvent] = [
        replace(done, started_at="2026-01-01T00:00:00Z"),
        replace(failed, started_at="2026-01-01T00:00:00Z", failed_input="1"),
    ]
    sent = json.loads(unseen_events(turn([], private)))
    assert sent == objects([done, failed])
    payload = json.loads(orchestrator_payload(turn([], private)))
    assert [set(event) for event in payload["history"]] == [set(event) for event in sent]
