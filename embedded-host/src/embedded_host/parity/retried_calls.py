"""Histories with a retried call of SDK 2.x, which the Azure Functions host cannot return."""

from __future__ import annotations

from collections.abc import Iterable

from embedded_host.engine.events import (
    HistoryEvent,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
)
from embedded_host.parity.findings import Findings
from embedded_host.parity.kinds import HISTORY_OF_RETRY


def add_history_finding(
    findings: Findings, orchestrator: str, events: Iterable[HistoryEvent]
) -> None:
    """Add a finding if the history of an instance of ``orchestrator`` has a retried call."""
    if has_retried_call(events):
        findings.add(HISTORY_OF_RETRY, orchestrator)


def has_retried_call(events: Iterable[HistoryEvent]) -> bool:
    """Return True if several attempts of a call have the same event id."""
    seen: set[tuple[type[HistoryEvent], int]] = set()
    for event in events:
        if isinstance(event, (TaskScheduled, SubOrchestrationInstanceCreated)):
            key = (type(event), event.event_id)
            if key in seen:
                return True
            seen.add(key)
    return False
