"""Awaited events and entity responses are stored for lists, which cannot replay instances."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from embedded_host.store.interface import Change, SetAwaited
from embedded_host.store.sqlite import SqliteStore
from tests.task_hub.kit import HubUnderTest
from tests.task_hub.waiting_app import new_gated_hub, until


def awaited(host: HubUnderTest, instance_id: str = "i-1") -> list[tuple[str, str]]:
    row = host.store.instance("Hub", instance_id)
    assert row is not None
    return host.store.awaited(row.key)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """Record the written ``SetAwaited`` changes in order."""
    seen: list[Change] = []
    stage = SqliteStore.stage

    def watched(self: SqliteStore, changes: Sequence[Change]) -> None:
        seen.extend(change for change in changes if isinstance(change, SetAwaited))
        stage(self, changes)

    monkeypatch.setattr(SqliteStore, "stage", watched)
    return seen


async def test_awaited_events_are_stored_until_they_arrive(written: list[Change]) -> None:
    host, _ = new_gated_hub()
    await host.start("Several")
    assert awaited(host) == [("event", "Go"), ("event", "Stop")]
    await host.raise_event("go")
    assert awaited(host) == []
    assert len(written) == 2


async def test_events_that_nothing_waits_for_are_stored(written: list[Change]) -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    await host.raise_event("Goo")
    assert awaited(host) == [("event", "Go"), ("undelivered", "Goo")]
    await host.raise_event("goo")
    assert len(written) == 2, "the names have not changed"
    await host.raise_event("Go")
    assert awaited(host) == []


async def test_an_awaited_response_of_an_entity_is_stored() -> None:
    host, invoker = new_gated_hub()
    invoker.entity_gate = asyncio.Event()
    await host.client.start("CallsEntity", None, "i-1")
    await until(host, "@counter@k")
    assert awaited(host) == [("entity", "@counter@k")]
    invoker.entity_gate.set()
    await host.idle()
    assert awaited(host) == []


async def test_a_terminated_instance_has_no_awaited_events() -> None:
    host, _ = new_gated_hub()
    await host.start("Waits")
    await host.client.suspend("i-1", None)
    await host.idle()
    assert awaited(host) == [("event", "Go")]
    await host.client.terminate("i-1", None)
    await host.idle()
    assert awaited(host) == []


async def test_activities_and_timers_write_no_awaited_rows(written: list[Change]) -> None:
    host, _ = new_gated_hub()
    await host.start("Works", "i-1", 3)
    await host.start("Sleeps", "i-2")
    assert written == []


async def test_the_turn_after_a_restart_stores_the_awaited_events_again() -> None:
    """An imported instance has no awaited rows either."""
    host, invoker = new_gated_hub()
    await host.start("Several")
    row = host.store.instance("Hub", "i-1")
    assert row is not None
    host.store.write([SetAwaited(row.key, [])])
    await host.kill()
    next_host = HubUnderTest(invoker, host.store, host.clock)
    await next_host.raise_event("Other")
    assert awaited(next_host) == [("event", "Go"), ("event", "Stop"), ("undelivered", "Other")]
