"""The turns of entities."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.engine.entity_messages import EntityId
from embedded_host.parity.findings import Findings
from tests.task_hub.app import new_hub
from tests.task_hub.kit import HubUnderTest, InlineInvoker

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


@pytest.mark.parametrize(
    ("entity", "code", "detail"),
    [
        (lambda context: context.set_state({1}), "EH885", "TypeError: class <class 'set'>"),
        (lambda context: 1 / 0, "", ""),  # the SDK reports the failure of one operation
    ],
)
async def test_a_batch_that_azure_retries_forever_is_a_finding(
    entity: Callable[[Any], None], code: str, detail: str
) -> None:
    findings = Findings(HostJson())
    host = HubUnderTest(InlineInvoker({}, {}, {"Counter": entity}), findings=findings)
    await host.client.signal_entity(COUNTER, "add", None)
    await host.idle()
    found = [(f.kind.code, f.function, f.instances) for f in findings]
    assert found == ([(code, "counter", ["@counter@k"])] if code else [])
    assert all(detail in f.detail for f in findings)


async def test_a_lost_worker_is_no_batch_that_azure_retries() -> None:
    findings = Findings(HostJson())
    invoker = InlineInvoker({}, {}, {"Counter": lambda context: None})
    invoker.deaths["Counter"] = 3
    host = HubUnderTest(invoker, findings=findings)
    await host.client.signal_entity(COUNTER, "add", None)
    await host.idle()
    assert "EH885" not in [finding.kind.code for finding in findings]
