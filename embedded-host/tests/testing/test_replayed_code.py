"""The code that a replay runs: its decisions, its end and the comparison with recorded events."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.actions import EntityOperation
from embedded_host.engine.decisions import (
    CreateSubOrchestration,
    Decision,
    NonDeterministicError,
    ReleaseLock,
    RequestLocks,
    ScheduleTask,
    SendEvent,
    SendOperation,
    StartTimer,
)
from embedded_host.engine.entity_messages import lock_request_message, release_message
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.history import Action
from embedded_host.testing.history_file import RecordedHistory
from embedded_host.testing.replayed_code import ReplayedCode, replayed_code
from embedded_worker.protocol import CallLineData
from embedded_worker.session_cache import Session

pytestmark = pytest.mark.any_sdk
NOW = datetime(2026, 1, 1, tzinfo=timezone.utc)
STARTED = h.execution_started(
    NOW, instance_id="i", execution_id="e", name="O", input="1", parent=None, generation=0
)


class RecordedSession:
    """A session that returns one response for each turn."""

    execution_id, seen, known, counts = "e", 0, 0, None
    finished = is_replaying = False

    def __init__(self, responses: Sequence[dict[str, Any]]) -> None:
        self._responses = iter(responses)
        self.received: list[str | None] = []

    lines: CallLineData | None = None

    def report_lines(self) -> None:
        raise NotImplementedError

    def run_turn(self, events: str | None = None) -> str:
        self.received.append(events)
        return json.dumps(next(self._responses))

    def never_yielded(self) -> list[str]:
        return []

    def offset_timers(self) -> list[str]:
        return []

    def close(self) -> None:
        pass


def code(*responses: dict[str, Any]) -> tuple[ReplayedCode, RecordedSession]:
    session = RecordedSession(responses)
    inputs: list[OrchestratorInput] = []

    def open_session(input: OrchestratorInput) -> Session:
        inputs.append(input)
        return session

    recorded = RecordedHistory("file", "O", "i", STARTED, [], True, None)
    return replayed_code(open_session, recorded, 2, counted=True), session


TASK = {"id": 1, "scheduleTask": {"name": "A", "input": "1"}}


def end(**more: Any) -> dict[str, Any]:
    return {"actions": [{"id": 2, "completeOrchestration": more}]}


def test_the_decisions_and_waits_of_a_turn() -> None:
    run, session = code({"actions": [TASK], "awaitedEvents": ["Go"]}, {})
    run.run([h.orchestrator_started(NOW), STARTED], is_continuation=False)
    assert [type(decision) for decision in run.pending.values()] == [ScheduleTask]
    assert run.execution.awaited_events == ["Go"]
    assert (run.has_returned, run.is_finished, run.output, run.error) == (False, False, None, None)
    run.run([h.task_scheduled(NOW, 1, "A", "1")], is_continuation=False)
    assert (run.pending, run.execution.open_tasks) == ({}, [1])
    assert session.received[0] is None
    assert session.received[1] is not None
    assert '"past":[]' in session.received[1]


def test_the_end_of_the_code() -> None:
    run, _ = code(end(orchestrationStatus="ORCHESTRATION_STATUS_COMPLETED", result="[1]"))
    run.run([STARTED], is_continuation=False)
    assert (run.is_finished, run.output, run.error) == (True, "[1]", None)
    details = {"errorType": "builtins.KeyError", "errorMessage": "'x'", "stackTrace": "a line\n"}
    failed, _ = code(end(orchestrationStatus="ORCHESTRATION_STATUS_FAILED", failureDetails=details))
    failed.run([STARTED], is_continuation=False)
    assert (failed.is_finished, failed.output) == (True, None)
    assert failed.error == "a line\nbuiltins.KeyError: 'x'"


def test_an_error_of_the_replay_is_a_mismatch() -> None:
    details = {"errorType": "durabletask.task.NonDeterminismError", "errorMessage": "no task 1"}
    run, _ = code(end(orchestrationStatus="ORCHESTRATION_STATUS_FAILED", failureDetails=details))
    with pytest.raises(NonDeterministicError, match="no task 1"):
        run.run([STARTED], is_continuation=False)


def test_a_response_that_cannot_be_read_is_a_failure() -> None:
    run, _ = code({"actions": 1})
    run.run([STARTED], is_continuation=False)
    assert run.has_returned
    assert "cannot read" in (run.error or "")


def sent(name: str, instance_id: str, text: str) -> Action:
    return h.event_sent(NOW, 1, instance_id, name, text)


def operation(instance_id: str, *, signal: bool = False) -> SendOperation:
    return SendOperation(
        1, instance_id, "r", EntityOperation(instance_id, "add", None, signal, None)
    )


CALL = sent("op", "@c@k", '{"op":"add","id":"r","parent":"i"}')
SIGNAL = sent("op", "@c@k", '{"op":"add","id":"r","signal":true}')
LOCK = sent("op", "@c@k", lock_request_message(request_id="r", lock_set=("@c@k",), parent="i"))
RELEASE = sent("release", "@c@k", release_message(request_id="r", parent="i"))
EVENT = sent("Go", "other", "1")
TIMER = h.timer_created(NOW, 1, NOW)
RECORDS: list[tuple[Action, Decision]] = [
    (h.task_scheduled(NOW, 1, "A", "1"), ScheduleTask(1, "A", "1")),
    (
        h.sub_orchestration_created(NOW, 1, "O", "i:1", None),
        CreateSubOrchestration(1, "O", None, "i:1", None),
    ),
    (TIMER, StartTimer(1, NOW)),
    (CALL, operation("@c@k")),
    (SIGNAL, operation("@c@k", signal=True)),
    (LOCK, RequestLocks(1, "r", ("@c@k",))),
    (RELEASE, ReleaseLock(1, "r", "@c@k")),
    (EVENT, SendEvent(1, "other", "GO", None)),
]


def test_each_event_records_its_own_decision_only() -> None:
    run, _ = code()
    for event, _ in RECORDS:
        for other, decision in RECORDS:
            assert run.differs(event, decision) is (event is not other), (event, decision)


@pytest.mark.parametrize(
    ("event", "decision"),
    [
        (h.task_scheduled(NOW, 1, "A", "1"), ScheduleTask(1, "a", "1")),
        (CALL, operation("@c@other")),
        (LOCK, RequestLocks(1, "r", ("@c@a", "@c@k"))),
        (EVENT, SendEvent(1, "another", "Go", None)),
        (EVENT, SendEvent(1, "other", "Went", None)),
    ],
)
def test_another_name_or_recipient_differs(event: Action, decision: Decision) -> None:
    run, _ = code()
    assert run.differs(event, decision)
