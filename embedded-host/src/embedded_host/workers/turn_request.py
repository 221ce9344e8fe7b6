"""Runs one turn of an orchestrator on a worker.

The request has only the new events if the worker has the orchestrator in memory. Otherwise it has
the whole history.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.protocols import adapter
from embedded_worker.protocol import InvocationResult, TurnRequest


async def run_turn(
    send: Callable[[TurnRequest], Awaitable[InvocationResult]],
    number: int,
    function: str,
    turn: OrchestratorInput,
    *,
    kept: bool,
    invocation_id: str = "",
) -> InvocationResult:
    """Run one turn. ``kept`` is True if the worker may have the orchestrator in memory."""
    protocol = adapter(turn.protocol)
    address = (number, function, turn.instance_id, turn.execution_id)
    if kept and turn.seen and not turn.is_replay:
        events = protocol.unseen_events(turn)
        result = await send(TurnRequest(*address, events, turn.seen, invocation_id=invocation_id))
        if not result.missing:
            return result
    payload = protocol.orchestrator_payload(turn)
    return await send(
        TurnRequest(
            *address,
            payload,
            is_replay=turn.is_replay,
            invocation_id=invocation_id,
            is_diagnosis=turn.is_diagnosis,
        )
    )
