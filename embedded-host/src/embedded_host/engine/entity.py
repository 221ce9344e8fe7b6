"""One turn of an entity: a batch of operations in, its state and the replies out (contract, 5.3)."""

from __future__ import annotations

import json
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from embedded_host.engine import history as h
from embedded_host.engine.actions import MalformedAnswerError
from embedded_host.engine.entity_messages import EntityId, OperationRequest, response_message
from embedded_host.engine.failures import UserError
from embedded_host.engine.json_codec import compact, encodable
from embedded_host.engine.messages import Deliver, Message, Outgoing


@dataclass
class Entity:
    """``state`` is the JSON text that the function answered last; None before its first operation."""

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
    """Operations that had nobody to tell of their error, one sentence each, for the log."""

    def apply(self, entity: Entity) -> None:
        entity.exists, entity.state, entity.updated_at = self.exists, self.state, self.updated_at


def entity_payload(entity: Entity, batch: Sequence[OperationRequest]) -> str:
    """JSON text for the worker."""
    return compact(
        {
            "self": {"name": entity.id.name, "key": entity.id.key},
            "exists": entity.exists,
            "state": entity.state,
            "batch": [{"name": r.operation, "input": r.input, "isSignal": r.signal, "id": r.id} for r in batch],
        }
    )


def entity_turn(
    entity: Entity, batch: Sequence[OperationRequest], now: datetime
) -> Generator[str, Mapping[str, Any] | str | UserError, EntityTurnResult]:
    """Yields the payload once and takes the function's answer. ``entity`` is not changed.

    An invocation that fails as a whole fails every operation of the batch and leaves the state as it was; the real host
    would try it again for ever (contract, 5.3).
    """
    answer = yield entity_payload(entity, batch)
    result = EntityTurnResult(entity.exists, entity.state, now)
    try:
        outcomes = _take(answer, len(batch), result)
    except MalformedAnswerError as error:
        outcomes = [(compact(str(error)), True)] * len(batch)
    for request, (text, failed) in zip(batch, outcomes, strict=True):
        if request.signal or not request.parent:
            if failed:
                result.lost.append(f"operation '{request.operation}' of {entity.id} failed: {text}")
            continue
        reply = h.event_raised(now, request.id, response_message(text, failed))
        result.outgoing.append(Deliver(request.parent, Message(reply, request.parent_execution)))
    return result


def _take(answer: Mapping[str, Any] | str | UserError, count: int, result: EntityTurnResult) -> list[tuple[str, bool]]:
    """Each operation's result and whether it failed; the state goes into ``result``. Raises MalformedAnswerError."""
    if isinstance(answer, UserError):
        raise MalformedAnswerError(answer.text)
    if isinstance(answer, str):
        try:
            answer = json.loads(answer)
        except (ValueError, RecursionError):
            raise MalformedAnswerError("the entity function did not answer with JSON") from None
    if not isinstance(answer, Mapping):
        answer = {}
    try:
        outcomes = [(_text(r.get("result")), bool(r.get("isError"))) for r in answer["results"]]
        state, exists = answer.get("entityState"), bool(answer.get("entityExists"))
        text = encodable(state) if state is None or isinstance(state, str) else compact(state)
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, RecursionError):  # of another form
        outcomes = []
    if len(outcomes) != count:
        raise MalformedAnswerError(
            "the entity function did not answer each operation of its batch; is main made by df.Entity.create?"
        )
    result.exists, result.state = exists, text
    return outcomes


def _text(result: Any) -> str:
    """The SDK needs a text, never null (contract, 4.4)."""
    if result is None:
        return "null"
    return result if isinstance(result, str) else compact(result)
