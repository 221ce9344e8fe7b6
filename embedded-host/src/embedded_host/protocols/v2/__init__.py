"""The protocol of SDK 2.x. The worker encodes and decodes its protobuf messages.

Requests and responses are JSON in the form of ``google.protobuf.json_format.MessageToDict``.
"""

from embedded_host.engine.failures import UserError
from embedded_host.protocols.v2.entities import entity_payload, entity_result
from embedded_host.protocols.v2.orchestrators import (
    orchestrator_payload,
    orchestrator_result,
    unseen_events,
)

__all__ = [
    "activity_error",
    "entity_payload",
    "entity_result",
    "orchestrator_payload",
    "orchestrator_result",
    "unseen_events",
]


def activity_error(error: UserError) -> UserError:
    """Return the error of an activity unchanged."""
    return error
