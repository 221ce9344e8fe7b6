"""Converts the JSON of a batch of entity operations to the protobuf message for the SDK."""

from __future__ import annotations

import json

import durabletask.internal.orchestrator_service_pb2 as pb
from google.protobuf.struct_pb2 import Value
from google.protobuf.wrappers_pb2 import StringValue


def batch_request(trigger: str) -> pb.EntityBatchRequest:
    """Return the protobuf message of a batch. ``trigger`` is its JSON object."""
    document = json.loads(trigger)
    return pb.EntityBatchRequest(
        instanceId=document["instanceId"],
        entityState=_text(document.get("entityState")),
        operations=[
            pb.OperationRequest(
                operation=operation["operation"],
                requestId=operation["requestId"],
                input=_text(operation.get("input")),
            )
            for operation in document["operations"]
        ],
        properties={"RollbackEntityOperationsOnExceptions": Value(bool_value=True)},
    )


def _text(value: str | None) -> StringValue | None:
    return None if value is None else StringValue(value=value)
