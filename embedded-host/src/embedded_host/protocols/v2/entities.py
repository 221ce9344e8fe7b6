"""Payloads for entity functions, and their outputs.

They are ``EntityBatchRequest`` and ``EntityBatchResult`` as JSON. The worker converts them.
"""

from __future__ import annotations

import json
from datetime import datetime

import msgspec
from msgspec import Struct

from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
    SendSignal,
    StartNewOrchestration,
)
from embedded_host.engine.json_codec import compact, encodable
from embedded_host.engine.timestamps import parse_utc
from embedded_host.protocols.v2.failures import FailureDetails, recorded_failure


class _Success(Struct, rename="camel"):
    result: str | None = None


class _Failure(Struct, rename="camel"):
    failure_details: FailureDetails = msgspec.field(default_factory=FailureDetails)


class _Result(Struct, rename="camel"):
    success: _Success | None = None
    failure: _Failure | None = None


class _SendSignal(Struct, rename="camel"):
    instance_id: str
    name: str = ""
    input: str | None = None
    scheduled_time: str | None = None


class _StartNewOrchestration(Struct, rename="camel"):
    name: str
    instance_id: str | None = None
    input: str | None = None
    version: str | None = None
    scheduled_time: str | None = None


class _Action(Struct, rename="camel"):
    send_signal: _SendSignal | None = None
    start_new_orchestration: _StartNewOrchestration | None = None


class _BatchResult(Struct, rename="camel"):
    results: list[_Result] = []
    actions: list[_Action] = []
    entity_state: str | None = None
    failure_details: FailureDetails | None = None


def entity_payload(batch: EntityInput) -> str:
    """Return the payload of a batch of operations as JSON."""
    return compact(
        {
            "instanceId": str(batch.id),
            "entityState": batch.state if batch.exists else None,
            "operations": [
                {
                    "operation": operation.operation,
                    "requestId": operation.id,
                    "input": operation.input,
                }
                for operation in batch.operations
            ],
        }
    )


def entity_result(returned: str | UserError, operations: int) -> EntityOutput | InvocationFailure:
    """Parse the value that an entity function returned for a batch of ``operations`` operations.

    Returns an InvocationFailure if the function raised an exception, if its output is malformed, or
    if the output does not have one result for each operation.
    """
    if isinstance(returned, UserError):
        return InvocationFailure(returned.text, returned.stack)
    try:
        batch = msgspec.convert(encodable(json.loads(returned)), _BatchResult)
        if batch.failure_details is not None:
            details = batch.failure_details
            return InvocationFailure(
                f"{details.error_type}: {details.error_message}", details.stack_trace or ""
            )
        results = [_result(result) for result in batch.results]
        actions = [_action(action) for action in batch.actions]
    except (ValueError, RecursionError) as error:
        return InvocationFailure(f"the entity function returned a malformed result: {error}")
    if len(results) != operations:
        return InvocationFailure(
            f"the entity function returned {len(results)} results for {operations} operations"
        )
    return EntityOutput(results, batch.entity_state is not None, batch.entity_state, actions)


def _result(result: _Result) -> OperationResult:
    if result.failure is not None:
        details = recorded_failure(result.failure.failure_details)
        return OperationResult(None, failed=True, details=details)
    if result.success is None:
        raise ValueError("a result is neither a success nor a failure")
    return OperationResult(result.success.result, failed=False)


def _action(action: _Action) -> SendSignal | StartNewOrchestration:
    if (signal := action.send_signal) is not None:
        return SendSignal(
            signal.instance_id, signal.name, signal.input, _time(signal.scheduled_time)
        )
    if (start := action.start_new_orchestration) is not None:
        return StartNewOrchestration(
            start.name,
            start.instance_id or None,
            start.input,
            start.version or None,
            _time(start.scheduled_time),
        )
    raise ValueError("an action is neither a signal nor the start of an orchestration")


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_utc(text)
