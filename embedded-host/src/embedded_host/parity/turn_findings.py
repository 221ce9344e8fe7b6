"""The parity findings of a turn of SDK 2.x."""

from __future__ import annotations

from collections.abc import Iterable

from embedded_host.engine.entity_messages import OPERATION, OperationRequest, parse_message
from embedded_host.engine.events import (
    EventSent,
    HistoryEvent,
    SubOrchestrationInstanceCreated,
)
from embedded_host.engine.functions import HTTP_ORCHESTRATOR
from embedded_host.parity.findings import Findings
from embedded_host.parity.function_findings import is_of_sdk
from embedded_host.parity.kinds import sdk2


def add_turn_findings(
    findings: Findings, orchestrator: str, events: Iterable[HistoryEvent]
) -> None:
    """Add the findings of the events that a turn of an orchestrator has recorded."""
    if is_of_sdk(orchestrator):
        return  # add_function_findings reports the SDK's functions
    for event in events:
        if isinstance(event, EventSent):
            if (
                findings.host.entity_reorder_window
                and findings.host.uses_azure_storage
                and not findings.has(sdk2.ENTITY_CALL, orchestrator)
                and _expects_response(event)
            ):
                findings.add(sdk2.ENTITY_CALL, orchestrator)
        elif isinstance(event, SubOrchestrationInstanceCreated) and event.name == HTTP_ORCHESTRATOR:
            findings.add(sdk2.CALL_HTTP, orchestrator)


def _expects_response(event: EventSent) -> bool:
    """Return True for an entity call or a lock request."""
    if event.name != OPERATION or not event.instance_id.startswith("@"):
        return False
    try:
        message = parse_message(event.name, event.input)
    except ValueError:
        return False
    return not (isinstance(message, OperationRequest) and message.signal)
