"""The methods for entities, beyond the recorded calls."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_host.sidecar import entities
from embedded_worker.rpc_protocol import RpcStatus
from tests.sidecar.kit import ServiceUnderTest


async def ids(service: ServiceUnderTest, **query: Any) -> list[str]:
    response = await service.ok("QueryEntities", query=query)
    return [entity["instanceId"] for entity in response.get("entities", [])]


async def test_names_ignore_case() -> None:
    service = ServiceUnderTest()
    await service.signal("@Tally@K", "add", 4)
    found = await service.ok("GetEntity", instanceId="@TALLY@K", includeState=True)
    assert (found["entity"]["instanceId"], found["entity"]["serializedState"]) == ("@tally@K", "4")
    assert await service.ok("GetEntity", instanceId="@tally@k") == {}


async def test_a_signal_to_an_unknown_entity_is_lost(caplog: pytest.LogCaptureFixture) -> None:
    service = ServiceUnderTest()
    await service.signal("@nosuch@k", "add", 4)
    assert await ids(service, includeTransient=True) == []
    assert "EH403" in caplog.text


async def test_a_signal_to_an_orchestration_is_refused() -> None:
    service = ServiceUnderTest()
    await service.start("Waits", "@tally@k")
    status, _ = await service.call("SignalEntity", instanceId="@tally@k", name="add")
    assert status == RpcStatus.INVALID_ARGUMENT


async def test_a_delayed_signal_is_delivered_at_its_time_also_after_a_restart() -> None:
    service = ServiceUnderTest()
    await service.signal("@tally@k", "add", 4, scheduledTime="2026-01-02T03:04:15Z")
    assert await service.ok("GetEntity", instanceId="@tally@k") == {}
    await service.host.kill()
    again = ServiceUnderTest(store=service.host.store, clock=service.host.clock)
    again.host.hub.start()
    await again.host.advance(9)
    assert await again.ok("GetEntity", instanceId="@tally@k") == {}
    await again.host.advance(1)
    assert (await again.ok("GetEntity", instanceId="@tally@k"))["exists"]


async def test_an_entity_without_a_state_is_transient() -> None:
    service = ServiceUnderTest()
    await service.signal("@tally@k", "add", 4)
    await service.signal("@tally@k", "forget")
    assert await service.ok("GetEntity", instanceId="@tally@k", includeState=True) == {}
    assert await ids(service) == []
    assert await ids(service, includeTransient=True) == ["@tally@k"]


async def test_a_query_filters_entities() -> None:
    service = ServiceUnderTest()
    await service.signal("@counter@a", "add", 1)
    await service.host.advance(10)
    await service.signal("@tally@a", "add", 1)
    await service.signal("@tally@b", "add", 1)
    await service.start("Waits", "@tally@c")
    assert await ids(service) == ["@counter@a", "@tally@a", "@tally@b"]
    assert await ids(service, instanceIdStartsWith="@tally@") == ["@tally@a", "@tally@b"]
    assert await ids(service, lastModifiedTo="2026-01-02T03:04:14Z") == ["@counter@a"]
    assert await ids(service, lastModifiedFrom="2026-01-02T03:04:14Z") == ["@tally@a", "@tally@b"]
    for include in (True, False):
        response = await service.ok("QueryEntities", query={"includeState": include})
        assert all(("serializedState" in e) is include for e in response["entities"])


async def pages(service: ServiceUnderTest, **query: Any) -> list[list[str]]:
    found: list[list[str]] = []
    token: dict[str, str] = {}
    while True:
        response = await service.ok("QueryEntities", query={**query, **token})
        found.append([entity["instanceId"][-1] for entity in response.get("entities", [])])
        if "continuationToken" not in response:
            return found
        token = {"continuationToken": response["continuationToken"]}


async def test_a_query_has_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    service = ServiceUnderTest()
    for key in "abcde":
        await service.signal(f"@tally@{key}", "add", 1000)
    assert await pages(service, pageSize=2) == [["a", "b"], ["c", "d"], ["e"]]
    assert await pages(service) == [list("abcde")]
    monkeypatch.setattr(entities, "PAGE_CHARACTERS", 7)
    assert await pages(service, includeState=True) == [["a", "b"], ["c", "d"], ["e"]]


async def test_cleaning_removes_entities_without_a_state_or_operations() -> None:
    service = ServiceUnderTest()
    await service.signal("@tally@kept", "add", 1)
    await service.signal("@tally@later", "add", 1, scheduledTime="2026-01-02T03:04:15Z")
    for key in ("empty-1", "empty-2"):
        await service.signal(f"@tally@{key}", "add", 1)
        await service.signal(f"@tally@{key}", "forget")
    assert await service.ok("CleanEntityStorage", releaseOrphanedLocks=True) == {}
    clean = await service.ok("CleanEntityStorage", removeEmptyEntities=True)
    assert clean == {"emptyEntitiesRemoved": 2}
    assert await ids(service, includeTransient=True) == ["@tally@kept", "@tally@later"]
    await service.signal("@tally@empty-1", "add", 5)
    await service.host.advance(10)
    assert await ids(service) == ["@tally@empty-1", "@tally@kept", "@tally@later"]
