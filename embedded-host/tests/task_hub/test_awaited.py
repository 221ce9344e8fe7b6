"""What the store is told of what an orchestration awaits: for the lists, which cannot replay it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from embedded_host.store.interface import Change, SetAwaited
from embedded_host.store.sqlite import SqliteStore
from tests.task_hub.kit import Host
from tests.task_hub.waiting_app import new_host, until


def awaited(host: Host, instance_id: str = "i-1") -> list[tuple[str, str]]:
    row = host.store.instance("Hub", instance_id)
    assert row is not None
    return host.store.awaited(row.key)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[Change]:
    """Each ``SetAwaited``, in the order in which they were written."""
    seen: list[Change] = []
    stage = SqliteStore.stage

    def watched(self: SqliteStore, changes: Sequence[Change]) -> None:
        seen.extend(change for change in changes if isinstance(change, SetAwaited))
        stage(self, changes)

    monkeypatch.setattr(SqliteStore, "stage", watched)
    return seen


async def test_events_until_they_come(written: list[Change]) -> None:
    host, _ = new_host()
    await host.start("Several")
    assert awaited(host) == [("event", "Go"), ("event", "Stop")]
    await host.raise_event("Other")
    assert len(written) == 1, "nothing has changed, and nothing is written"
    await host.raise_event("go")
    assert awaited(host) == []


async def test_an_entitys_answer() -> None:
    host, invoker = new_host()
    invoker.entity_gate = asyncio.Event()
    await host.client.start("Asks", None, "i-1")
    await until(host, "@counter@k")
    assert awaited(host) == [("entity", "@counter@k")]
    invoker.entity_gate.set()
    await host.idle()
    assert awaited(host) == []


async def test_nothing_is_left_of_one_that_ends() -> None:
    host, _ = new_host()
    await host.start("Waits")
    await host.client.suspend("i-1", None)
    await host.idle()
    assert awaited(host) == [("event", "Go")]
    await host.client.terminate("i-1", None)
    await host.idle()
    assert awaited(host) == []


async def test_who_waits_for_nothing_of_this_costs_nothing(written: list[Change]) -> None:
    host, _ = new_host()
    await host.start("Works", "i-1", 3)
    await host.start("Sleeps", "i-2")
    assert written == []


async def test_after_a_restart_it_is_set_right() -> None:
    """An instance of which the store knows nothing: it is from a version before, or was imported."""
    host, invoker = new_host()
    await host.start("Several")
    row = host.store.instance("Hub", "i-1")
    assert row is not None
    host.store.write([SetAwaited(row.key, [])])
    await host.kill()
    next_host = Host(invoker, host.store, host.clock)
    await next_host.raise_event("Other")
    assert awaited(next_host) == [("event", "Go"), ("event", "Stop")]
