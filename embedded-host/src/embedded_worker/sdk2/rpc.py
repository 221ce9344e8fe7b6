"""The RPCs of ``TaskHubSidecarService`` that a client calls, as requests to the host.

The host reads and writes JSON in the form of ``google.protobuf.json_format``. This module converts
protobuf requests to JSON, and the host's JSON to protobuf responses. The conversions run in the
thread of the caller. Only the exchange of the JSON runs in the event loop of the connection to the
host.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from typing import cast

import durabletask.internal.orchestrator_service_pb2 as pb
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.timestamp_pb2 import Timestamp
from google.protobuf.wrappers_pb2 import StringValue

from embedded_worker.framing import UnsendableMessageError
from embedded_worker.protocol import RPC_METHOD, ClientResponse
from embedded_worker.rpc_protocol import LONGEST_WAIT, RpcStatus
from embedded_worker.sdk2.history_events import history_event

Send = Callable[[str, str, bytes], Awaitable[ClientResponse]]
"""A function that sends a ``ClientRequest`` and returns the response.

Its arguments are the method (always ``RPC_METHOD``), the name of the RPC, and the body.
"""
SERVICE = "TaskHubSidecarService"
WAITS = frozenset({"WaitForInstanceStart", "WaitForInstanceCompletion"})
"""RPCs that wait for a status. One request waits for at most ``LONGEST_WAIT`` seconds."""
HISTORY = "StreamInstanceHistory"
CLIENT_RPCS = frozenset(
    {
        *WAITS,
        HISTORY,
        "CleanEntityStorage",
        "GetEntity",
        "GetInstance",
        "ListInstanceIds",
        "PurgeInstances",
        "QueryEntities",
        "QueryInstances",
        "RaiseEvent",
        "RestartInstance",
        "ResumeInstance",
        "RewindInstance",
        "SignalEntity",
        "StartInstance",
        "SuspendInstance",
        "TerminateInstance",
    }
)
"""RPCs of clients. Workers of ``embedded-host scheduler`` use the other RPCs."""
CHUNK_EVENTS = 256
CHUNK_BYTES = 1_000_000
"""Maximum number and size of events in one message of a history, except for a larger event."""

OK = 0
CANCELLED = 1
INVALID_ARGUMENT = 3
DEADLINE_EXCEEDED = 4
RESOURCE_EXHAUSTED = 8
FAILED_PRECONDITION = 9
UNIMPLEMENTED = 12
INTERNAL = 13
UNAVAILABLE = 14
UNAUTHENTICATED = 16
"""The status codes of gRPC that this package uses."""
_LAST_STATUS = 16


class RpcStatusError(Exception):
    """The RPC ended with a status other than OK."""

    def __init__(self, code: int, details: str) -> None:
        super().__init__(details)
        self.code, self.details = code, details


def rpc_name(method: str | bytes) -> str:
    """Return the name of the RPC of a path such as ``/TaskHubSidecarService/GetInstance``."""
    path = method.decode() if isinstance(method, bytes) else method
    return path.rpartition("/")[2]


def not_implemented(rpc: str) -> RpcStatusError:
    """Return the error of an RPC that the host does not process."""
    return RpcStatusError(RpcStatus.UNIMPLEMENTED, f"Method not found: {rpc}")


def message_types(rpc: str) -> tuple[type[Message], type[Message]]:
    """Return the types of an RPC's request and response."""
    return _TYPES[rpc]


_TYPES: dict[str, tuple[type[Message], type[Message]]] = {
    method.name: (GetMessageClass(method.input_type), GetMessageClass(method.output_type))
    for method in pb.DESCRIPTOR.services_by_name[SERVICE].methods
}


# -- requests --------------------------------------------------------------------------------------


def request_document(rpc: str, request: bytes) -> dict[str, object]:
    """Return the JSON object of a serialized request.

    Raises RpcStatusError if the host does not process the RPC or the request is malformed.
    """
    if rpc not in CLIENT_RPCS:
        raise not_implemented(rpc)
    return cast("dict[str, object]", MessageToDict(parsed(message_types(rpc)[0], request)))


def parsed(kind: type[Message], data: bytes) -> Message:
    """Return the message of type ``kind`` that ``data`` contains.

    Raises RpcStatusError if it is malformed.
    """
    message = kind()
    try:
        message.ParseFromString(data)
        return message
    except (DecodeError, ValueError, TypeError) as error:
        raise RpcStatusError(
            RpcStatus.INVALID_ARGUMENT,
            f"The request is not a valid {kind.DESCRIPTOR.name}: {error}",
        ) from error


async def exchange(
    send: Send, rpc: str, document: Mapping[str, object], deadline: float | None
) -> ClientResponse:
    """Send a request and return the host's response.

    An RPC that waits repeats its request until the instance has the status. ``deadline`` is a value
    of time.monotonic, or None. Raises RpcStatusError if the deadline passes or the request cannot
    be sent.
    """
    try:
        if deadline is None:
            return await _exchange(send, rpc, document, None)
        try:
            return await asyncio.wait_for(
                _exchange(send, rpc, document, deadline), max(0.0, deadline - time.monotonic())
            )
        except asyncio.TimeoutError:
            raise RpcStatusError(RpcStatus.DEADLINE_EXCEEDED, "Deadline Exceeded") from None
    except UnsendableMessageError as error:
        raise RpcStatusError(
            RpcStatus.RESOURCE_EXHAUSTED, f"The request is too large: {error}"
        ) from error
    except ConnectionError as error:
        raise RpcStatusError(RpcStatus.UNAVAILABLE, str(error) or type(error).__name__) from error


async def _exchange(
    send: Send, rpc: str, document: Mapping[str, object], deadline: float | None
) -> ClientResponse:
    if rpc not in WAITS:
        return await send(RPC_METHOD, rpc, json.dumps(document).encode())
    while True:
        wait = LONGEST_WAIT
        if deadline is not None:
            wait = min(wait, max(0.0, deadline - time.monotonic()))
        body = json.dumps({**document, "waitSeconds": wait}).encode()
        response = await send(RPC_METHOD, rpc, body)
        if response.status != RpcStatus.OK or not _timed_out(response.body):
            return response
        if not wait:
            await asyncio.sleep(0)  # the caller's time limit ends the loop


def _timed_out(body: bytes) -> bool:
    return len(body) < 100 and json.loads(body).get("timeout") is True


# -- responses -------------------------------------------------------------------------------------


def response_messages(rpc: str, response: ClientResponse) -> Iterator[bytes]:
    """Yield the serialized messages of the host's response; one, except for a history.

    Raises RpcStatusError if the status is not OK or the response is malformed.
    """
    if response.status != RpcStatus.OK:
        raise _failure(response)
    try:
        document = json.loads(response.body)
        if rpc == HISTORY:
            yield from _history_chunks(document["events"])
        else:
            yield _response(message_types(rpc)[1], document).SerializeToString()
    except (ParseError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise RpcStatusError(
            RpcStatus.INTERNAL,
            f"The host's response to {rpc} is malformed: {type(error).__name__}: {error}",
        ) from error


def _failure(response: ClientResponse) -> RpcStatusError:
    code = response.status if 0 < response.status <= _LAST_STATUS else RpcStatus.INTERNAL
    try:
        document = json.loads(response.body)
        details = document["details"] if isinstance(document, dict) else document
    except (ValueError, LookupError):
        details = response.body.decode(errors="replace")
    return RpcStatusError(code, str(details))


def _history_chunks(events: list[dict[str, object]]) -> Iterator[bytes]:
    chunk = pb.HistoryChunk()
    size = 0
    for document in events:
        event = history_event(document)  # type: ignore[arg-type, unused-ignore]
        event_size = event.ByteSize()
        if chunk.events and (len(chunk.events) == CHUNK_EVENTS or size + event_size > CHUNK_BYTES):
            yield chunk.SerializeToString()
            chunk, size = pb.HistoryChunk(), 0
        chunk.events.append(event)
        size += event_size
    if chunk.events:
        yield chunk.SerializeToString()


def _response(kind: type[Message], document: dict[str, object]) -> Message:
    # json_format needs 0.1 ms for the state of an instance, and a query returns many states.
    if kind is pb.GetInstanceResponse:
        state = document.get("orchestrationState")
        return pb.GetInstanceResponse(
            exists=bool(document.get("exists", False)),
            orchestrationState=None if state is None else orchestration_state(_object(state)),
        )
    if kind is pb.QueryInstancesResponse:
        states = document.pop("orchestrationState", [])
        response = ParseDict(document, pb.QueryInstancesResponse(), ignore_unknown_fields=True)
        if not isinstance(states, list):
            raise TypeError("orchestrationState is not a list")
        response.orchestrationState.extend(orchestration_state(_object(s)) for s in states)
        return response
    return ParseDict(document, kind(), ignore_unknown_fields=True)


_STATE_FIELDS = pb.OrchestrationState.DESCRIPTOR.fields_by_name
_STRING_VALUES = [
    name
    for name, field in _STATE_FIELDS.items()
    if field.message_type is not None and field.message_type is StringValue.DESCRIPTOR
]
_TIMESTAMPS = [
    name
    for name, field in _STATE_FIELDS.items()
    if field.message_type is not None and field.message_type is Timestamp.DESCRIPTOR
]
_FAST_FIELDS = {*_STRING_VALUES, *_TIMESTAMPS, "instanceId", "name", "orchestrationStatus", "tags"}


def orchestration_state(document: dict[str, object]) -> pb.OrchestrationState:
    """Return the message of the JSON object, as ``json_format.ParseDict`` does, but faster."""
    state = pb.OrchestrationState(
        instanceId=_text(document.get("instanceId", "")),
        name=_text(document.get("name", "")),
        orchestrationStatus=_text(
            document.get("orchestrationStatus", "ORCHESTRATION_STATUS_RUNNING")
        ),
    )
    for field in _STRING_VALUES:
        value = document.get(field)
        if value is not None:
            getattr(state, field).value = _text(value)
    for field in _TIMESTAMPS:
        value = document.get(field)
        if value is not None:
            _set_timestamp(getattr(state, field), _text(value))
    tags = document.get("tags")
    if tags is not None:
        state.tags.update({key: _text(value) for key, value in _object(tags).items()})
    rest = {key: value for key, value in document.items() if key not in _FAST_FIELDS}
    return ParseDict(rest, state, ignore_unknown_fields=True) if rest else state


def _set_timestamp(timestamp: Timestamp, text: str) -> None:
    """Set ``timestamp`` to an ISO 8601 time with ``Z`` and up to nine digits of a fraction."""
    fraction = text[20:-1]
    if text[-1:] != "Z" or not (len(text) == 20 or (text[19] == "." and fraction.isdecimal())):
        timestamp.FromJsonString(text)
        return
    timestamp.seconds = int(datetime.fromisoformat(text[:19] + "+00:00").timestamp())
    timestamp.nanos = int(fraction[:9].ljust(9, "0"))


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise TypeError(f"{type(value).__name__} in place of an object")
    return value


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{type(value).__name__} in place of a string")
    return value
