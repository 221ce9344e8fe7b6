"""Requests a turn from a worker: the new events if it has the orchestrator in memory, else the whole history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.protocols.v1 import orchestrator_payload, unseen_events
from embedded_worker.protocol import InvocationResult, TurnRequest


async def run_turn(
    send: Callable[[TurnRequest], Awaitable[InvocationResult]],
    number: int,
    function: str,
    turn: OrchestratorInput,
    *,
    kept: bool,
) -> InvocationResult:
    """Run one turn. ``kept``: the worker may have the orchestrator in memory."""
    address = (number, function, turn.instance_id, turn.execution_id)
    if kept and turn.seen:
        result = await send(TurnRequest(*address, unseen_events(turn), turn.seen))
        if not result.missing:
            return result
    return await send(TurnRequest(*address, orchestrator_payload(turn)))
