"""The turns of a history without turn events, such as a history of the management API."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from embedded_host.engine.events import (
    ExecutionCompleted,
    ExecutionTerminated,
    HistoryEvent,
    OrchestratorStarted,
    SchedulingEvent,
)
from embedded_host.history.steps import Action, Turn


def infer_turns(events: Sequence[HistoryEvent]) -> list[Turn]:
    """Group the events of ``events_as_shown`` into turns by their order and time.

    First, each scheduling event is moved before all events that occurred after it. A turn then
    consists of messages and the scheduling events that follow them. The next message starts the
    next turn. ExecutionCompleted belongs to no turn. Raises ValueError if a timestamp is invalid.
    """
    return [
        turn
        for messages, actions in _groups(events)
        if (turn := _turn(messages, actions)) is not None
    ]


def _groups(events: Sequence[HistoryEvent]) -> Iterator[tuple[list[HistoryEvent], list[Action]]]:
    scheduling = [event for event in events if isinstance(event, SchedulingEvent)]
    remaining = sorted(scheduling, key=lambda event: event.occurred_at)
    messages: list[HistoryEvent] = []
    actions: list[Action] = []
    for event in events:
        if isinstance(event, ExecutionCompleted):
            continue
        occurred_at = event.occurred_at
        scheduled = [
            other for other in remaining if other is event or other.occurred_at < occurred_at
        ]
        remaining = [other for other in remaining if not any(other is taken for taken in scheduled)]
        actions += scheduled
        if isinstance(event, SchedulingEvent):
            continue
        # A termination always starts a new turn, because the orchestrator does not receive it.
        if actions or isinstance(event, ExecutionTerminated):
            yield messages, actions
            messages, actions = [], []
        messages.append(event)
    yield messages, [*actions, *remaining]


def _turn(messages: Sequence[HistoryEvent], actions: Sequence[Action]) -> Turn | None:
    if not messages and not actions:
        return None
    first = [*actions, *messages][0]
    started = OrchestratorStarted(timestamp=first.timestamp)
    queued_at = min((message.occurred_at for message in messages), default=first.occurred_at)
    return Turn([started, *messages], actions, None, False, first.occurred_at, queued_at)
