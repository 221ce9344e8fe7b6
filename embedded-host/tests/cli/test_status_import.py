"""The import of recorded statuses of the Azure Functions host."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from embedded_host.cli.command import CommandError
from embedded_host.cli.instance_document import FORMAT, VERSION, InstanceDocument
from embedded_host.cli.status_import import state_to_import
from embedded_host.engine.events import (
    ExecutionCompleted,
    ExecutionStarted,
    SubOrchestrationInstanceCompleted,
    SubOrchestrationInstanceCreated,
)

RECORDINGS = json.loads(
    (Path(__file__).parents[1] / "conformance" / "golden.json")
    .read_text(encoding="utf-8")
    .replace("<time.", "<time")
)
TIME = "2026-01-02T03:04:05Z"


def recorded(case: str, step: int, **changes: Any) -> InstanceDocument:
    text = json.dumps(RECORDINGS[case][step]["body"])
    for name in ("<timeZ>", "<time+00:00>"):
        text = text.replace(name, TIME)
    return InstanceDocument(
        format=FORMAT,
        version=VERSION,
        instance_id="i",
        task_hub=None,
        exported_from="http://localhost:7071",
        exported_at=TIME,
        status=json.loads(text) | changes,
    )


def test_a_finished_instance_keeps_the_ids_of_its_sub_orchestrations() -> None:
    state = state_to_import(recorded("orch/Sub", 1))
    created = [
        event for event in state.history if isinstance(event, SubOrchestrationInstanceCreated)
    ]
    assert [event.instance_id for event in created] == ["<id>:sub", "<uuid>:1"]
    assert isinstance(state.history[0], ExecutionStarted)
    assert sum(isinstance(event, SubOrchestrationInstanceCompleted) for event in state.history) == 2
    assert isinstance(state.history[-1], ExecutionCompleted)
    assert (state.instance.status, state.instance.output) == (
        "Completed",
        '{"first":"World","second":{"a":1}}',
    )
    assert (state.messages, state.activities) == ([], [])


def test_an_instance_that_has_scheduled_nothing_starts_again_with_its_messages() -> None:
    status = recorded("orch/Sub", 1).status
    assert status is not None
    document = recorded(
        "orch/Sub",
        1,
        runtimeStatus="Running",
        output=None,
        historyEvents=status["historyEvents"][:1],
    )
    state = state_to_import(document)
    assert (state.instance.status, state.history) == ("Pending", [])
    assert [type(message.event) for message in state.messages] == [ExecutionStarted]


def test_an_unfinished_instance_with_a_call_is_refused() -> None:
    status = recorded("orch/Sub", 1).status
    assert status is not None
    document = recorded(
        "orch/Sub", 1, runtimeStatus="Running", historyEvents=status["historyEvents"][:2]
    )
    with pytest.raises(CommandError, match="EH541"):
        state_to_import(document)


def test_an_incomplete_document_is_refused() -> None:
    with pytest.raises(CommandError, match="EH540"):
        state_to_import(recorded("orch/Sub", 1, historyEvents=[{}]))
