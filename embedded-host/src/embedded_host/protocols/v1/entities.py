"""Payloads for entity functions, and their outputs (functions-host.md#entity-trigger)."""

from __future__ import annotations

import json

from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
)
from embedded_host.engine.json_codec import compact, encodable
from embedded_host.protocols.v1.errors import MalformedOutputError


def entity_payload(batch: EntityInput) -> str:
    """Return the payload of a batch of operations as JSON."""
    return compact(
        {
            "self": {"name": batch.id.name, "key": batch.id.key},
            "exists": batch.exists,
            "state": batch.state,
            "batch": [
                {
                    "name": operation.operation,
                    "input": operation.input,
                    "isSignal": operation.signal,
                    "id": operation.id,
                }
                for operation in batch.operations
            ],
        }
    )


def entity_result(returned: str | UserError, operations: int) -> EntityOutput | InvocationFailure:
    """Parse the value that an entity function returned for a batch of ``operations`` operations.

    Returns an InvocationFailure if the function raised or its output is malformed.
    """
    if isinstance(returned, UserError):
        return InvocationFailure(returned.text, returned.stack, lacks_state=True)
    try:
        return parse_entity_output(returned, operations)
    except MalformedOutputError as error:
        return InvocationFailure(str(error), lacks_state=True)


def parse_entity_output(text: str, operations: int) -> EntityOutput:
    """Parse the output for a batch of ``operations`` operations.

    Raises MalformedOutputError if the output is not JSON or has another number of results.
    """
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        raise MalformedOutputError("the entity function did not return JSON") from None
    try:
        results = [
            OperationResult(_result(r.get("result")), bool(r.get("isError")))
            for r in document["results"]
        ]
        state, exists = document.get("entityState"), bool(document.get("entityExists"))
        kept = encodable(state) if state is None or isinstance(state, str) else compact(state)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError):
        results, kept, exists = [], None, False
    if len(results) != operations:
        raise MalformedOutputError(
            "the entity function did not return a result for each operation of its batch. In its "
            "module, set main to df.Entity.create(...)"
        )
    return EntityOutput(results, exists, kept)


def _result(value: object) -> str:
    if value is None:
        return "null"
    return value if isinstance(value, str) else compact(value)
