"""The protocol of the Durable Functions SDK 1.x: JSON payloads and lists of actions.

Source: functions-host.md#orchestration-trigger and #orchestrator-response.
"""

from embedded_host.protocols.v1.entities import entity_payload, entity_result, parse_entity_output
from embedded_host.protocols.v1.errors import MalformedOutputError, activity_error
from embedded_host.protocols.v1.orchestrators import (
    orchestrator_payload,
    orchestrator_result,
    parse_orchestrator_output,
    unseen_events,
)

__all__ = [
    "MalformedOutputError",
    "activity_error",
    "entity_payload",
    "entity_result",
    "orchestrator_payload",
    "orchestrator_result",
    "parse_entity_output",
    "parse_orchestrator_output",
    "unseen_events",
]
