"""One turn of an entity (functions-host.md#entity-trigger).

The input is the entity's state and a batch of operations. The result is the new state and the
responses.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import EntityId, OperationRequest, response_message
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
)
from embedded_host.engine.json_codec import compact
from embedded_host.engine.messages import Deliver, Message, Outgoing


@dataclass
class Entity:
    """An entity between turns. ``state`` is JSON, or None before the first operation."""

    id: EntityId
    created_at: datetime
    updated_at: datetime
    exists: bool = False
    state: str | None = None


@dataclass
class EntityTurnResult:
    """The result of one turn. Call ``apply`` when the result is durable."""

    exists: bool
    state: str | None
    updated_at: datetime
    outgoing: list[Outgoing] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """One log message for each failed operation that has no caller to notify."""

    def apply(self, entity: Entity) -> None:
        """Copy the new state into ``entity``."""
        entity.exists, entity.state, entity.updated_at = self.exists, self.state, self.updated_at


def entity_turn(
    entity: Entity, batch: Sequence[OperationRequest], now: datetime
) -> Generator[EntityInput, EntityOutput | InvocationFailure, EntityTurnResult]:
    """Run a batch of operations: yield the function's input once and receive its output.

    The turn does not change ``entity``. If the invocation fails as a whole, every operation of the
    batch fails and the state does not change. The Azure Functions host would retry the invocation
    forever (functions-host.md#entity-trigger).
    """
    output = yield EntityInput(entity.id, entity.exists, entity.state, batch)
    if isinstance(output, InvocationFailure):
        failure = OperationResult(compact(output.message), failed=True)
        output = EntityOutput([failure] * len(batch), entity.exists, entity.state)
    result = EntityTurnResult(output.exists, output.state, now)
    for request, outcome in zip(batch, output.results, strict=True):
        if request.signal or not request.parent:
            if outcome.failed:
                result.lost.append(
                    f"Operation '{request.operation}' of {entity.id} failed: {outcome.result}"
                )
            continue
        response = h.event_raised(now, request.id, response_message(outcome.result, outcome.failed))
        result.outgoing.append(Deliver(request.parent, Message(response, request.parent_execution)))
    return result
