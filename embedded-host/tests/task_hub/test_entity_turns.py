"""The turns of entities."""

from __future__ import annotations

import asyncio

import pytest

from embedded_host.engine.entity_messages import EntityId
from tests.task_hub.app import new_hub
from tests.task_hub.kit import HubUnderTest

COUNTER = EntityId("counter", "k")


async def test_signals_are_processed_in_order_and_in_batches() -> None:
    host = new_hub(max_entity_batch=2)
    await asyncio.gather(
        *(host.client.signal_entity(COUNTER, "add", f'"{n}"') for n in (1, 2, 3, 4, 5))
    )
    await host.idle()
    stored = host.client.entity_state(COUNTER)
    assert stored is not None
    assert stored[1] == "15"
    assert stored[0].name == "@counter"
    assert 3 <= host.invoker.calls["Counter"] < 5
    assert host.left_over() == []


async def test_an_entity_keeps_its_state_after_a_restart_of_the_host() -> None:
    host = new_hub()
    await host.client.signal_entity(COUNTER, "add", '"1"')
    await host.idle()
    again = HubUnderTest(host.invoker, host.store, host.clock)
    again.hub.start()
    await again.client.signal_entity(COUNTER, "add", '"2"')
    await again.idle()
    stored = again.client.entity_state(COUNTER)
    assert stored is not None
    assert stored[1] == "3"


async def test_a_failed_signal_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    host = new_hub()
    await host.client.signal_entity(COUNTER, "explode", None)
    await host.idle()
    assert "Operation 'explode' of @counter@k failed: \"entity exploded\"" in caplog.text


async def test_an_unknown_entity_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    host = new_hub()
    await host.client.signal_entity(EntityId("missing", "k"), "add", None)
    await host.idle()
    assert "The function 'missing' doesn't exist" in caplog.text


@pytest.mark.parametrize("name", ["Go", "op"])
async def test_an_entity_ignores_external_events(name: str) -> None:
    host = new_hub()
    await host.client.signal_entity(COUNTER, "add", '"1"')
    await host.raise_event(name, {"n": 1}, "@counter@k")
    assert host.left_over() == []
    stored = host.client.entity_state(COUNTER)
    assert stored is not None
    assert stored[1] == "1"


async def test_an_entity_that_is_purged_during_a_turn_stays_deleted() -> None:
    host = new_hub()
    await host.client.signal_entity(COUNTER, "add", '"1"')
    assert await host.client.purge("@counter@k") == 1
    await host.idle()
    assert host.client.status("@counter@k") is None
    await host.client.signal_entity(COUNTER, "add", '"2"')
    await host.idle()
    stored = host.client.entity_state(COUNTER)
    assert stored is not None
    assert stored[1] == "2"
