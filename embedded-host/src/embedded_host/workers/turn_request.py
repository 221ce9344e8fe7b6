"""Requests a turn from a worker: the new events if it has the orchestrator in memory, else the whole history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from embedded_host.engine.payload import TurnPayload
from embedded_worker.protocol import InvocationResult, TurnRequest


async def run_turn(
    send: Callable[[TurnRequest], Awaitable[InvocationResult]],
    number: int,
    function: str,
    payload: TurnPayload,
    *,
    kept: bool,
) -> InvocationResult:
    """Run one turn. ``kept``: the worker may have the orchestrator in memory."""
    address = (number, function, payload.instance_id, payload.execution_id)
    if kept and payload.seen:
        result = await send(TurnRequest(*address, payload.unseen(), payload.seen))
        if not result.missing:
            return result
    return await send(TurnRequest(*address, payload.text()))
