"""Queries on entities."""

from __future__ import annotations

import asyncio

from embedded_host.engine.entity_messages import EntityId
from embedded_host.store.interface import InstanceQuery, SaveEntity
from embedded_host.task_hub.entity_queries import BATCH, EntityQueries
from tests.task_hub.app import new_hub
from tests.task_hub.kit import HubUnderTest


async def add(host: HubUnderTest, key: str) -> None:
    await host.client.signal_entity(EntityId("counter", key), "add", '"1"')
    await host.idle()


async def test_an_entity_has_a_state_and_a_backlog() -> None:
    host = new_hub()
    queries = EntityQueries(host.hub)
    assert queries.get("@counter@k") is None
    await add(host, "k")
    status = queries.get("@counter@k")
    assert status is not None
    assert (status.state, status.backlog, status.locked_by) == ("1", 0, None)
    await host.client.signal_entity(EntityId("counter", "k"), "add", '"1"')
    waiting = queries.get("@counter@k")
    assert waiting is not None
    assert waiting.backlog == 1
    await host.idle()


async def test_an_orchestration_is_not_an_entity() -> None:
    host = new_hub()
    await host.start("Waits", "@counter@k")
    queries = EntityQueries(host.hub)
    assert queries.get("@counter@k") is None
    assert await queries.page(InstanceQuery(), 10, include_transient=True) == ([], None)


async def test_a_page_has_the_id_of_its_last_entity() -> None:
    host, count = new_hub(), BATCH + 3
    for number in range(count):
        await add(host, f"{number:03}")
    queries = EntityQueries(host.hub)
    found, last = await queries.page(InstanceQuery(), BATCH + 1, include_transient=False)
    assert (len(found), last) == (BATCH + 1, f"@counter@{BATCH:03}")
    found, last = await queries.page(InstanceQuery(after_id=last), 10, include_transient=False)
    assert (len(found), last) == (2, None)


async def test_transient_entities_are_left_out_of_a_page_on_request() -> None:
    host = new_hub()
    for key in "ab":
        await add(host, key)
    host.store.write([SaveEntity(host.row("@counter@a").key, False, None)])
    queries = EntityQueries(host.hub)
    for include, ids in ((True, ["@counter@a", "@counter@b"]), (False, ["@counter@b"])):
        found, _ = await queries.page(InstanceQuery(), 10, include_transient=include)
        assert [status.row.id for status in found] == ids


async def test_an_entity_with_operations_is_not_empty() -> None:
    host = new_hub()
    queries = EntityQueries(host.hub)
    signal = asyncio.ensure_future(
        host.client.signal_entity(EntityId("counter", "k"), "add", '"1"')
    )
    await asyncio.sleep(0)
    assert await queries.remove_empty() == 0
    await signal
    await host.idle()
    assert await queries.remove_empty() == 0
    host.store.write([SaveEntity(host.row("@counter@k").key, False, None)])
    assert await queries.remove_empty() == 1
    assert host.client.status("@counter@k") is None
