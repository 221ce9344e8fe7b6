"""The open waits of an execution."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from msgspec import UNSET, Struct, UnsetType, to_builtins
from msgspec.structs import replace

from embedded_host.engine.entity_messages import LockRequest, OperationRequest
from embedded_host.engine.events import (
    EventBase,
    EventRaised,
    EventSent,
    OrchestratorStarted,
    SubOrchestrationInstanceCreated,
    TaskScheduled,
    TimerCreated,
)
from embedded_host.engine.orchestration import ExecutionState
from embedded_host.history.steps import Call, Outcome, Timer
from embedded_host.history.view import HistoryView

LISTED = 5
"""Maximum number of waits that a summary lists. The remaining waits are only counted."""


class WaitKind(str, Enum):
    """The kind of a wait."""

    ACTIVITY = "activity"
    TIMER = "timer"
    SUB_ORCHESTRATION = "subOrchestration"
    ENTITY = "entity"
    LOCK = "lock"
    """A lock request for which at least one entity is not locked yet."""
    EVENT = "event"
    WORKER = "worker"
    """A turn that waits for a worker."""


class Wait(Struct, frozen=True, kw_only=True, omit_defaults=True, rename="camel"):
    """An open wait of an instance. The JSON of ``waitsFor`` has these fields in camel case."""

    kind: WaitKind
    since: str
    """Start of the wait, ISO 8601 in UTC."""
    due: str | None = None
    """Due time of a timer."""
    name: str | None = None
    """Name of an activity, sub-orchestration or external event.

    An event has no name if the worker does not report the awaited events.
    """
    instance_id: str | None = None
    """Id of a sub-orchestration, of an entity, or of the first entity of a lock request."""
    entity_ids: list[str] | None = None
    """Ids of the entities of a lock request, in the order in which they are locked."""
    operation: str | None = None
    """Operation to which the entity has not responded."""
    task_id: int | None = None
    """``event_id`` of the scheduling event."""
    attempt: int | None = None
    """Number of the attempt of a retried call."""
    runtime_status: str | UnsetType | None = UNSET
    """Runtime status of a sub-orchestration, or None if it was purged."""
    state: str | None = None
    """State of an activity (queued or running), or the status of a sub-orchestration.

    For an event without a name, it is the reason to expect an event.
    """

    @property
    def description(self) -> str:
        """A phrase such as ``the activity 'Ship' since 2026-01-02T03:04:05Z``."""
        state = f" ({self.state})" if self.state else ""
        return f"{self._subject}{state} since {self.since}"

    @property
    def _subject(self) -> str:
        if self.kind is WaitKind.ACTIVITY:
            attempt = f", attempt {self.attempt}" if self.attempt is not None else ""
            return f"the activity '{self.name}'{attempt}"
        if self.kind is WaitKind.TIMER:
            return f"the timer due at {self.due}"
        if self.kind is WaitKind.SUB_ORCHESTRATION:
            attempt = f", attempt {self.attempt}" if self.attempt is not None else ""
            return f"the sub-orchestration '{self.name}' with the id '{self.instance_id}'{attempt}"
        if self.kind is WaitKind.ENTITY:
            return f"the response of the entity '{self.instance_id}' to '{self.operation}'"
        if self.kind is WaitKind.LOCK:
            ids = [f"'{id}'" for id in self.entity_ids or ()]
            if len(ids) == 1:
                return f"the lock of the entity {ids[0]}"
            return f"the locks of the entities {', '.join(ids)}"
        if self.kind is WaitKind.EVENT and self.name is None:
            return "an external event, whose name its worker does not report"
        if self.kind is WaitKind.EVENT:
            return f"the external event '{self.name}'"
        return "its turn on a worker"

    def with_runtime_status(self, status: str | None) -> Wait:
        """Return a copy with the status of the sub-orchestration, or None if it was purged."""
        return replace(self, runtime_status=status, state=status or "purged")

    def document(self) -> dict[str, object]:
        """Return the JSON object for ``waitsFor``."""
        document: dict[str, object] = to_builtins(self)
        if self.kind is WaitKind.WORKER:
            document["text"] = self._subject
        return document


def joined(waits: Iterable[Wait]) -> str:
    """Return one string that lists the first waits and the number of the remaining waits."""
    descriptions = [wait.description for wait in waits]
    more = len(descriptions) - LISTED
    return "; ".join(descriptions[:LISTED]) + (f"; and {more} more" if more > 0 else "")


def execution_waits(view: HistoryView, execution: ExecutionState) -> list[Wait]:
    """Return the open waits of an execution that has replayed the view's history."""
    scheduled, requests, attempts = view.scheduled, view.requests, execution.attempts
    last = waiting_since(view, execution.undelivered_names)
    waits = [
        *(
            _wait(view, scheduled[id], attempts.get(id))
            for id in execution.open_tasks
            if id in scheduled
        ),
        *(_wait(view, requests[id]) for id in execution.open_calls if id in requests),
        *(Wait(kind=WaitKind.EVENT, since=last, name=name) for name in execution.awaited_events),
    ]
    if waits or execution.reports_events:
        return waits
    state = "its last turn is done, and no call and no timer is open"
    return [Wait(kind=WaitKind.EVENT, since=last, state=state)]


def waiting_since(view: HistoryView, undelivered: Iterable[str]) -> str:
    """Return the time since which an instance has waited for external events.

    It is the end of the last turn, without the turns that only received events that nothing waits
    for. ``undelivered`` are the names of these events. The result is empty without events.
    """
    last = view.events[-1].timestamp if view.events else ""
    names = {name.lower() for name in undelivered}
    if not names:
        return last
    for turn in reversed(view.turns):
        received = [m for m in turn.messages if not isinstance(m, OrchestratorStarted)]
        if turn.actions or not all(
            isinstance(message, EventRaised) and message.name.lower() in names
            for message in received
        ):
            return turn.completed.timestamp if turn.completed else last
    return last


def open_waits(view: HistoryView) -> list[Wait]:
    """Return the open calls and timers of a history.

    Waits for external events are missing, because only a replay determines them.
    """
    return [
        _wait(view, view.events[step.event], step.attempt if isinstance(step, Call) else None)
        for step in view.steps
        if isinstance(step, (Call, Timer)) and step.outcome is Outcome.OPEN
    ]


def _wait(view: HistoryView, event: EventBase, attempt: int | None = None) -> Wait:
    since, task_id = event.timestamp, event.event_id
    if isinstance(event, TaskScheduled):
        return Wait(
            kind=WaitKind.ACTIVITY, since=since, name=event.name, task_id=task_id, attempt=attempt
        )
    if isinstance(event, SubOrchestrationInstanceCreated):
        return Wait(
            kind=WaitKind.SUB_ORCHESTRATION,
            since=since,
            name=event.name,
            instance_id=event.instance_id,
            task_id=task_id,
            attempt=attempt,
        )
    if isinstance(event, EventSent):
        message = view.entity_messages.get(task_id)
        if isinstance(message, LockRequest):
            return Wait(
                kind=WaitKind.LOCK,
                since=since,
                instance_id=event.instance_id,
                entity_ids=[str(entity) for entity in message.lock_set],
            )
        operation = message.operation if isinstance(message, OperationRequest) else event.name
        return Wait(
            kind=WaitKind.ENTITY, since=since, instance_id=event.instance_id, operation=operation
        )
    assert isinstance(event, TimerCreated)
    return Wait(kind=WaitKind.TIMER, since=since, due=event.fire_at, task_id=task_id)
