"""One turn of an entity (functions-host.md#entity-trigger).

The input is the entity's state and a batch of operations. The result is the new state and the
responses.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import (
    LOCKED,
    OPERATION,
    EntityId,
    LockRequest,
    OperationRequest,
    lock_request_message,
    request_message,
    response_message,
)
from embedded_host.engine.failures import operation_failure
from embedded_host.engine.invocations import (
    EntityInput,
    EntityOutput,
    InvocationFailure,
    OperationResult,
    SendSignal,
    StartNewOrchestration,
)
from embedded_host.engine.json_codec import compact
from embedded_host.engine.messages import Deliver, Message, Outgoing, StartOrchestration
from embedded_host.engine.observations import Difference, Observation
from embedded_host.engine.sdk_protocols import SDK_1X


@dataclass
class Entity:
    """An entity between turns. ``state`` is JSON, or None before the first operation."""

    id: EntityId
    created_at: datetime
    updated_at: datetime
    exists: bool = False
    state: str | None = None
    locked_by: str | None = None
    """Id of the orchestration that has locked the entity, or None if the entity is free."""


@dataclass(frozen=True)
class EntityTurnSettings:
    """The settings of the app that a turn of an entity needs."""

    protocol: int = SDK_1X
    """The major version of the app's SDK. It determines the form of responses and signals."""
    default_version: str | None = None
    """Version of orchestrations that an entity starts without specifying a version."""


@dataclass
class EntityTurnResult:
    """The result of one turn. Call ``apply`` when the result is durable."""

    exists: bool
    state: str | None
    updated_at: datetime
    outgoing: list[Outgoing] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    """One log message for each failed operation that has no caller to notify."""
    locked_by: str | None = None
    observations: list[Observation] = field(default_factory=list)
    """The differences of the turn from the Azure Functions host."""

    def apply(self, entity: Entity) -> None:
        """Copy the new state into ``entity``."""
        entity.exists, entity.state, entity.updated_at = self.exists, self.state, self.updated_at
        entity.locked_by = self.locked_by


def entity_turn(
    entity: Entity,
    batch: Sequence[OperationRequest],
    now: datetime,
    settings: EntityTurnSettings = EntityTurnSettings(),
) -> Generator[EntityInput, EntityOutput | InvocationFailure, EntityTurnResult]:
    """Run a batch of operations: yield the function's input once and receive its output.

    The turn does not change ``entity``. If the invocation fails as a whole, every operation of the
    batch fails and the state does not change. The Azure Functions host would retry the invocation
    forever (functions-host.md#entity-trigger).
    """
    output = yield EntityInput(entity.id, entity.exists, entity.state, batch)
    observations: list[Observation] = []
    if isinstance(output, InvocationFailure) and output.lacks_state:
        reason = output.message.strip().partition("\n")[0].rstrip(".")
        observations.append(Observation(Difference.ENTITY_BATCH, (f"{reason}.",)))
    if isinstance(output, InvocationFailure):
        details = operation_failure(output.message, stack=output.stack)
        failure = OperationResult(compact(output.message), failed=True, details=details)
        output = EntityOutput([failure] * len(batch), entity.exists, entity.state)
    result = EntityTurnResult(
        output.exists, output.state, now, locked_by=entity.locked_by, observations=observations
    )
    for request, outcome in zip(batch, output.results, strict=True):
        if request.signal or not request.parent:
            if outcome.failed:
                result.lost.append(
                    f"Operation '{request.operation}' of {entity.id} failed: {_error(outcome)}"
                )
            continue
        text = response_message(
            outcome.result, outcome.failed, protocol=settings.protocol, details=outcome.details
        )
        response = h.event_raised(now, request.id, text)
        result.outgoing.append(Deliver(request.parent, Message(response, request.parent_execution)))
    for action in output.actions:
        result.outgoing.append(
            _signal(action, now, settings)
            if isinstance(action, SendSignal)
            else _start(action, now, settings)
        )
    return result


def _error(outcome: OperationResult) -> str | None:
    if outcome.result is not None or outcome.details is None:
        return outcome.result
    return f"{outcome.details.error_type}: {outcome.details.error_message}"


def lock_turn(entity: Entity, request: LockRequest, now: datetime) -> EntityTurnResult:
    """Lock a free entity. Send the request to the next entity, or the response to the parent."""
    result = EntityTurnResult(entity.exists, entity.state, now, locked_by=request.parent)
    following = request.next
    if following is None:
        response = Message(h.event_raised(now, request.id, LOCKED), request.parent_execution)
        result.outgoing.append(Deliver(request.parent, response))
        return result
    lock_set = [str(locked) for locked in following.lock_set]
    text = lock_request_message(
        request_id=request.id,
        parent=request.parent,
        lock_set=lock_set,
        position=following.position,
    )
    message = Message(h.event_raised(now, OPERATION, text))
    result.outgoing.append(Deliver(lock_set[following.position], message))
    return result


def release_turn(entity: Entity, now: datetime) -> EntityTurnResult:
    """Release the lock of an entity."""
    return EntityTurnResult(entity.exists, entity.state, now)


def _signal(action: SendSignal, now: datetime, settings: EntityTurnSettings) -> Deliver:
    text = request_message(
        request_id=str(uuid4()),
        operation=action.operation,
        input=action.input,
        signal=True,
        now=now,
        protocol=settings.protocol,
    )
    message = Message(h.event_raised(now, OPERATION, text), due=action.due)
    return Deliver(action.instance_id, message)


def _start(
    action: StartNewOrchestration, now: datetime, settings: EntityTurnSettings
) -> StartOrchestration:
    instance_id = action.instance_id or uuid4().hex
    started = h.execution_started(
        now,
        instance_id=instance_id,
        execution_id=str(uuid4()),
        name=action.name,
        input=action.input,
        version=settings.default_version if action.version is None else action.version,
    )
    return StartOrchestration(instance_id, started, None, action.due)
