"""Turns that run a function: the connection between the engine's turns and the invoker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from embedded_host.engine.entity import Entity, EntityTurnResult, EntityTurnSettings, entity_turn
from embedded_host.engine.entity_messages import OperationRequest
from embedded_host.engine.failures import UserError
from embedded_host.engine.invocations import EntityOutput, InvocationFailure
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration, TurnResult, TurnSettings
from embedded_host.engine.sdk_protocols import SDK_1X
from embedded_host.engine.turn import turn
from embedded_host.engine.versions import VersionRule
from embedded_host.parity.findings import Findings
from embedded_host.task_hub.clock import Clock
from embedded_host.task_hub.invoker import Call, Invoker, run_call
from embedded_host.task_hub.settings import HubSettings

T = TypeVar("T")


async def orchestrator_turn(
    state: Orchestration,
    messages: Sequence[Message],
    invoker: Invoker,
    settings: HubSettings,
    clock: Clock,
    findings: Findings,
) -> TurnResult:
    """Run one turn of an orchestration and invoke its orchestrator."""
    run = turn(
        state,
        messages,
        TurnSettings(
            settings.functions,
            settings.store_inputs,
            settings.http_sleep_ms,
            settings.default_version,
            settings.strict,
            settings.uses_azure_storage,
            VersionRule(settings.default_version, settings.version_match_strategy),
        ),
        clock.now,
    )
    try:
        input = next(run)
        name = settings.functions.orchestrators.registered(state.name)
        protocol = settings.functions.protocol
        output = await run_call(
            lambda alone: invoker.orchestrator(name, input, alone=alone),
            # For SDK 2.x, the middleware of the Durable extension runs the turn again.
            Call("orchestrator", name, state.instance_id, protocol == SDK_1X),
            findings,
        )
        if isinstance(output, UserError) and not output.type:
            output = replace(output, message=f"One or more errors occurred. ({output.message})")
        run.send(_failure(output))
    except StopIteration as stop:
        result: TurnResult = stop.value
        return result
    raise AssertionError("the turn did not invoke its orchestrator exactly once")


async def entity_batch(
    instance_id: str,
    entity: Entity,
    operations: Sequence[OperationRequest],
    invoker: Invoker,
    settings: HubSettings,
    clock: Clock,
    findings: Findings,
) -> EntityTurnResult:
    """Run one turn of an entity and invoke its function with a batch of operations."""
    functions = settings.functions
    turn_settings = EntityTurnSettings(functions.protocol, settings.default_version)
    run = entity_turn(entity, operations, clock.now(), turn_settings)
    input = next(run)
    entities = functions.entities
    output: EntityOutput | InvocationFailure | UserError = UserError(
        "ValueError", entities.missing(entity.id.name)
    )
    if entity.id.name in entities:
        name = entities.registered(entity.id.name)
        output = await run_call(
            lambda alone: invoker.entity(name, instance_id, input, alone=alone),
            # For SDK 1.x, the Durable extension runs the batch again.
            Call("entity", name, instance_id, functions.protocol != SDK_1X),
            findings,
        )
    try:
        run.send(_failure(output))
    except StopIteration as stop:
        result: EntityTurnResult = stop.value
        return result
    raise AssertionError("the batch did not invoke its entity exactly once")


def _failure(output: T | UserError) -> T | InvocationFailure:
    """Return the output, or an InvocationFailure if the workers of the call were lost."""
    return InvocationFailure(output.text, output.stack) if isinstance(output, UserError) else output
