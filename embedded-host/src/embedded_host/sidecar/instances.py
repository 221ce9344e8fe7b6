"""The methods of ``TaskHubSidecarService`` for orchestrations.

The status codes and detail texts are those of the Azure Functions host with the Durable Functions
extension 3.19.0 (recorded), except where a docstring states otherwise.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager

from embedded_host.engine.events import ExecutionCompleted
from embedded_host.engine.status import FINISHED, Status
from embedded_host.management.parameters import continuation_token, id_of_token
from embedded_host.sidecar import requests as q
from embedded_host.sidecar import responses as r
from embedded_host.sidecar.rpc_error import RpcError
from embedded_host.store.interface import InstanceQuery, InstanceRow
from embedded_host.task_hub import purging
from embedded_host.task_hub.client import (
    HubClient,
    InstanceExistsError,
    InstanceFinishedError,
    InstanceNotFoundError,
    InstanceStatusError,
)
from embedded_worker.rpc_protocol import LONGEST_WAIT, RpcStatus

PAGE_SIZE = 1000
"""Maximum number of instances in a response."""
PAGE_CHARACTERS = 1_000_000
"""Number of characters of inputs and outputs after which a page ends.

By default, a gRPC client accepts messages of at most 4 MB.
"""


class InstanceMethods:
    """The methods for the orchestrations of one task hub."""

    def __init__(self, client: HubClient, *, is_functions: bool) -> None:
        self._client, self._is_functions = client, is_functions

    # -- start -------------------------------------------------------------------------------------

    async def start(self, request: q.StartRequest) -> r.InstanceIdResponse:
        """Start an orchestration."""
        policy, trace = request.orchestration_id_reuse_policy, request.parent_trace_context
        try:
            instance_id = await self._client.start(
                request.name,
                request.input,
                request.instance_id or None,
                request.version,
                tags=request.tags,
                trace_context=None if trace is None else _trace_context(trace),
                start_at=q.time_of(request.scheduled_start_timestamp),
                replaceable=None if policy is None else q.statuses_of(policy.replaceable_status),
            )
        except InstanceExistsError as error:
            raise RpcError(
                RpcStatus.ALREADY_EXISTS,
                f"An Orchestration instance with the ID {request.instance_id} already exists.",
            ) from error
        return r.InstanceIdResponse(instance_id)

    async def restart(self, request: q.RestartRequest) -> r.InstanceIdResponse:
        """Start the orchestrator of an instance again with the same input."""
        id = request.instance_id
        with _lifecycle_errors(id):
            try:
                new_id = await self._client.restart(id, request.restart_with_new_instance_id)
            except InstanceExistsError as error:
                raise RpcError(
                    RpcStatus.FAILED_PRECONDITION,
                    f"InvalidOperationException: Instance '{id}' cannot be restarted while it is "
                    f"in state '{error.status}'. Wait until it has completed, or restart with a "
                    "new instance ID.",
                ) from error
        return r.InstanceIdResponse(new_id)

    # -- status ------------------------------------------------------------------------------------

    async def get(self, request: q.GetRequest) -> r.GetResponse:
        """Return the state of an instance."""
        return self._found(self._client.status(request.instance_id), request)

    async def wait_for_start(self, request: q.GetRequest) -> r.GetResponse | r.TimeoutResponse:
        """Return the state of an instance once it has started."""
        return await self._wait(
            request, self._client.wait_for_start, lambda status: status is not Status.PENDING
        )

    async def wait_for_completion(self, request: q.GetRequest) -> r.GetResponse | r.TimeoutResponse:
        """Return the state of an instance once it has finished."""
        return await self._wait(
            request, self._client.wait_for_completion, lambda status: status.is_terminal
        )

    async def _wait(
        self,
        request: q.GetRequest,
        wait: Callable[[str, float], Awaitable[InstanceRow | None]],
        is_reached: Callable[[Status], bool],
    ) -> r.GetResponse | r.TimeoutResponse:
        seconds = min(max(request.wait_seconds, 0.0), LONGEST_WAIT)
        row = await wait(request.instance_id, seconds)
        if row is not None and is_reached(Status(row.status)):
            return self._found(row, request)
        if self._client.hub.completion_waiters.is_closed:
            raise RpcError(RpcStatus.UNAVAILABLE, "The host is stopping.")
        return r.TimeoutResponse(timeout=True)

    def _found(self, row: InstanceRow | None, request: q.GetRequest) -> r.GetResponse:
        if row is None:
            return r.GetResponse()
        return r.GetResponse(
            exists=True,
            orchestration_state=self._state(row, with_values=request.get_inputs_and_outputs),
        )

    def _state(self, row: InstanceRow, *, with_values: bool) -> r.OrchestrationState:
        failure = None
        if with_values and not self._is_functions and row.status == Status.FAILED.value:
            events = self._client.history(row)
            completed = (e for e in reversed(events) if isinstance(e, ExecutionCompleted))
            failure = r.failure_details(row, next(completed, None))
        return r.orchestration_state(
            row,
            with_values=with_values,
            input=self._client.input(row) if with_values else None,
            failure=failure,
            null_status=self._is_functions,
        )

    async def query(self, request: q.QueryInstancesRequest) -> r.QueryInstancesResponse:
        """Return a page of instances in the order of their ids."""
        query = request.query
        filter = InstanceQuery(
            id_prefix=query.instance_id_prefix or None,
            after_id=id_of_token(query.continuation_token),
            statuses=q.statuses_of(query.runtime_status),
            created_from=q.time_of(query.created_time_from),
            created_to=q.time_of(query.created_time_to),
            entities=False,
        )
        limit = _page_size(query.max_instance_count)
        rows = await self._client.list(filter, limit + 1)
        states: list[r.OrchestrationState] = []
        characters = 0
        for row in rows[:limit]:
            state = self._state(row, with_values=query.fetch_inputs_and_outputs)
            states.append(state)
            characters += sum(len(text or "") for text in (state.input, state.output))
            if characters > PAGE_CHARACTERS:
                break
        return r.QueryInstancesResponse(
            tuple(states),
            continuation_token(states[-1].instance_id) if len(states) < len(rows) else None,
        )

    async def list_ids(self, request: q.ListInstanceIdsRequest) -> r.ListInstanceIdsResponse:
        """Return a page of the ids of finished instances.

        The Azure Functions host does not implement this method.
        """
        statuses = q.statuses_of(request.runtime_status) or FINISHED
        wanted = tuple(status for status in statuses if status in FINISHED)
        if not wanted:
            return r.ListInstanceIdsResponse()
        filter = InstanceQuery(
            after_id=request.last_instance_key or None,
            statuses=wanted,
            updated_from=q.time_of(request.completed_time_from),
            updated_to=q.time_of(request.completed_time_to),
            entities=False,
        )
        limit = _page_size(request.page_size)
        rows = await self._client.list(filter, limit + 1)
        ids = tuple(row.id for row in rows[:limit])
        return r.ListInstanceIdsResponse(ids, ids[-1] if len(rows) > limit else None)

    async def history(self, request: q.HistoryRequest) -> r.HistoryResponse:
        """Return the history of the current execution of an instance."""
        row = self._client.status(request.instance_id)
        if row is None or request.execution_id not in (None, "", row.execution_id):
            raise RpcError(
                RpcStatus.NOT_FOUND,
                f"Orchestration instance with ID {request.instance_id} was not found.",
            )
        return r.HistoryResponse(tuple(self._client.history(row)))

    # -- changes -----------------------------------------------------------------------------------

    async def raise_event(self, request: q.RaiseEventRequest) -> r.EmptyResponse:
        """Raise an external event."""
        _require(request.name, "eventName")
        _require(request.instance_id, "instanceId")
        try:
            await self._client.raise_event(request.instance_id, request.name, request.input)
        except InstanceNotFoundError as error:
            raise _not_found(request.instance_id) from error
        except InstanceFinishedError as error:
            raise RpcError(
                RpcStatus.FAILED_PRECONDITION,
                "The orchestration instance with the provided instance id is not running.",
            ) from error
        return r.EmptyResponse()

    async def terminate(self, request: q.TerminateRequest) -> r.EmptyResponse:
        """Terminate an instance."""
        id = request.instance_id
        _require(id, "instanceId")
        with self._status_errors(id, "terminate"):
            await self._client.terminate(id, request.output, recursive=request.recursive)
        return r.EmptyResponse()

    async def suspend(self, request: q.ReasonRequest) -> r.EmptyResponse:
        """Suspend an instance."""
        with self._status_errors(request.instance_id, "suspend"):
            await self._client.suspend(request.instance_id, request.reason)
        return r.EmptyResponse()

    async def resume(self, request: q.ReasonRequest) -> r.EmptyResponse:
        """Resume an instance."""
        with self._status_errors(request.instance_id, "resume"):
            await self._client.resume(request.instance_id, request.reason)
        return r.EmptyResponse()

    @contextmanager
    def _status_errors(self, instance_id: str, verb: str) -> Iterator[None]:
        with _lifecycle_errors(instance_id):
            try:
                yield
            except (InstanceFinishedError, InstanceStatusError) as error:
                if not self._is_functions:
                    return
                raise RpcError(
                    RpcStatus.FAILED_PRECONDITION,
                    f"InvalidOperationException: Cannot {verb} the orchestration instance "
                    f"{instance_id} because instance is in the "
                    f"{self._client.known(instance_id).status} state.",
                ) from error

    async def rewind(self, request: q.ReasonRequest) -> r.EmptyResponse:
        """Rewind a failed instance."""
        try:
            await self._client.rewind(request.instance_id, request.reason)
        except InstanceNotFoundError as error:
            raise _not_found(request.instance_id) from error
        except InstanceStatusError as error:
            raise RpcError(
                RpcStatus.FAILED_PRECONDITION,
                "The rewind operation is only supported on failed orchestration instances.",
            ) from error
        return r.EmptyResponse()

    async def purge(self, request: q.PurgeRequest) -> r.PurgeResponse:
        """Delete one instance, a list of instances, or the instances that match a filter."""
        if request.instance_id is not None:
            return r.PurgeResponse(await self._purge_one(request.instance_id, request.recursive))
        if request.instance_batch is not None:
            count = 0
            for id in request.instance_batch.instance_ids:
                count += await self._purge_one(id, request.recursive)
            return r.PurgeResponse(count)
        filter = request.purge_instance_filter
        if filter is None:
            raise RpcError(RpcStatus.INVALID_ARGUMENT, "Unknown purge request type 'None'.")
        query = InstanceQuery(
            statuses=q.statuses_of(filter.runtime_status),
            created_from=q.time_of(filter.created_time_from),
            created_to=q.time_of(filter.created_time_to),
            entities=False,
        )
        seconds = q.seconds_of(filter.timeout)
        purged = await purging.purge_many(
            self._client.hub, query, recursive=request.recursive, seconds=seconds
        )
        return r.PurgeResponse(purged.count, None if seconds is None else purged.is_complete)

    async def _purge_one(self, instance_id: str, recursive: bool) -> int:
        try:
            return await self._client.purge(instance_id, recursive=recursive)
        except InstanceNotFoundError:
            return 0
        except InstanceStatusError as error:
            raise RpcError(
                RpcStatus.FAILED_PRECONDITION,
                "Only orchestrations in a terminal state can be purged, but the orchestration "
                f"with instance ID {instance_id} has status {error.status}",
            ) from error


@contextmanager
def _lifecycle_errors(instance_id: str) -> Iterator[None]:
    try:
        yield
    except InstanceNotFoundError as error:
        raise _not_found(instance_id, "ArgumentException: ") from error


def _not_found(instance_id: str, prefix: str = "") -> RpcError:
    return RpcError(
        RpcStatus.NOT_FOUND,
        f"{prefix}No instance with ID '{instance_id}' was found. (Parameter 'instanceId')",
    )


def _require(value: str, parameter: str) -> None:
    if not value:
        raise RpcError(
            RpcStatus.INVALID_ARGUMENT, f"Value cannot be null. (Parameter '{parameter}')"
        )


def _page_size(requested: int) -> int:
    return min(requested, PAGE_SIZE) if requested > 0 else PAGE_SIZE


def _trace_context(trace: q.TraceContext) -> dict[str, str | None]:
    """Return the JSON object that the Durable Functions extension records in a history."""
    return {
        "TraceParent": trace.trace_parent,
        "TraceState": trace.trace_state,
        "SpanId": trace.span_id,
    }
