"""The responses of ``TaskHubSidecarService``, as the JSON of the protobuf messages.

Fields with their default value are omitted, as in the JSON of protobuf.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec import Struct

from embedded_host.engine import events
from embedded_host.engine.events import ExecutionCompleted, HistoryEvent
from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import format_utc
from embedded_host.sidecar.requests import STATUS_PREFIX
from embedded_host.store.interface import InstanceRow
from embedded_host.task_hub.entity_queries import EntityStatus

_tags = msgspec.json.Decoder(dict[str, str])


class RpcResponse(Struct, frozen=True, rename="camel", omit_defaults=True):
    """A response, or a part of a response."""


class EmptyResponse(RpcResponse, frozen=True):
    """The response of a method without a result."""


class ErrorResponse(RpcResponse, frozen=True):
    """The response to a failed request."""

    details: str = ""


class TimeoutResponse(RpcResponse, frozen=True):
    """The response to a wait that has reached its time limit."""

    timeout: bool = False


class InstanceIdResponse(RpcResponse, frozen=True):
    """``CreateInstanceResponse`` and ``RestartInstanceResponse``."""

    instance_id: str = ""


class FailureDetails(RpcResponse, frozen=True):
    """``TaskFailureDetails``."""

    error_type: str = ""
    error_message: str = ""
    stack_trace: str | None = None
    inner_failure: FailureDetails | None = None
    is_non_retriable: bool = False
    properties: Mapping[str, object] | None = None


class OrchestrationState(RpcResponse, frozen=True):
    """``OrchestrationState``. ``orchestration_status`` is None for the default value, Running."""

    instance_id: str = ""
    name: str = ""
    orchestration_status: str | None = None
    created_timestamp: str = ""
    last_updated_timestamp: str = ""
    input: str | None = None
    output: str | None = None
    custom_status: str | None = None
    failure_details: FailureDetails | None = None
    tags: dict[str, str] | None = None


class GetResponse(RpcResponse, frozen=True):
    """``GetInstanceResponse``."""

    exists: bool = False
    orchestration_state: OrchestrationState | None = None


class QueryInstancesResponse(RpcResponse, frozen=True):
    """``QueryInstancesResponse``."""

    orchestration_state: tuple[OrchestrationState, ...] = ()
    continuation_token: str | None = None


class ListInstanceIdsResponse(RpcResponse, frozen=True):
    """``ListInstanceIdsResponse``."""

    instance_ids: tuple[str, ...] = ()
    last_instance_key: str | None = None


class HistoryResponse(RpcResponse, frozen=True):
    """The events of a history, which the worker streams as ``HistoryChunk``."""

    events: tuple[HistoryEvent, ...]


class PurgeResponse(RpcResponse, frozen=True):
    """``PurgeInstancesResponse``."""

    deleted_instance_count: int = 0
    is_complete: bool | None = None


class EntityMetadata(RpcResponse, frozen=True):
    """``EntityMetadata``."""

    instance_id: str = ""
    last_modified_time: str = ""
    backlog_queue_size: int = 0
    locked_by: str | None = None
    serialized_state: str | None = None


class GetEntityResponse(RpcResponse, frozen=True):
    """``GetEntityResponse``."""

    exists: bool = False
    entity: EntityMetadata | None = None


class QueryEntitiesResponse(RpcResponse, frozen=True):
    """``QueryEntitiesResponse``."""

    entities: tuple[EntityMetadata, ...] = ()
    continuation_token: str | None = None


class CleanEntityStorageResponse(RpcResponse, frozen=True):
    """``CleanEntityStorageResponse``."""

    empty_entities_removed: int = 0
    orphaned_locks_released: int = 0


def orchestration_state(
    row: InstanceRow,
    *,
    with_values: bool,
    input: str | None = None,
    failure: FailureDetails | None = None,
    null_status: bool = True,
) -> OrchestrationState:
    """Return the state of an instance.

    Without ``with_values``, the state has no input, output or custom status. If
    ``null_status`` is True, the custom status of a started instance is null until the orchestrator
    sets one, as on the Azure Functions host (recorded).
    """
    status = Status(row.status)
    custom_status = row.custom_status
    if null_status and custom_status is None and status is not Status.PENDING:
        custom_status = "null"
    return OrchestrationState(
        instance_id=row.id,
        name=row.name,
        orchestration_status=None if status is Status.RUNNING else STATUS_PREFIX + status.name,
        created_timestamp=format_utc(row.created),
        last_updated_timestamp=format_utc(row.updated),
        input=input if with_values else None,
        output=row.output if with_values else None,
        custom_status=custom_status if with_values else None,
        failure_details=failure if with_values else None,
        tags=None if row.tags is None else _tags.decode(row.tags),
    )


def failure_details(row: InstanceRow, completed: ExecutionCompleted | None) -> FailureDetails:
    """Return the details of a failed instance. ``completed`` is the last event of its history.

    If the event has no details, the message is the output.
    """
    if completed is not None and completed.failure_details is not None:
        return _details(completed.failure_details)
    return FailureDetails(error_message=row.output or "")


def _details(recorded: events.FailureDetails) -> FailureDetails:
    inner, properties = recorded.inner_failure, recorded.properties
    return FailureDetails(
        error_type=recorded.error_type,
        error_message=recorded.error_message,
        stack_trace=recorded.stack_trace,
        inner_failure=None if inner is None else _details(inner),
        is_non_retriable=recorded.is_non_retriable,
        properties=properties if isinstance(properties, dict) and properties else None,
    )


def entity_metadata(status: EntityStatus, *, include_state: bool) -> EntityMetadata:
    """Return the metadata of an entity, with its state if ``include_state``."""
    return EntityMetadata(
        instance_id=status.row.id,
        last_modified_time=format_utc(status.row.updated),
        backlog_queue_size=status.backlog,
        locked_by=status.locked_by,
        serialized_state=status.state if include_state else None,
    )
