"""Diagnoses of instances in a store whose host does not run."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.store.interface import MessageRow, PutMessage
from embedded_host.task_hub.stored_diagnosis import stored_diagnosis
from tests.task_hub.kit import T0, HubUnderTest
from tests.task_hub.waiting_app import BEGAN, diagnosed, new_gated_hub


def stored(host: HubUnderTest, instance_id: str = "i-1") -> dict[str, Any]:
    row = host.store.instance("Hub", instance_id)
    assert row is not None
    return stored_diagnosis(host.store, "Hub", row).document()


@pytest.mark.parametrize("name", ["Waits", "Sleeps", "Several", "Grandparent", "CallsEntity"])
async def test_the_diagnosis_is_that_of_the_host(name: str) -> None:
    host, _ = new_gated_hub()
    await host.start(name)
    await host.raise_event("Goo") if name == "Waits" else None
    assert stored(host) == await diagnosed(host)


async def test_an_entity_is_diagnosed() -> None:
    host, _ = new_gated_hub()
    await host.start("CallsEntity")
    assert stored(host, "@counter@k")["text"] == "It is idle: no operation is queued."


async def test_a_suspended_instance_has_the_reason() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    await host.client.suspend("i-1", "lunch")
    await host.idle()
    assert stored(host) == await diagnosed(host)


async def test_a_message_in_the_inbox_waits_for_a_host() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    row = host.store.instance("Hub", "i-1")
    assert row is not None
    host.store.write(
        [PutMessage(MessageRow(99, row.key, None, None, h.event_raised(T0, "Go", "1")))]
    )
    assert stored(host)["text"] == (
        "A host must run its next turn: 1 message is in its inbox. "
        f"It waits for the external event 'Go' since {BEGAN}."
    )
