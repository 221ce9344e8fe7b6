"""One turn and the worker that takes part in it: what the engine asks for goes there, and the answer comes back."""

from __future__ import annotations

from collections.abc import Sequence

from embedded_host.engine.entity import Entity, EntityTurnResult, entity_turn
from embedded_host.engine.entity_messages import OperationRequest
from embedded_host.engine.failures import UserError
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration, TurnResult, TurnSettings
from embedded_host.engine.turn import turn
from embedded_host.task_hub.clock import Clock
from embedded_host.task_hub.invoker import Invoker, ask
from embedded_host.task_hub.settings import HubSettings


async def orchestrator_turn(
    state: Orchestration, messages: Sequence[Message], invoker: Invoker, settings: HubSettings, clock: Clock
) -> TurnResult:
    run = turn(
        state,
        messages,
        TurnSettings(settings.functions, settings.store_inputs, settings.http_sleep_ms, settings.default_version),
        clock.now,
    )
    try:
        payload = next(run)
        name = settings.functions.orchestrators.registered(state.name)
        answer = await ask(lambda alone: invoker.orchestrator(name, payload, alone=alone), f"the orchestrator '{name}'")
        run.send(answer)
    except StopIteration as stop:
        result: TurnResult = stop.value
        return result
    raise AssertionError("a turn asks its worker once")


async def entity_batch(
    instance_id: str,
    entity: Entity,
    operations: Sequence[OperationRequest],
    invoker: Invoker,
    settings: HubSettings,
    clock: Clock,
) -> EntityTurnResult:
    run = entity_turn(entity, operations, clock.now())
    payload = next(run)
    entities = settings.functions.entities
    answer: str | UserError = UserError("ValueError", entities.missing(entity.id.name))
    if entity.id.name in entities:
        name = entities.registered(entity.id.name)
        answer = await ask(
            lambda alone: invoker.entity(name, instance_id, payload, alone=alone), f"the entity '{name}'"
        )
    try:
        run.send(answer)
    except StopIteration as stop:
        result: EntityTurnResult = stop.value
        return result
    raise AssertionError("a batch asks its worker once")
