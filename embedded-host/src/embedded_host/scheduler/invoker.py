"""Runs durable functions for a task hub on the connected workers."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import chain
from typing import Protocol

import durabletask.internal.orchestrator_service_pb2 as pb
import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.wrappers_pb2 import StringValue

from embedded_host.engine.events import (
    ExecutionStarted,
    ExecutionTerminated,
    HistoryEvent,
    TaskScheduled,
    encode_events,
)
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OrchestratorDecisions,
    OrchestratorInput,
    OrchestratorResult,
)
from embedded_host.engine.orchestration import Orchestration
from embedded_host.protocols.v2 import entity_payload, entity_result, orchestrator_result
from embedded_host.protocols.v2.failures import FailureDetails, recorded_failure
from embedded_host.scheduler.work_items import WorkItem
from embedded_host.scheduler.work_queue import WorkQueue
from embedded_host.task_hub.instances import LoadedInstance
from embedded_worker.sdk2.entity_batches import batch_request
from embedded_worker.sdk2.history_events import history_events
from embedded_worker.sdk2.responses import entity_batch_result, orchestrator_response


class Instances(Protocol):
    """The methods of a task hub that the invoker calls."""

    def find(self, instance_id: str) -> LoadedInstance | None:
        """Return the instance from memory or from the store, or None if it does not exist."""

    def cached(self, instance_id: str) -> LoadedInstance | None:
        """Return the instance if it is in memory, else None."""


class WorkerInvoker:
    """The ``task_hub.invoker.Invoker`` whose functions run on the connected workers.

    A call waits until a worker accepts it. If that worker disconnects, the work queue delivers the
    call again. The argument ``alone`` has no effect.
    """

    def __init__(self, queue: WorkQueue, instances: Callable[[], Instances]) -> None:
        self._queue, self._instances = queue, instances
        self._scheduled = _ScheduledTasks()

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        """Run one turn with the whole history.

        If a client terminates the instance during the turn, the result has no decisions. The same
        applies to a replay without new events for a diagnosis: it would wait for a worker, which
        does not report the awaited events.
        """
        if not turn.new and not turn.is_continuation:
            return OrchestratorDecisions((), awaited_events=None)
        item = WorkItem(
            "orchestrator",
            name,
            version_of(chain(turn.past, turn.new)),
            turn.instance_id,
            lambda: pb.WorkItem(orchestratorRequest=_orchestrator_request(turn)),
            lambda: self._is_current(turn),
        )
        response = await self._queue.run(item)
        if response is None:
            instance = self._instances().cached(turn.instance_id)
            state = None if instance is None else instance.state
            status = state.custom_status if isinstance(state, Orchestration) else None
            return OrchestratorDecisions((), custom_status=status)
        assert isinstance(response, pb.OrchestratorResponse)
        result = orchestrator_result(orchestrator_response(response))
        if isinstance(result, OrchestratorDecisions):
            return replace(result, awaited_events=None)
        return result

    def _is_current(self, turn: OrchestratorInput) -> bool:
        """Return False if the instance was replaced, or if its inbox has a request to terminate."""
        instance = self._instances().cached(turn.instance_id)
        return (
            instance is not None
            and isinstance(instance.state, Orchestration)
            and instance.state.execution_id == turn.execution_id
            and not any(isinstance(i.message.event, ExecutionTerminated) for i in instance.inbox)
        )

    async def activity(
        self, name: str, instance_id: str, input: str, task_id: int, *, alone: bool = False
    ) -> str | UserError | None:
        """Run an activity."""
        found = self._orchestration(instance_id)
        scheduled = None if found is None else self._scheduled.find(found, task_id)

        def request() -> pb.WorkItem | None:
            state = self._orchestration(instance_id)
            if state is None or state.status.is_terminal:
                return None
            return pb.WorkItem(
                activityRequest=_activity_request(name, state, input, task_id, scheduled)
            )

        version = (scheduled.version if scheduled else None) or (
            version_of(found.history.events) if found else ""
        )
        response = await self._queue.run(WorkItem("activity", name, version, instance_id, request))
        if response is None:  # the instance has finished, so the task hub ignores the result
            return None
        assert isinstance(response, pb.ActivityResponse)
        if response.HasField("failureDetails"):
            return _user_error(response.failureDetails)
        return response.result.value if response.HasField("result") else None

    def _orchestration(self, instance_id: str) -> Orchestration | None:
        instance = self._instances().find(instance_id)
        state = None if instance is None else instance.state
        return state if isinstance(state, Orchestration) else None

    async def entity(
        self, name: str, instance_id: str, batch: EntityInput, *, alone: bool = False
    ) -> EntityOutput | InvocationFailure:
        """Run the operations of ``batch`` on an entity."""
        payload = entity_payload(batch)
        item = WorkItem(
            "entity",
            name.lower(),
            "",
            instance_id,
            lambda: pb.WorkItem(entityRequest=batch_request(payload)),
            lambda: self._instances().cached(instance_id) is not None,
        )
        response = await self._queue.run(item)
        if response is None:
            return InvocationFailure("the entity was deleted")
        assert isinstance(response, pb.EntityBatchResult)
        return entity_result(entity_batch_result(response), len(batch.operations))

    async def http(self, request: str, is_wanted: Callable[[], bool]) -> str | UserError:
        """Refuse the request, because durabletask has no ``call_http``."""
        return UserError("NotSupportedError", "the scheduler does not send HTTP requests")


class _ScheduledTasks:
    """The scheduling events of one instance's activities, by task id.

    It keeps the events of the instance of the latest call, because a turn can schedule thousands of
    activities and each of them needs its event.
    """

    def __init__(self) -> None:
        self._events: Sequence[HistoryEvent] = ()
        self._position = 0
        self._by_id: dict[int, TaskScheduled] = {}

    def find(self, state: Orchestration, task_id: int) -> TaskScheduled | None:
        events = state.history.events
        if events is not self._events:
            self._events, self._position, self._by_id = events, 0, {}
        for event in events[self._position :]:
            if isinstance(event, TaskScheduled):
                self._by_id[event.event_id] = event
        self._position = len(events)
        return self._by_id.get(task_id)


def version_of(events: chain[HistoryEvent] | Sequence[HistoryEvent]) -> str:
    """Return the version of the execution with this history, or "" if it has none."""
    for event in events:
        if isinstance(event, ExecutionStarted):
            return event.version or ""
    return ""


def _user_error(failure: pb.TaskFailureDetails) -> UserError:
    """Return the error of a failed activity, with all details."""
    details = recorded_failure(msgspec.convert(MessageToDict(failure), FailureDetails))
    return UserError(failure.errorType, failure.errorMessage, failure.stackTrace.value, details)


def _orchestrator_request(turn: OrchestratorInput) -> pb.OrchestratorRequest:
    past, new = ((), (*turn.past, *turn.new)) if turn.is_continuation else (turn.past, turn.new)
    return pb.OrchestratorRequest(
        instanceId=turn.instance_id,
        executionId=StringValue(value=turn.execution_id),
        pastEvents=history_events(json.loads(encode_events(past))),
        newEvents=history_events(json.loads(encode_events(new))),
        entityParameters=pb.OrchestratorEntityParameters(),
    )


def _activity_request(
    name: str, state: Orchestration, input: str, task_id: int, scheduled: TaskScheduled | None
) -> pb.ActivityRequest:
    request = pb.ActivityRequest(
        name=name,
        input=StringValue(value=input),
        orchestrationInstance=pb.OrchestrationInstance(
            instanceId=state.instance_id, executionId=StringValue(value=state.execution_id)
        ),
        taskId=task_id,
    )
    if scheduled is not None:
        event = history_events(json.loads(encode_events([scheduled])))[0].taskScheduled
        if event.HasField("version"):
            request.version.CopyFrom(event.version)
        if event.HasField("parentTraceContext"):
            request.parentTraceContext.CopyFrom(event.parentTraceContext)
        request.tags.update(event.tags)
    return request
