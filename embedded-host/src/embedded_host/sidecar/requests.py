"""The requests of ``TaskHubSidecarService``, parsed from the JSON of the protobuf messages.

In this JSON, fields have camelCase names, and a field with its default value is omitted. Wrappers
are plain values. Unknown fields are ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct, field

from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import parse_utc
from embedded_worker.rpc_protocol import LONGEST_WAIT

STATUS_PREFIX = "ORCHESTRATION_STATUS_"
"""The prefix of the names of runtime statuses."""


class RpcRequest(Struct, frozen=True, rename="camel"):
    """A request, or a part of a request."""


class TraceContext(RpcRequest, frozen=True):
    """The W3C trace context of a caller."""

    trace_parent: str = ""
    span_id: str = field(default="", name="spanID")
    trace_state: str | None = None


class ReusePolicy(RpcRequest, frozen=True):
    """The statuses in which a start may replace an existing instance."""

    replaceable_status: tuple[str, ...] = ()


class StartRequest(RpcRequest, frozen=True):
    """``CreateInstanceRequest``."""

    instance_id: str = ""
    name: str = ""
    version: str | None = None
    input: str | None = None
    scheduled_start_timestamp: str | None = None
    orchestration_id_reuse_policy: ReusePolicy | None = None
    tags: dict[str, str] | None = None
    parent_trace_context: TraceContext | None = None


class GetRequest(RpcRequest, frozen=True):
    """``GetInstanceRequest``, with an additional time limit for a wait."""

    instance_id: str = ""
    get_inputs_and_outputs: bool = False
    wait_seconds: float = LONGEST_WAIT


class InstanceFilter(RpcRequest, frozen=True):
    """``InstanceQuery``."""

    runtime_status: tuple[str, ...] = ()
    created_time_from: str | None = None
    created_time_to: str | None = None
    max_instance_count: int = 0
    continuation_token: str | None = None
    instance_id_prefix: str | None = None
    fetch_inputs_and_outputs: bool = False


class QueryInstancesRequest(RpcRequest, frozen=True):
    """``QueryInstancesRequest``."""

    query: InstanceFilter = InstanceFilter()


class ListInstanceIdsRequest(RpcRequest, frozen=True):
    """``ListInstanceIdsRequest``."""

    runtime_status: tuple[str, ...] = ()
    completed_time_from: str | None = None
    completed_time_to: str | None = None
    page_size: int = 0
    last_instance_key: str | None = None


class HistoryRequest(RpcRequest, frozen=True):
    """``StreamInstanceHistoryRequest``."""

    instance_id: str = ""
    execution_id: str | None = None


class RaiseEventRequest(RpcRequest, frozen=True):
    """``RaiseEventRequest``."""

    instance_id: str = ""
    name: str = ""
    input: str | None = None


class TerminateRequest(RpcRequest, frozen=True):
    """``TerminateRequest``. ``output`` is JSON."""

    instance_id: str = ""
    output: str | None = None
    recursive: bool = False


class ReasonRequest(RpcRequest, frozen=True):
    """``SuspendRequest``, ``ResumeRequest`` and ``RewindInstanceRequest``."""

    instance_id: str = ""
    reason: str | None = None


class RestartRequest(RpcRequest, frozen=True):
    """``RestartInstanceRequest``."""

    instance_id: str = ""
    restart_with_new_instance_id: bool = False


class PurgeFilter(RpcRequest, frozen=True):
    """``PurgeInstanceFilter``. ``timeout`` is a number of seconds with the suffix ``s``."""

    created_time_from: str | None = None
    created_time_to: str | None = None
    runtime_status: tuple[str, ...] = ()
    timeout: str | None = None


class InstanceBatch(RpcRequest, frozen=True):
    """``InstanceBatch``."""

    instance_ids: tuple[str, ...] = ()


class PurgeRequest(RpcRequest, frozen=True):
    """``PurgeInstancesRequest``. One of the first three fields is set."""

    instance_id: str | None = None
    purge_instance_filter: PurgeFilter | None = None
    instance_batch: InstanceBatch | None = None
    recursive: bool = False


class SignalEntityRequest(RpcRequest, frozen=True):
    """``SignalEntityRequest``."""

    instance_id: str = ""
    name: str = ""
    input: str | None = None
    request_id: str = ""
    scheduled_time: str | None = None


class GetEntityRequest(RpcRequest, frozen=True):
    """``GetEntityRequest``."""

    instance_id: str = ""
    include_state: bool = False


class EntityFilter(RpcRequest, frozen=True):
    """``EntityQuery``."""

    instance_id_starts_with: str | None = None
    last_modified_from: str | None = None
    last_modified_to: str | None = None
    include_state: bool = False
    include_transient: bool = False
    page_size: int | None = None
    continuation_token: str | None = None


class QueryEntitiesRequest(RpcRequest, frozen=True):
    """``QueryEntitiesRequest``."""

    query: EntityFilter = EntityFilter()


class CleanEntityStorageRequest(RpcRequest, frozen=True):
    """``CleanEntityStorageRequest``."""

    remove_empty_entities: bool = False
    release_orphaned_locks: bool = False


def time_of(text: str | None) -> datetime | None:
    """Return the value of a timestamp. Raises ValueError if it is invalid."""
    return None if text is None else parse_utc(text)


def seconds_of(text: str | None) -> float | None:
    """Return the value of a duration in seconds. Raises ValueError if it is invalid."""
    return None if text is None else float(text.removesuffix("s"))


def statuses_of(names: Sequence[str]) -> tuple[str, ...]:
    """Return the values of ``Status`` with these names. Raises ValueError for an unknown name."""
    try:
        return tuple(Status[name.removeprefix(STATUS_PREFIX)].value for name in names)
    except KeyError as error:
        raise ValueError(f"{error} is not a runtime status") from None
