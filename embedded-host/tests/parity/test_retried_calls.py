"""Histories with retried calls of SDK 2.x."""

from __future__ import annotations

from datetime import datetime, timezone

from embedded_host.app.definitions import HostJson
from embedded_host.engine import history as h
from embedded_host.parity.findings import Findings
from embedded_host.parity.retried_calls import add_history_finding, has_retried_call
from tests.parity.kit import codes

NOW = datetime(2026, 1, 2, tzinfo=timezone.utc)
TASK = h.task_scheduled(NOW, 1, "Flaky", None)
CHILD = h.sub_orchestration_created(NOW, 1, "Child", "c", None, None)


def test_attempts_have_the_same_event_id() -> None:
    failed = h.timer_created(NOW, 2, NOW)
    assert has_retried_call([TASK, failed, TASK])
    assert has_retried_call([CHILD, failed, CHILD])


def test_different_calls_have_different_ids() -> None:
    assert not has_retried_call([TASK, h.task_scheduled(NOW, 2, "Flaky", None), CHILD])


def test_a_history_with_a_retried_call_is_a_finding() -> None:
    findings = Findings(HostJson())
    add_history_finding(findings, "Chain", [TASK, CHILD])
    assert codes(findings) == []
    add_history_finding(findings, "Chain", [TASK, TASK])
    assert codes(findings) == [("EH809", "Chain")]
