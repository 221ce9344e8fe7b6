"""The locks of orchestrations that have ended without releasing them."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest

from tests.task_hub.kit import HubUnderTest
from tests.task_hub.locking_app import LockingInvoker, use_scripts

A, B = "@tally@a", "@tally@b"
Steps = Generator[tuple[Any, ...], Any, Any]


@pytest.fixture(autouse=True)
def scripts(monkeypatch: pytest.MonkeyPatch) -> None:
    use_scripts(monkeypatch)


def holder(id: str) -> Steps:
    yield ("lock", [A, B])
    return (yield ("event", "Go"))


def caller(id: str) -> Steps:
    return (yield ("call", B, "called", id))


def new_host() -> HubUnderTest:
    return HubUnderTest(LockingInvoker({"Holder": holder, "Caller": caller}))


def owners(host: HubUnderTest) -> dict[str, str]:
    return {locked.id: locked.locked_by for locked in host.store.locked_entities("Hub")}


async def test_the_locks_of_a_finished_owner_are_released() -> None:
    host = new_host()
    await host.start("Holder", "i-1")
    await host.start("Caller", "i-2")
    assert await host.client.release_orphaned_locks() == 0
    await host.client.terminate("i-1", None)
    await host.idle()
    assert owners(host) == {A: "i-1", B: "i-1"}
    assert host.row("i-2").status == "Running"
    assert await host.client.release_orphaned_locks() == 2
    await host.idle()
    assert owners(host) == {}
    assert host.row("i-2").status == "Completed"
    assert await host.client.release_orphaned_locks() == 0


async def test_the_locks_of_a_purged_owner_are_released() -> None:
    host = new_host()
    await host.start("Holder", "i-1")
    await host.client.terminate("i-1", None)
    await host.idle()
    await host.client.purge("i-1")
    host = HubUnderTest(host.invoker, host.store, host.clock)
    host.hub.start()
    await host.idle()
    assert await host.client.release_orphaned_locks() == 2
    await host.idle()
    assert owners(host) == {}
