"""The diagnosis of an entity: its queue and the owner of its lock."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct, to_builtins

from embedded_host.engine.entity_messages import (
    LockRequest,
    OperationRequest,
    parse_message,
)
from embedded_host.engine.events import EventRaised
from embedded_host.engine.timestamps import format_utc
from embedded_host.history import LISTED
from embedded_host.store.interface import InstanceRow, MessageRow, StateReader

QUEUED = 100
"""Maximum number of queued operations in the document of a diagnosis."""


class QueuedOperation(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An operation or lock request in the queue of an entity."""

    operation: str
    """The operation's name, or ``lock`` for a lock request."""
    received_time: str
    """The time of the request, ISO 8601 in UTC."""
    caller: str | None = None
    """Id of the instance that waits for the response, or None for a signal."""
    due: str | None = None
    """The time at which a delayed signal is delivered."""

    @property
    def description(self) -> str:
        """A phrase such as ``'add' of 'order-7' since 2026-01-02T03:04:05Z``."""
        caller = f" of '{self.caller}'" if self.caller else ""
        if self.due is not None:
            return f"'{self.operation}'{caller} due at {self.due}"
        return f"'{self.operation}'{caller} since {self.received_time}"


class EntityQueueState(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """The queue and the lock of an entity."""

    queued_operations: list[QueuedOperation]
    """At most ``QUEUED`` operations, in the order of their delivery."""
    queued_count: int
    """The number of all queued operations."""
    locked_by: str | None = None
    """Id of the orchestration that has locked the entity."""
    locked_by_status: str | None = None
    """Runtime status of this orchestration, or None if it was purged."""
    is_running: bool = False
    """True if a worker runs operations, which are still in the queue."""

    def document(self) -> dict[str, object]:
        """Return the JSON object of a diagnosis."""
        document: dict[str, object] = to_builtins(self)
        return {"lockedBy": None, **document}

    @property
    def text(self) -> str:
        """One or more sentences for the user."""
        sentences = []
        if self.is_running:
            sentences.append("It runs operations on a worker.")
        if self.locked_by is not None:
            status = self.locked_by_status or "purged"
            sentences.append(f"It is locked by '{self.locked_by}' ({status}).")
        waiting = [operation for operation in self.queued_operations if operation.due is None]
        delayed = [operation for operation in self.queued_operations if operation.due is not None]
        if waiting:
            count = self.queued_count - len(delayed)
            verb = "is" if count == 1 else "are"
            noun = "operation" if count == 1 else "operations"
            sentences.append(f"{count} {noun} {verb} queued: {_listed(waiting, count)}.")
        elif self.locked_by is None and not self.is_running:
            sentences.append("It is idle: no operation is queued.")
        else:
            sentences.append("No operation is queued.")
        if delayed:
            noun = "signal" if len(delayed) == 1 else "signals"
            sentences.append(f"{len(delayed)} delayed {noun}: {_listed(delayed, len(delayed))}.")
        return " ".join(sentences)


def entity_queue_state(
    store: StateReader, hub: str, row: InstanceRow, *, is_running: bool = False
) -> EntityQueueState | None:
    """Return the queue and the lock of an entity, or None for an orchestration."""
    entity = store.entity(row.key)
    if entity is None:
        return None
    queued = [found for message in store.messages(row.key) if (found := _queued(message))]
    owner = store.instance(hub, entity.locked_by) if entity.locked_by else None
    return EntityQueueState(
        queued_operations=queued[:QUEUED],
        queued_count=len(queued),
        locked_by=entity.locked_by,
        locked_by_status=owner.status if owner else None,
        is_running=is_running,
    )


def _queued(message: MessageRow) -> QueuedOperation | None:
    """Return the operation of a message, or None for a release and for other events."""
    event = message.event
    if not isinstance(event, EventRaised):
        return None
    try:
        request = parse_message(event.name, event.input)
    except ValueError:
        return None
    due = format_utc(message.due) if message.due else None
    if isinstance(request, LockRequest):
        return QueuedOperation(
            operation="lock", caller=request.parent, received_time=event.timestamp, due=due
        )
    if not isinstance(request, OperationRequest):
        return None
    return QueuedOperation(
        operation=request.operation,
        caller=None if request.signal else request.parent,
        received_time=event.timestamp,
        due=due,
    )


def _listed(operations: Sequence[QueuedOperation], count: int) -> str:
    more = count - min(LISTED, len(operations))
    text = "; ".join(operation.description for operation in operations[:LISTED])
    return text + (f"; and {more} more" if more else "")
