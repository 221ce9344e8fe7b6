from __future__ import annotations

from dataclasses import replace

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.protocols.v1 import orchestrator_payload, unseen_events
from embedded_host.workers.turn_request import run_turn
from embedded_worker.protocol import InvocationResult, TurnRequest
from tests.engine.scenario import T0

STARTED = h.execution_started(T0, instance_id="i", execution_id="e", name="Main", input=None)


def orchestrator_input(seen: int) -> OrchestratorInput:
    return OrchestratorInput(
        instance_id="i",
        execution_id="e",
        past=[h.orchestrator_started(T0), STARTED],
        new=[h.event_raised(T0, "Go", None)],
        seen=seen,
        input=None,
        parent_instance_id=None,
    )


@pytest.mark.parametrize(
    ("seen", "kept", "missing", "requests"),
    [
        (0, True, False, [0]),
        (2, False, False, [0]),
        (2, True, False, [2]),
        (2, True, True, [2, 0]),
    ],
    ids=["nothing seen", "another worker", "kept", "lost"],
)
async def test_the_whole_history_is_sent_if_the_worker_does_not_have_the_orchestrator(
    seen: int, kept: bool, missing: bool, requests: list[int]
) -> None:
    sent: list[TurnRequest] = []

    async def send(request: TurnRequest) -> InvocationResult:
        sent.append(request)
        return InvocationResult(request.id, "done", missing=missing and request.seen > 0)

    turn = orchestrator_input(seen)
    result = await run_turn(send, 7, "Main", turn, kept=kept)
    assert (result.value, result.missing) == ("done", False)
    assert [request.seen for request in sent] == requests
    assert sent[-1].payload == (
        unseen_events(turn) if sent[-1].seen else orchestrator_payload(turn)
    )
    assert {(request.id, request.function, request.instance_id) for request in sent} == {
        (7, "Main", "i")
    }


async def test_the_request_of_a_diagnosis_has_the_whole_history() -> None:
    sent: list[TurnRequest] = []

    async def send(request: TurnRequest) -> InvocationResult:
        sent.append(request)
        return InvocationResult(request.id)

    await run_turn(send, 7, "Main", replace(orchestrator_input(0), is_diagnosis=True), kept=False)
    assert [(request.is_diagnosis, request.seen) for request in sent] == [(True, 0)]
