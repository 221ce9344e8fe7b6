"""Items of an inbox, and the order in which an entity processes its items.

While an orchestration has locked an entity, the operations and lock requests of other senders wait.
These messages stay in the store until the entity processes them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from embedded_host.engine.entity_messages import (
    OPERATION,
    RELEASE,
    EntityMessage,
    LockRelease,
    LockRequest,
    OperationRequest,
    parse_message,
)
from embedded_host.engine.events import EventRaised
from embedded_host.engine.messages import Message

log = logging.getLogger("embedded_host.task_hub")


@dataclass(frozen=True)
class InboxItem:
    """A message in an inbox, and the ids of the rows to delete when a turn consumes it."""

    message: Message
    message_id: int | None = None
    activity_id: int | None = None


@dataclass
class EntityWork:
    """The work of the next turn: a batch of operations, or one change of the lock.

    If there is no operation and no change of the lock, the turn only deletes ``items``.
    """

    items: list[InboxItem] = field(default_factory=list)
    """The consumed items of the inbox."""
    operations: list[OperationRequest] = field(default_factory=list)
    lock_change: LockRequest | LockRelease | None = None


class _Entry(NamedTuple):
    item: InboxItem
    message: EntityMessage | None
    """None for an event that is not a message for an entity."""


class EntityQueue:
    """The messages that an entity has received and not processed, in order."""

    def __init__(self, entity_id: str) -> None:
        self._entity_id = entity_id
        self._held: deque[_Entry] = deque()
        """The messages that wait for the release of the lock. They are older than ``_next``."""
        self._next: deque[_Entry] = deque()

    def __len__(self) -> int:
        return len(self._held) + len(self._next)

    def add(self, items: Iterable[InboxItem]) -> None:
        """Append items of the inbox."""
        for item in items:
            self._next.append(_Entry(item, self._parsed(item)))

    def lock_changed(self) -> None:
        """Process the messages that waited for the previous lock in the next turns."""
        self._held.extend(self._next)
        self._next, self._held = self._held, deque()

    def take(self, locked_by: str | None, limit: int) -> EntityWork | None:
        """Remove and return the next work, or None if all messages wait.

        ``locked_by`` is the owner of the lock. ``limit`` is the maximum number of operations of a
        batch. A batch ends before a change of the lock.
        """
        work = EntityWork()
        while self._next and len(work.operations) < limit:
            entry = self._next[0]
            message = entry.message
            is_owner = message is not None and message.parent == locked_by
            if isinstance(message, LockRelease):
                if is_owner and work.operations:
                    break
                work.lock_change = message if is_owner else None
            elif message is not None:
                if locked_by is not None and not is_owner:
                    self._held.append(self._next.popleft())
                    continue
                if isinstance(message, LockRequest):
                    if work.operations:
                        break
                    work.lock_change = message
                else:
                    work.operations.append(message)
            work.items.append(entry.item)
            self._next.popleft()
            if work.lock_change is not None:
                break
        return work if work.items else None

    def _parsed(self, item: InboxItem) -> EntityMessage | None:
        event = item.message.event
        if not isinstance(event, EventRaised) or event.name not in (OPERATION, RELEASE):
            return None  # entities ignore external events
        try:
            return parse_message(event.name, event.input)
        except ValueError as error:
            log.warning(
                "An event for the entity '%s' was dropped: %s. [EH403]", self._entity_id, error
            )
        return None
