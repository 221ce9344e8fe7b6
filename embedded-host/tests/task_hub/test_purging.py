"""The deletion of instances."""

from __future__ import annotations

from dataclasses import replace

import pytest

from embedded_host.app.definitions import HostJson
from embedded_host.engine.events import ParentInstance
from embedded_host.engine.history import parent_instance
from embedded_host.engine.json_codec import compact
from embedded_host.parity.findings import Findings
from embedded_host.store.interface import InstanceQuery, SaveInstance
from embedded_host.task_hub import purging
from tests.parity.kit import codes
from tests.task_hub.app import new_hub
from tests.task_hub.kit import HubUnderTest


async def family() -> HubUnderTest:
    """Return a hub with a finished parent and its two finished children."""
    host = new_hub()
    await host.start("Parent")
    assert host.outcome() == ("Completed", [4, 8])
    return host


def ids(host: HubUnderTest) -> list[str]:
    return [row.id for row in host.store.list("Hub", InstanceQuery(), 100)]


async def test_a_purge_deletes_the_given_instances_only() -> None:
    host = await family()
    assert await purging.purge(host.hub, [host.row()]) == 1
    assert ids(host) == ["i-1:1", "i-1:2"]
    assert await purging.purge(host.hub, []) == 0


async def test_a_recursive_purge_deletes_each_descendant_once() -> None:
    host = await family()
    rows = [host.row(), host.row("i-1:1")]
    assert await purging.purge(host.hub, rows, recursive=True) == 3
    assert ids(host) == []


@pytest.mark.parametrize("parent", [None, parent_instance("Parent", "other", "e", 0)])
async def test_a_recursive_purge_keeps_instances_that_are_not_finished_children(
    parent: ParentInstance | None,
) -> None:
    host = await family()
    unfinished, stranger = host.row("i-1:1"), host.row("i-1:2")
    await host.client.purge("i-1:2")
    host.store.write([SaveInstance(replace(unfinished, status="Running"))])
    host.store.write([SaveInstance(replace(stranger, key=99, parent=parent))])
    assert await purging.purge(host.hub, [host.row()], recursive=True) == 1
    assert ids(host) == ["i-1:1", "i-1:2"]


@pytest.mark.parametrize(("recursive", "left"), [(True, []), (False, ["i-1:1", "i-1:2"])])
async def test_many_are_purged_with_their_children_on_request(
    recursive: bool, left: list[str]
) -> None:
    host = await family()
    purged = await purging.purge_many(host.hub, InstanceQuery(name="Parent"), recursive=recursive)
    assert purged == purging.Purged(3 - len(left), is_complete=True)
    assert ids(host) == left


async def test_a_time_limit_ends_a_purge_after_a_batch() -> None:
    host = new_hub()
    for number in range(purging.BATCH + 1):
        await host.client.start("Chain", compact("1"), f"i-{number:03}")
    await host.idle()
    first = await purging.purge_many(host.hub, InstanceQuery(), seconds=0)
    assert first == purging.Purged(purging.BATCH, is_complete=False)
    second = await purging.purge_many(host.hub, InstanceQuery(), seconds=60)
    assert second == purging.Purged(1, is_complete=True)


async def test_unfinished_instances_are_not_purged() -> None:
    host = new_hub()
    await host.start("Waits")
    for query in (InstanceQuery(), InstanceQuery(statuses=("Running",))):
        assert (await purging.purge_many(host.hub, query)).count == 0
    assert ids(host) == ["i-1"]


async def test_a_recursive_purge_with_children_is_a_finding() -> None:
    findings = Findings(HostJson())
    host = new_hub(findings=findings)
    await host.start("Parent")
    await host.client.purge("i-1:1", recursive=True)  # it has no children
    assert codes(findings) == []
    await host.client.purge("i-1", recursive=True)
    assert codes(findings) == [("EH808", "Parent")]
    assert ids(host) == []


async def test_a_recursive_purge_of_a_strict_host_leaves_the_children() -> None:
    findings = Findings(HostJson())
    host = new_hub(findings=findings, strict=True)
    await host.start("Parent")
    assert await host.client.purge("i-1", recursive=True) == 1
    assert ids(host) == ["i-1:1", "i-1:2"]
    assert codes(findings) == [("EH808", "Parent")]


async def test_a_strict_host_purges_children_on_another_storage() -> None:
    host = new_hub(findings=Findings(HostJson(uses_azure_storage=False)), strict=True)
    await host.start("Parent")
    assert await host.client.purge("i-1", recursive=True) == 3


@pytest.mark.parametrize(
    ("host_json", "recursive"), [(HostJson(uses_azure_storage=False), True), (HostJson(), False)]
)
async def test_a_purge_that_azure_runs_too_is_no_finding(
    host_json: HostJson, recursive: bool
) -> None:
    findings = Findings(host_json)
    host = new_hub(findings=findings)
    await host.start("Parent")
    await host.client.purge("i-1", recursive=recursive)
    assert codes(findings) == []
