"""Finds messages that exceed the limit of the Azure Functions host for a gRPC message.

In strict mode, they are refused, as on that host.
"""

from __future__ import annotations

import msgspec

from embedded_host.engine.entity_messages import EntityId
from embedded_host.parity.kinds.sdk2 import LARGE_MESSAGE
from embedded_host.sidecar import requests as q
from embedded_host.sidecar import responses as r
from embedded_host.sidecar.rpc_error import RpcError
from embedded_host.task_hub.client import HubClient
from embedded_worker.rpc_protocol import RpcStatus

_STREAMED = "StreamInstanceHistory"
"""A method whose response is sent in several messages."""


class _Subject(q.RpcRequest, frozen=True):
    """The fields of a request that name a function or an instance."""

    name: str = ""
    instance_id: str = ""


def refuse_large_request(client: HubClient, method: str, request: bytes) -> None:
    """In strict mode, add a finding and raise RpcError if the request is too large."""
    if client.hub.settings.strict:
        limit = client.hub.findings.host.max_grpc_message_bytes
        if _exceeds(request, limit):
            function = _function(client, method, request, r.EmptyResponse())
            client.hub.findings.add(LARGE_MESSAGE, function)
            raise _too_large("request", method, limit)


def check_size(
    client: HubClient, method: str, request: bytes, response: r.RpcResponse, text: bytes
) -> None:
    """Add a finding if the request, or the response with the JSON ``text``, is too large.

    In strict mode, raise RpcError if the response is too large.
    """
    findings = client.hub.findings
    limit = findings.host.max_grpc_message_bytes
    is_large = method != _STREAMED and _exceeds(text, limit)
    if is_large or _exceeds(request, limit):
        findings.add(LARGE_MESSAGE, _function(client, method, request, response))
        if client.hub.settings.strict:
            raise _too_large("response", method, limit)


def _too_large(message: str, method: str, limit: int) -> RpcError:
    return RpcError(
        RpcStatus.RESOURCE_EXHAUSTED,
        f"The {message} of {method} exceeds the maximum message size of {limit} bytes. Increase "
        "extensions.durableTask.maxGrpcMessageSizeInBytes in host.json, or pass a reference "
        f"instead of the value. [{LARGE_MESSAGE.code}]",
    )


def _exceeds(document: bytes, limit: int) -> bool:
    """Return True if the protobuf message of a JSON document has more than ``limit`` bytes.

    The result is an estimate, because it counts only the bytes of the strings. A large message
    consists almost entirely of strings. JSON text is never shorter than its strings, so a document
    within the limit needs no decoding.
    """
    if len(document) <= limit:
        return False
    try:
        return _size(msgspec.json.decode(document)) > limit
    except ValueError:  # the service refuses the request for the same reason
        return False


def _size(value: object) -> int:
    """Return the number of bytes of all strings in a JSON value."""
    if isinstance(value, str):
        return len(value.encode())
    if isinstance(value, dict):
        return sum(map(_size, value.values()))
    if isinstance(value, list):
        return sum(map(_size, value))
    return 0


def _function(client: HubClient, method: str, request: bytes, response: r.RpcResponse) -> str:
    """Return the name of the function in the messages, or the name of the method."""
    if isinstance(response, r.QueryInstancesResponse) and response.orchestration_state:
        return max(response.orchestration_state, key=lambda state: len(state.output or "")).name
    subject = msgspec.json.decode(request, type=_Subject)
    if method == "StartInstance":
        return subject.name
    if subject.instance_id.startswith("@"):
        return EntityId.parse(subject.instance_id).name
    row = client.status(subject.instance_id)
    return method if row is None else row.name
