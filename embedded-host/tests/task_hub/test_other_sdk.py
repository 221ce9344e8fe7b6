"""Instances that an earlier version of the app has started with another version of the SDK."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from embedded_host.engine.functions import DurableFunctions
from embedded_host.engine.invocations import (
    OrchestratorDecisions,
    OrchestratorInput,
    OrchestratorResult,
)
from tests.task_hub.kit import HubUnderTest, InlineInvoker, ManualClock
from tests.task_hub.waiting_app import diagnosed, waits


class InvokerOfSdk2(InlineInvoker):
    """An app for SDK 2.x whose orchestrators wait for a task that never completes."""

    @property
    def functions(self) -> DurableFunctions:
        return DurableFunctions.of(["Waits"], protocol=2)

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        return OrchestratorDecisions(())


async def hub_of_sdk_2(count: int) -> HubUnderTest:
    """Return a hub of an app for SDK 2.x whose store has instances of SDK 1.x."""
    before = HubUnderTest(InlineInvoker({"Waits": waits}))
    for number in range(count):
        await before.start("Waits", f"i-{number}")
    return HubUnderTest(InvokerOfSdk2({}), before.store, before.clock)


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "EH411" in record.getMessage()]


async def test_an_instance_is_reported_at_the_start_and_not_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = await hub_of_sdk_2(1)
    host.hub.start()
    [text] = logged(caplog)
    assert text.startswith(
        "The instance 'i-0' of 'Waits' waits, because it was started with version 1.x of "
        "azure-functions-durable, and the app now uses 2.x"
    )
    await host.client.raise_event("i-0", "Go", "1")
    await host.idle()
    host.hub.reload(host.invoker.functions)
    assert logged(caplog) == [text]


async def test_several_instances_are_reported_together(caplog: pytest.LogCaptureFixture) -> None:
    host = await hub_of_sdk_2(7)
    host.hub.start()
    [text] = logged(caplog)
    assert text.startswith("7 instances wait, because they were started with version 1.x of")
    assert "'i-3' of 'Waits', 'i-4' of 'Waits' and 2 more. Start" in text


async def test_a_reload_with_another_sdk_reports_the_instances(
    caplog: pytest.LogCaptureFixture,
) -> None:
    host = HubUnderTest(InlineInvoker({"Waits": waits}))
    host.hub.start()
    await host.start("Waits")
    assert logged(caplog) == []
    host.hub.reload(DurableFunctions.of(["Waits"], protocol=2))
    assert len(logged(caplog)) == 1


async def test_the_diagnosis_has_the_reason_without_a_replay() -> None:
    host = await hub_of_sdk_2(1)
    document: Any = await diagnosed(host, "i-0")
    assert document["waitsFor"] == []
    assert document["text"].startswith("It waits, because it was started with version 1.x of")
    assert document["text"].endswith("[EH411]")


async def test_a_stalled_instance_is_reported_with_the_reason(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    host = await hub_of_sdk_2(1)
    host.hub.start()
    caplog.clear()
    host.clock.advance(31)
    host.hub.stalls.timer.fire_due()
    [text] = logged(caplog)
    assert text.startswith("Instance 'i-0' of 'Waits': It waits, because it was started with")


async def test_a_task_that_never_completes_is_explained(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    host = HubUnderTest(InvokerOfSdk2({}), clock=ManualClock())
    await host.start("Waits")
    text = (await diagnosed(host))["text"]
    assert text.startswith("It waits for a task that is not a call, a timer or an event")
    host.clock.advance(31)
    host.hub.stalls.timer.fire_due()
    assert f"Instance 'i-1' of 'Waits': {text}" in caplog.messages
