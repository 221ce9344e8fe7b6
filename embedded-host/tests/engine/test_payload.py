"""The envelope and IsPlayed; test_wire.py holds whole payloads against recorded ones."""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent, event_object
from embedded_host.engine.history import is_continuation_mark
from embedded_host.engine.payload import TurnPayload
from tests.engine.scenario import T0

STARTED = h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input=None)
BEGIN, END = h.orchestrator_started(T0), h.orchestrator_completed(T0)
FIRST: list[HistoryEvent] = [BEGIN, STARTED, h.task_scheduled(T0, 0, "A"), END]
SECOND: list[HistoryEvent] = [BEGIN, h.task_completed(T0, 0, "1")]


def payload(past: list[HistoryEvent], new: list[HistoryEvent], **more: Any) -> TurnPayload:
    fields: dict[str, Any] = {"input": None, "parent_instance_id": None, **more}
    return TurnPayload(instance_id="i", execution_id="e", past=past, new=new, **fields)


def objects(events: list[HistoryEvent]) -> list[dict[str, Any]]:
    return [event_object(event) for event in events]


def test_the_envelope() -> None:
    read = json.loads(payload([], FIRST[:2], input='"x"', parent_instance_id="p", http_sleep_ms=5).text())
    assert list(read.items())[1:] == [
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
    assert read["history"] == objects(FIRST[:2])


@pytest.mark.parametrize("text", [None, "null", '"1"', "[1, 2]", '{"a": {"b": "\\u00e9"}}', ' "x" '])
def test_the_input_is_parsed_once(text: str | None) -> None:
    assert json.loads(payload([], FIRST[:2], input=text).text())["input"] == (
        None if text is None else json.loads(text)
    )


def test_messages_of_earlier_turns_were_played() -> None:
    read = json.loads(payload(FIRST, SECOND).text())
    assert [e["IsPlayed"] for e in read["history"]] == [False, True, False, False, False, False]
    assert read["isReplaying"] is True
    assert not STARTED.is_played


def test_a_continued_execution_has_played_nothing() -> None:
    continued: list[HistoryEvent] = [BEGIN, STARTED, END]
    read = json.loads(payload(continued, [], fresh=True).text())
    assert (read["isReplaying"], [e["IsPlayed"] for e in read["history"]]) == (False, [False] * 3)
    later = json.loads(payload([*continued, *FIRST[2:]], SECOND).text())
    assert [e["IsPlayed"] for e in later["history"]] == [False, True, True, False, False, False, False]


def test_the_mark_of_a_continuation() -> None:
    events: list[HistoryEvent] = [BEGIN, STARTED, END, h.timer_created(T0, 0, T0), END, BEGIN, END]
    assert [i for i in range(len(events)) if is_continuation_mark(events, i)] == [2]


def test_what_the_worker_has_not_seen() -> None:
    whole = payload(FIRST, SECOND, seen=2)
    assert whole.size == 6
    assert json.loads(whole.unseen()) == objects([*FIRST[2:], *SECOND])
    assert json.loads(payload(FIRST, SECOND).unseen()) == objects([*FIRST, *SECOND])
    assert json.loads(payload(FIRST, SECOND, seen=len(FIRST)).unseen()) == objects(SECOND)
