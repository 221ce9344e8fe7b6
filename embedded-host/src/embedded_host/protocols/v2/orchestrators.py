"""Payloads for orchestrators of SDK 2.x, and their outputs.

The worker converts both (``embedded_worker/sdk2``). Source: the recordings of the Azure Functions
host in tests/conformance/wire-2x.json.
"""

from __future__ import annotations

import traceback
from datetime import datetime

import msgspec

from embedded_host.engine.actions import EntityOperation
from embedded_host.engine.decisions import (
    CreateSubOrchestration,
    Decision,
    ReleaseLock,
    RequestLocks,
    ScheduleTask,
    SendEvent,
    SendOperation,
    StartTimer,
)
from embedded_host.engine.entity_messages import EntityId
from embedded_host.engine.events import encode_events
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    Completion,
    Continuation,
    InvocationFailure,
    OrchestratorDecisions,
    OrchestratorInput,
    ReplayProgress,
)
from embedded_host.engine.json_codec import compact_plain
from embedded_host.engine.status import Status
from embedded_host.engine.timestamps import parse_utc
from embedded_host.errors import EmbeddedHostError
from embedded_host.protocols.v2.failures import FailureDetails, recorded_failure
from embedded_host.protocols.v2.responses import (
    CompleteAction,
    EntityMessageAction,
    EntityOperationAction,
    OrchestratorAction,
    decode_response,
)


class MalformedResponseError(EmbeddedHostError, ValueError):
    """The response of an orchestrator is not an ``OrchestratorResponse`` with known actions."""


def orchestrator_payload(turn: OrchestratorInput) -> str:
    """Return the payload of a turn with the whole history, as JSON."""
    past, new = ((), (*turn.past, *turn.new)) if turn.is_continuation else (turn.past, turn.new)
    envelope = compact_plain(
        {
            "instanceId": turn.instance_id,
            "executionId": turn.execution_id,
            "httpSleepMs": turn.http_sleep_ms,
        }
    )
    return f'{{"past":{encode_events(past)},"new":{encode_events(new)},{envelope[1:]}'


def unseen_events(turn: OrchestratorInput) -> str:
    """Return the events that the worker has not seen, as JSON."""
    past = encode_events(turn.past[turn.seen :])
    return f'{{"past":{past},"new":{encode_events(turn.new)}}}'


def orchestrator_result(
    returned: str | UserError, progress: ReplayProgress | None = None
) -> OrchestratorDecisions | InvocationFailure:
    """Parse the response of an orchestrator, or the exception that it raised.

    The SDK raises an exception only if it cannot run the orchestrator. ``progress`` is not used.
    """
    if isinstance(returned, UserError):
        return InvocationFailure(returned.text, returned.stack)
    try:
        return parse_response(returned)
    except MalformedResponseError as error:
        return InvocationFailure(str(error))
    except Exception as error:  # an unexpected response must fail its instance, not the host
        message = (
            "the host cannot process the response of the orchestrator: "
            f"{type(error).__name__}: {error}"
        )
        return InvocationFailure(message, host_error=traceback.format_exc())


def parse_response(text: str) -> OrchestratorDecisions:
    """Parse a response. Raises MalformedResponseError if it has an unknown form."""
    try:
        response = decode_response(text)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise MalformedResponseError(
            f"the worker returned a response that the host cannot read: {error}"
        ) from error
    decisions: list[Decision] = []
    end: Completion | Continuation | None = None
    for action in response.actions:
        if action.complete_orchestration is not None:
            if end is not None:
                raise MalformedResponseError("the response has more than one completion")
            end = _end(action.id, action.complete_orchestration)
        else:
            decisions.append(_decision(action))
    status = response.custom_status
    return OrchestratorDecisions(
        tuple(decisions),
        end,
        status,
        tuple(response.awaited_events),
        tuple(response.undelivered_events),
    )


def _decision(action: OrchestratorAction) -> Decision:
    if task := action.schedule_task:
        trace = task.parent_trace_context
        return ScheduleTask(action.id, task.name, task.input or "null", task.tags, trace)
    if timer := action.create_timer:
        return StartTimer(action.id, _time(timer.fire_at))
    if child := action.create_sub_orchestration:
        return CreateSubOrchestration(
            action.id,
            child.name,
            child.input,
            child.instance_id,
            child.version,
            child.tags,
            child.parent_trace_context,
        )
    if event := action.send_event:
        return SendEvent(action.id, event.instance.instance_id, event.name, event.data)
    if message := action.send_entity_message:
        return _entity_decision(action.id, message)
    raise MalformedResponseError(f"the action {action.id} of the response has an unknown type")


def _entity_decision(id: int, message: EntityMessageAction) -> Decision:
    if call := message.entity_operation_called:
        return _operation(id, call, signal=False)
    if signal := message.entity_operation_signaled:
        return _operation(id, signal, signal=True)
    if request := message.entity_lock_requested:
        if not request.lock_set:
            raise MalformedResponseError(f"the lock request {id} of the response names no entity")
        if not all(map(EntityId.is_valid, request.lock_set)):
            raise MalformedResponseError(f"the lock request {id} of the response has invalid ids")
        return RequestLocks(id, request.critical_section_id, tuple(request.lock_set))
    if unlock := message.entity_unlock_sent:
        return ReleaseLock(id, unlock.critical_section_id, unlock.target_instance_id)
    raise MalformedResponseError(f"the entity message {id} of the response has an unknown type")


def _operation(id: int, action: EntityOperationAction, *, signal: bool) -> SendOperation:
    due = action.scheduled_time
    operation = EntityOperation(
        action.target_instance_id,
        action.operation,
        action.input,
        signal,
        None if due is None else _time(due),
    )
    return SendOperation(id, action.target_instance_id, action.request_id, operation)


def _end(id: int, action: CompleteAction) -> Completion | Continuation:
    status = action.orchestration_status.removeprefix("ORCHESTRATION_STATUS_")
    if status == "CONTINUED_AS_NEW":
        events = (carried.event_raised for carried in action.carryover_events)
        raised = tuple((event.name, event.input) for event in events if event is not None)
        return Continuation(id, action.result, action.new_version, raised)
    if status == "COMPLETED":
        return Completion(id, Status.COMPLETED, action.result)
    if status == "TERMINATED":
        return Completion(id, Status.TERMINATED, action.result)
    if status == "FAILED":
        failure = action.failure_details or FailureDetails(error_type="Exception")
        return Completion(id, Status.FAILED, None, recorded_failure(failure))
    raise MalformedResponseError(f"the response completes with the unknown status '{status}'")


def _time(text: str) -> datetime:
    try:
        return parse_utc(text)
    except ValueError as error:
        raise MalformedResponseError(f"the response has an invalid time: {error}") from error
