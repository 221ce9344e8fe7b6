"""Messages between orchestrations and entities, in the JSON of the Durable Functions extension.

Source: functions-host.md#effects-of-actions.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypeGuard

import msgspec

from embedded_host.engine.events import EventRaised, FailureDetails, HistoryEvent
from embedded_host.engine.failures import operation_failure
from embedded_host.engine.json_codec import compact, encodable
from embedded_host.engine.message_labels import NEVER
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.engine.timestamps import format_utc

OPERATION = "op"
"""Name of the events that contain an operation or a lock request."""
RELEASE = "release"
"""Name of the events that release a lock."""
LOCKED = '{"result":"Lock Acquisition Completed"}'
"""Input of the EventRaised event with which an orchestration receives its locks."""
_NAMESPACE = "Microsoft.Azure.WebJobs.Extensions.DurableTask"
_REQUEST = f"{_NAMESPACE}.RequestMessage, {_NAMESPACE}"
_RESPONSE = f"{_NAMESPACE}.ResponseMessage, {_NAMESPACE}"
_NO_LABEL = {"Timestamp": NEVER, "Predecessor": NEVER}


@dataclass(frozen=True)
class EntityId:
    """The name and key of an entity. ``name`` is in lower case."""

    name: str
    key: str

    @classmethod
    def parse(cls, instance_id: str) -> EntityId:
        """Parse ``@name@key``. Raises ValueError if the id has another form."""
        at, name, key = instance_id[:1], *instance_id[1:].partition("@")[::2]
        if at != "@" or not name:
            raise ValueError(f"{instance_id!r} is not a valid entity id (@name@key)")
        return cls(name.lower(), key)

    @staticmethod
    def is_valid(instance_id: str) -> bool:
        """Return true if ``parse`` accepts the id."""
        return instance_id[:1] == "@" and instance_id[1:2] not in ("", "@")

    def __str__(self) -> str:
        return f"@{self.name}@{self.key}"


@dataclass(frozen=True)
class OperationRequest:
    """One operation in an entity's inbox."""

    id: str
    operation: str
    input: str | None
    signal: bool
    parent: str | None = None
    parent_execution: str | None = None

    @classmethod
    def parse(cls, text: str | None) -> OperationRequest:
        """Parse the input of the event that contains an operation.

        Raises ValueError if the input is not an operation. A client may raise an external event
        with the event name of operations, and with any input.
        """
        raw = _parsed(text)
        id = _string(raw, "id")
        if id is None or raw.get("lockset") is not None:
            raise ValueError(f"{str(text)[:200]} is not a valid operation")
        return cls(
            id,
            _string(raw, "op") or "",
            _string(raw, "input"),
            bool(raw.get("signal")),
            _string(raw, "parent"),
            _string(raw, "parentExecution"),
        )


@dataclass(frozen=True)
class LockRequest:
    """The request of an orchestration to lock one or more entities in sequence.

    The orchestration sends the request to the first entity. When this entity is free, it becomes
    locked and sends the request to the next entity. The last entity responds to the orchestration.
    """

    id: str
    """Id of the critical section. It is also the name of the response."""
    parent: str
    lock_set: Sequence[EntityId]
    """The entities in the order in which they are locked.

    If orchestrations used different orders, they could wait for each other forever. Therefore, the
    SDK sorts the entities by their ids.
    """
    position: int = 0
    """Index of the receiving entity in ``lock_set``."""
    parent_execution: str | None = None

    @property
    def next(self) -> LockRequest | None:
        """The request for the next entity, or None if the receiving entity is the last entity."""
        position = self.position + 1
        return replace(self, position=position) if position < len(self.lock_set) else None

    @classmethod
    def parse(cls, text: str | None) -> LockRequest:
        """Parse the input of the event that contains a lock request. Raises ValueError."""
        raw = _parsed(text)
        id, parent, position = _string(raw, "id"), _string(raw, "parent"), raw.get("pos", 0)
        lock_set = _lock_set(raw.get("lockset"))
        if (
            id is None
            or parent is None
            or not isinstance(position, int)
            or not 0 <= position < len(lock_set)
        ):
            raise ValueError(f"{str(text)[:200]} is not a valid lock request")
        return cls(id, parent, lock_set, position, _string(raw, "parentExecution"))


@dataclass(frozen=True)
class LockRelease:
    """The message with which the orchestration ``parent`` releases its lock on an entity."""

    id: str
    """Id of the critical section, or the value of ``ORPHANED``."""
    parent: str

    @classmethod
    def parse(cls, text: str | None) -> LockRelease:
        """Parse the input of the event that releases a lock. Raises ValueError."""
        raw = _parsed(text)
        id, parent = _string(raw, "id"), _string(raw, "parent")
        if id is None or parent is None:
            raise ValueError(f"{str(text)[:200]} is not a valid release of a lock")
        return cls(id, parent)


ORPHANED = "fix-orphaned-lock"
"""The id in a LockRelease if the orchestration has ended without releasing its lock."""
EntityMessage = OperationRequest | LockRequest | LockRelease


def parse_message(name: str, text: str | None) -> EntityMessage:
    """Parse an event for an entity. ``name`` and ``text`` are the name and input of the event.

    Raises ValueError if the event is not a message for an entity.
    """
    if name == RELEASE:
        return LockRelease.parse(text)
    if name != OPERATION:
        raise ValueError(f"the event '{name[:200]}' is not a message for an entity")
    if text is not None and '"lockset"' in text:  # an input may contain this text, too
        try:
            return LockRequest.parse(text)
        except ValueError:
            return OperationRequest.parse(text)
    return OperationRequest.parse(text)


@dataclass(frozen=True)
class OperationResponse:
    """The response of an entity to one operation."""

    result: str | None
    """JSON: the result, or the message of a failure."""
    failed: bool

    @classmethod
    def parse(cls, text: str | None) -> OperationResponse:
        """Parse the input of the EventRaised that contains a response.

        Input in another form becomes the result of the operation.
        """
        try:
            raw = json.loads(text or "null")
        except (ValueError, RecursionError):
            raw = None
        if not isinstance(raw, dict):
            return cls(text, False)
        result = raw.get("result")
        details = raw.get("failureDetails")
        if isinstance(details, dict):
            return cls(compact(details.get("ErrorMessage")), True)
        return cls(
            result if result is None or isinstance(result, str) else compact(result),
            "exceptionType" in raw,
        )


def _parsed(text: str | None) -> dict[str, object]:
    """Return the JSON object of a message. The object is empty if a field has a wrong type."""
    try:
        raw: object = encodable(json.loads(text or "null"))
    except RecursionError:
        return {}
    strings = ("id", "op", "input", "parent", "parentExecution")
    if not isinstance(raw, dict) or not all(_is_optional_string(raw.get(name)) for name in strings):
        return {}
    return raw


def _string(raw: Mapping[str, object], name: str) -> str | None:
    value = raw.get(name)
    return value if isinstance(value, str) else None


def _is_optional_string(value: object) -> bool:
    return value is None or isinstance(value, str)


def _lock_set(value: object) -> tuple[EntityId, ...]:
    """Return the entities of a lock request, or () if the value is malformed."""
    if not isinstance(value, list):
        return ()
    entities = []
    for item in value:
        name, key = (item.get("name"), item.get("key")) if isinstance(item, dict) else (None, None)
        if not isinstance(name, str) or not isinstance(key, str):
            return ()
        entities.append(EntityId(name.lower(), key))
    return tuple(entities)


def is_operation(event: HistoryEvent) -> TypeGuard[EventRaised]:
    """Return true if ``event`` is an operation for an entity, or a lock request."""
    return isinstance(event, EventRaised) and event.name == OPERATION


def is_release(event: HistoryEvent) -> bool:
    """Return true if ``event`` releases the lock of an entity."""
    return isinstance(event, EventRaised) and event.name == RELEASE


def request_message(
    *,
    request_id: str,
    operation: str,
    input: str | None,
    signal: bool,
    now: datetime,
    parent: str | None = None,
    parent_execution: str | None = None,
    label: tuple[str, str] | None = None,
    protocol: int = SDK_1X,
) -> str:
    """Return the input of the EventSent that sends an operation.

    ``input`` becomes ``OperationRequest.input``. ``label`` is a result of ``OutgoingLabels.next``.
    ``protocol`` is the version of the app's protocol. Messages of SDK 2.x have constant labels and
    no ``parent_execution``. Calls of SDK 2.x have a ``parent``, and signals do not.
    """
    message: dict[str, object] = {"op": operation}
    if protocol == SDK_1X:
        message = {"$type": _REQUEST, **message}
    if signal:
        message["signal"] = True
    if input is not None:
        message["input"] = input
    message["id"] = request_id
    if protocol != SDK_1X:
        if parent is not None and not signal:
            message["parent"] = parent
        return compact({**message, **_NO_LABEL})
    if parent is not None:
        message["parent"] = parent
        message["parentExecution"] = parent_execution
    if label:
        message["Timestamp"], message["Predecessor"] = label
    message["requestTime"] = format_utc(now, "+00:00")
    return compact(message)


def lock_request_message(
    *, request_id: str, parent: str, lock_set: Sequence[str], position: int = 0
) -> str:
    """Return the input of the EventSent, with the name ``op``, that requests locks.

    ``request_id`` is the id of the critical section. ``lock_set`` contains the ids of the entities
    in the SDK's order. The message goes to the entity at ``position``. Raises ValueError if an id
    is not the id of an entity.
    """
    entities = map(EntityId.parse, lock_set)
    message: dict[str, object] = {"op": None, "id": request_id, "parent": parent, **_NO_LABEL}
    message["lockset"] = [{"name": entity.name, "key": entity.key} for entity in entities]
    if position:
        message["pos"] = position
    return compact(message)


def release_message(*, request_id: str, parent: str) -> str:
    """Return the input of the EventSent, with the name ``release``, that releases a lock.

    ``request_id`` is the id of the critical section.
    """
    return compact({"op": None, "id": request_id, "parent": parent, **_NO_LABEL})


def response_message(
    result: str | None,
    is_error: bool,
    *,
    protocol: int = SDK_1X,
    details: FailureDetails | None = None,
) -> str:
    """Return the input of the EventRaised that responds to a call.

    ``result`` is JSON: the result, or the message of a failure. ``protocol`` is the version of the
    app's protocol. The response to a failed call of SDK 2.x contains ``details``. If ``details`` is
    None, they are derived from ``result``.
    """
    if protocol != SDK_1X:
        if not is_error:
            return compact({"result": result})
        details = details or operation_failure(str(json.loads(result or '""')))
        return compact({"result": None, "failureDetails": msgspec.to_builtins(details)})
    message = {"$type": _RESPONSE, "result": result}
    if is_error:
        message["exceptionType"] = "Error"
    return compact(message)
