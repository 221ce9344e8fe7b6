"""The JSON of an ``OrchestratorResponse``, parsed into types.

The fields have the names of the protobuf messages. Fields with default values are missing. Fields
that no turn needs are ignored. Source: durabletask's ``orchestrator_service.proto`` and the
recordings of the Azure Functions host.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct, field

from embedded_host.protocols.v2.failures import FailureDetails

Int32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]
"""An ``int32`` of protobuf."""


class ScheduleTaskAction(Struct, rename="camel"):
    """``ScheduleTaskAction``."""

    name: str = ""
    input: str | None = None
    tags: dict[str, str] | None = None
    parent_trace_context: dict[str, object] | None = None


class CreateSubOrchestrationAction(Struct, rename="camel"):
    """``CreateSubOrchestrationAction``."""

    instance_id: str = ""
    name: str = ""
    version: str | None = None
    input: str | None = None
    tags: dict[str, str] | None = None
    parent_trace_context: dict[str, object] | None = None


class CreateTimerAction(Struct, rename="camel"):
    """``CreateTimerAction``."""

    fire_at: str


class Recipient(Struct, rename="camel"):
    """``OrchestrationInstance``, the recipient of an event."""

    instance_id: str = ""


class SendEventAction(Struct, rename="camel"):
    """``SendEventAction``."""

    instance: Recipient = field(default_factory=Recipient)
    name: str = ""
    data: str | None = None


class EntityOperationAction(Struct, rename="camel"):
    """``EntityOperationCalledEvent`` or ``EntityOperationSignaledEvent``."""

    request_id: str = ""
    operation: str = ""
    input: str | None = None
    target_instance_id: str = ""
    scheduled_time: str | None = None


class LockRequestAction(Struct, rename="camel"):
    """``EntityLockRequestedEvent``."""

    critical_section_id: str = ""
    lock_set: list[str] = field(default_factory=list)


class UnlockAction(Struct, rename="camel"):
    """``EntityUnlockSentEvent``."""

    critical_section_id: str = ""
    target_instance_id: str = ""


class EntityMessageAction(Struct, rename="camel"):
    """``SendEntityMessageAction``."""

    entity_operation_called: EntityOperationAction | None = None
    entity_operation_signaled: EntityOperationAction | None = None
    entity_lock_requested: LockRequestAction | None = None
    entity_unlock_sent: UnlockAction | None = None


class RaisedEvent(Struct, rename="camel"):
    """``EventRaisedEvent``."""

    name: str = ""
    input: str | None = None


class CarriedEvent(Struct, rename="camel"):
    """A ``HistoryEvent`` that the next execution receives."""

    event_raised: RaisedEvent | None = None


class CompleteAction(Struct, rename="camel"):
    """``CompleteOrchestrationAction``."""

    orchestration_status: str = "ORCHESTRATION_STATUS_RUNNING"
    result: str | None = None
    new_version: str | None = None
    carryover_events: list[CarriedEvent] = field(default_factory=list)
    failure_details: FailureDetails | None = None


class OrchestratorAction(Struct, rename="camel"):
    """``OrchestratorAction``: exactly one field besides ``id`` is set."""

    id: Int32 = 0
    schedule_task: ScheduleTaskAction | None = None
    create_sub_orchestration: CreateSubOrchestrationAction | None = None
    create_timer: CreateTimerAction | None = None
    send_event: SendEventAction | None = None
    complete_orchestration: CompleteAction | None = None
    send_entity_message: EntityMessageAction | None = None


class OrchestratorResponse(Struct, rename="camel"):
    """``OrchestratorResponse``, with the names of awaited and undelivered events."""

    actions: list[OrchestratorAction] = field(default_factory=list)
    custom_status: str | None = None
    awaited_events: list[str] = field(default_factory=list)
    undelivered_events: list[str] = field(default_factory=list)


decode_response = msgspec.json.Decoder(OrchestratorResponse).decode
