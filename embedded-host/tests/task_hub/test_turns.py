"""Turns with an invoker: the names that it receives, and the result after lost workers."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity import Entity
from embedded_host.engine.entity_messages import EntityId, OperationRequest
from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.messages import Message
from embedded_host.engine.orchestration import Orchestration, TurnResult
from embedded_host.engine.status import Status
from embedded_host.parity.findings import Findings
from embedded_host.task_hub.invoker import LOST_WORKERS
from embedded_host.task_hub.settings import HubSettings
from embedded_host.task_hub.turns import entity_batch, orchestrator_turn
from tests.task_hub.app import chain, counter, waits
from tests.task_hub.kit import T0, InlineInvoker, ManualClock

STARTED = h.execution_started(
    T0, instance_id="i-1", execution_id="e", name="chain", input='"3"', version="1.0"
)
CALL = OperationRequest("r-1", "add", '"5"', False, "i-1", "e")


@pytest.fixture
def invoker() -> InlineInvoker:
    return InlineInvoker(
        {"Chain": chain, "Waits": waits}, {"Double": lambda n: 2 * n}, {"Counter": counter}
    )


async def run_turn(invoker: InlineInvoker, name: str, **settings: Any) -> TurnResult:
    state = Orchestration("i-1", name, "e", T0, T0, input='"3"')
    return await orchestrator_turn(
        state,
        [Message(STARTED)],
        invoker,
        HubSettings(invoker.functions, **settings),
        ManualClock(),
        Findings(),
    )


async def test_an_orchestrator_is_invoked_with_the_name_in_the_apps_spelling(
    invoker: InlineInvoker,
) -> None:
    result = await run_turn(invoker, "cHAIN")
    assert result.status is Status.RUNNING
    assert invoker.calls == {"Chain": 1}


async def test_the_turn_has_the_settings_of_the_hub(invoker: InlineInvoker) -> None:
    result = await run_turn(invoker, "Chain", store_inputs=True)
    assert [getattr(event, "input", None) for event in result.events[2:3]] == ['["3"]']


async def test_an_unknown_orchestrator_is_not_invoked(invoker: InlineInvoker) -> None:
    result = await run_turn(invoker, "Missing")
    assert result.status is Status.FAILED
    assert invoker.calls == {}


async def test_lost_workers_fail_the_instance(invoker: InlineInvoker) -> None:
    invoker.deaths["Waits"] = LOST_WORKERS
    result = await run_turn(invoker, "Waits")
    assert result.status is Status.FAILED
    assert "ended 3 times while it ran the orchestrator 'Waits'" in str(result.output)


async def test_an_entity_is_invoked_with_the_name_in_the_apps_spelling(
    invoker: InlineInvoker,
) -> None:
    entity = Entity(EntityId("counter", "k"), T0, T0)
    settings = HubSettings(invoker.functions)
    result = await entity_batch(
        "@counter@k", entity, [CALL], invoker, settings, ManualClock(), Findings()
    )
    assert (result.exists, result.state) == (True, "5")
    assert invoker.calls == {"Counter": 1}


async def test_operations_of_an_unknown_entity_fail_without_an_invocation(
    invoker: InlineInvoker,
) -> None:
    entity = Entity(EntityId("counter", "k"), T0, T0, True, "7")
    settings = HubSettings(DurableFunctions())
    result = await entity_batch(
        "@counter@k", entity, [CALL], invoker, settings, ManualClock(), Findings()
    )
    assert (result.exists, result.state, len(result.outgoing)) == (True, "7", 1)
    assert invoker.calls == {}
