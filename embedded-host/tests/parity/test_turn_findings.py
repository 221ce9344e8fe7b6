"""The findings of turns."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import (
    lock_request_message,
    release_message,
    request_message,
)
from embedded_host.engine.events import HistoryEvent
from embedded_host.parity.findings import Findings
from embedded_host.parity.turn_findings import add_turn_findings
from tests.parity.kit import codes

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)


def found(
    *events: HistoryEvent, host: HostJson | None = None, orchestrator: str = "Chain"
) -> list[tuple[str, str]]:
    findings = Findings(host or HostJson())
    for _ in range(2):
        add_turn_findings(findings, orchestrator, events)
    return codes(findings)


def operation(*, signal: bool) -> HistoryEvent:
    text = request_message(
        request_id="id", operation="add", input='"x"', signal=signal, now=NOW, protocol=2
    )
    return h.event_sent(NOW, 1, "@counter@key", "op", text)


LOCK = h.event_sent(
    NOW,
    1,
    "@counter@key",
    "op",
    lock_request_message(request_id="id", lock_set=("@counter@key",), parent="i-1"),
)


def test_a_child_of_call_http_is_a_finding() -> None:
    child = h.sub_orchestration_created(NOW, 1, "BuiltIn__HttpPollOrchestrator", "c", None, None)
    other = h.sub_orchestration_created(NOW, 1, "Other", "c", None, None)
    assert found(child) == [("EH802", "Chain")]
    assert found(other) == []


@pytest.mark.parametrize("event", [operation(signal=False), LOCK])
def test_a_message_whose_response_is_awaited_is_a_finding(event: HistoryEvent) -> None:
    assert found(event) == [("EH805", "Chain")]
    assert found(event, host=HostJson(entity_reorder_window=5)) == [("EH805", "Chain")]
    assert found(event, host=HostJson(entity_reorder_window=0)) == []
    assert found(event, host=HostJson(uses_azure_storage=False)) == []


def test_other_messages_are_no_findings() -> None:
    release = release_message(request_id="id", parent="i-1")
    assert (
        found(
            operation(signal=True),
            h.event_sent(NOW, 1, "@counter@key", "release", release),
            h.event_sent(NOW, 1, "i-2", "op", '"an event named op"'),
            h.event_sent(NOW, 1, "@counter@key", "op", "not JSON"),
        )
        == []
    )


def test_the_orchestrators_of_the_sdk_have_no_findings_of_their_own() -> None:
    name = "execute_schedule_operation_orchestrator"
    assert found(operation(signal=False), orchestrator=name) == []
