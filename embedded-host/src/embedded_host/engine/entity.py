"""One turn of an entity: a batch of operations in, its state and the responses out (functions-host.md#entity-trigger)."""

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
    """``state`` is the JSON text of the last output; None before the first operation."""

    id: EntityId
    created_at: datetime
    updated_at: datetime
    exists: bool = False
    state: str | None = None


@dataclass
class EntityTurnResult:
    exists: bool
    state: str | None
    updated_at: datetime
    outgoing: list[Outgoing] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """Errors of operations that have no caller, one sentence each, for the log."""

    def apply(self, entity: Entity) -> None:
        entity.exists, entity.state, entity.updated_at = self.exists, self.state, self.updated_at


def entity_turn(
    entity: Entity, batch: Sequence[OperationRequest], now: datetime
) -> Generator[EntityInput, EntityOutput | InvocationFailure, EntityTurnResult]:
    """Run a batch of operations: yield the function's input once and take its output. ``entity`` is not changed.

    An invocation that fails as a whole fails every operation of the batch and leaves the state unchanged. The Functions
    host would retry it forever (functions-host.md#entity-trigger).
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
                    f"operation '{request.operation}' of {entity.id} failed: {outcome.result}"
                )
            continue
        response = h.event_raised(now, request.id, response_message(outcome.result, outcome.failed))
        result.outgoing.append(Deliver(request.parent, Message(response, request.parent_execution)))
    return result
