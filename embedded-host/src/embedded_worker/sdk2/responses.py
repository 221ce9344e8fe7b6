"""Converts the responses of SDK 2.x to the JSON that the host reads.

The JSON has the form of ``google.protobuf.json_format.MessageToDict``. The most frequent actions
are converted without that function, because it takes several times longer.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

import durabletask.internal.orchestrator_service_pb2 as pb
from google.protobuf.json_format import MessageToDict

_PLAIN_COMPLETION = {"orchestrationStatus", "result"}
_PLAIN_TASK = {"name", "input"}


def orchestrator_response(
    response: pb.OrchestratorResponse,
    awaited_events: Iterable[str] = (),
    undelivered_events: Iterable[str] = (),
) -> str:
    """Return the JSON of a turn's response.

    ``awaited_events`` are the names of the external events for which the orchestrator waits.
    ``undelivered_events`` are the names of the received events for which it has not waited.
    """
    document: dict[str, object] = {"instanceId": response.instanceId}
    if response.actions:
        document["actions"] = [_action(action) for action in response.actions]
    if response.HasField("customStatus"):
        document["customStatus"] = response.customStatus.value
    if response.HasField("orchestrationTraceContext"):
        trace_context = response.orchestrationTraceContext
        is_empty = not trace_context.ListFields()
        document["orchestrationTraceContext"] = {} if is_empty else MessageToDict(trace_context)
    document["awaitedEvents"] = list(awaited_events)
    if undelivered := list(undelivered_events):
        document["undeliveredEvents"] = undelivered
    return json.dumps(document)


def entity_batch_result(result: pb.EntityBatchResult) -> str:
    """Return the JSON of the result of an entity's batch."""
    return json.dumps(MessageToDict(result))


def _action(action: pb.OrchestratorAction) -> dict[str, object]:
    kind = action.WhichOneof("orchestratorActionType")
    if kind == "scheduleTask":
        task = action.scheduleTask
        if _PLAIN_TASK.issuperset(field.name for field, _ in task.ListFields()):
            plain: dict[str, object] = {}
            if task.name:
                plain["name"] = task.name
            if task.HasField("input"):
                plain["input"] = task.input.value
            return {"id": action.id, kind: plain}
    elif kind == "createTimer":
        return {"id": action.id, kind: {"fireAt": action.createTimer.fireAt.ToJsonString()}}
    elif kind == "completeOrchestration":
        completion = action.completeOrchestration
        if (
            completion.orchestrationStatus == pb.ORCHESTRATION_STATUS_COMPLETED
            and _PLAIN_COMPLETION.issuperset(field.name for field, _ in completion.ListFields())
        ):
            plain = {"orchestrationStatus": "ORCHESTRATION_STATUS_COMPLETED"}
            if completion.HasField("result"):
                plain["result"] = completion.result.value
            return {"id": action.id, kind: plain}
    converted: dict[str, object] = MessageToDict(action)
    return converted
