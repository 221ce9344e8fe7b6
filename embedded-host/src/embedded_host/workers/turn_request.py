"""Asking a worker for a turn: what it has not seen if it has the orchestrator in memory, everything if it has not."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from embedded_host.engine.payload import TurnPayload
from embedded_worker.protocol import InvocationResult, TurnRequest


async def run_turn(
    ask: Callable[[TurnRequest], Awaitable[InvocationResult]],
    number: int,
    function: str,
    payload: TurnPayload,
    *,
    kept: bool,
) -> InvocationResult:
    """``kept``: the worker may still have it."""
    address = (number, function, payload.instance_id, payload.execution_id)
    if kept and payload.seen:
        result = await ask(TurnRequest(*address, payload.unseen(), payload.seen))
        if not result.missing:
            return result
    return await ask(TurnRequest(*address, payload.text()))
