"""The names and attributes of spans that several operations share."""

from __future__ import annotations

from embedded_host.engine.entity_messages import EntityId, OperationRequest
from embedded_host.telemetry.spans import AttributeValue, Scope

CORE: Scope = "DurableTask.Core"
EXTENSION: Scope = "WebJobs.Extensions.DurableTask"


def one_line(message: str | None) -> str:
    """Return the message of a failure as the Azure Functions host has it in a span.

    It has one line and one space after ``failed:``. In a history it may have details and two
    spaces.
    """
    return (message or "").partition("\n")[0].strip().replace("failed:  ", "failed: ")


def activity_attributes(name: str, instance_id: str, task_id: int) -> dict[str, AttributeValue]:
    """Return the attributes of both spans of an activity."""
    return {
        "durabletask.type": "activity",
        "durabletask.task.name": name,
        "durabletask.task.instance_id": instance_id,
        "durabletask.task.task_id": task_id,
    }


def name_with_version(
    kind: str, name: str, version: str | None, attributes: dict[str, AttributeValue]
) -> str:
    """Return the name of a span. Add the version of the orchestrator to ``attributes``."""
    if not version:
        return f"{kind}:{name}"
    attributes["durabletask.task.version"] = version
    return f"{kind}:{name}@({version})"


def entity_span_name(entity_id: str, operation: str) -> str:
    """Return the name of a span of an entity operation."""
    name = EntityId.parse(entity_id).name if EntityId.is_valid(entity_id) else entity_id
    return f"entity:{name}:{operation}"


def entity_operation(*, signal: bool) -> str:
    """Return the value of the attribute ``durabletask.task.operation``."""
    return "signal_entity" if signal else "call_entity"


def operation_request(text: str | None) -> OperationRequest | None:
    """Return the operation of a message, or None if it is a lock request or no operation."""
    try:
        return OperationRequest.parse(text)
    except ValueError:
        return None
