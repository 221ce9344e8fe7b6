"""Actions on all instances that match a query."""

from __future__ import annotations

import pytest

from embedded_host.store.interface import InstanceQuery
from embedded_host.task_hub import bulk_actions
from embedded_host.task_hub.bulk_actions import ACTIONS, act_on_all
from embedded_host.task_hub.client import InstanceFinishedError
from tests.task_hub.app import new_hub
from tests.task_hub.kit import HubUnderTest


async def family() -> HubUnderTest:
    """Return a hub with a finished parent and its two finished children."""
    host = new_hub()
    await host.start("Parent")
    return host


@pytest.mark.parametrize("action", ACTIONS)
async def test_instances_whose_status_does_not_allow_the_action_are_skipped(action: str) -> None:
    host = await family()
    result = await act_on_all(host.client, action, InstanceQuery(), None, 10)
    done = {"purge": 3, "restart": 1}.get(action, 0)
    assert (result.done, result.skipped, result.failed) == (done, 3 - done, 0)
    assert result.after_id is None


async def test_a_step_ends_after_its_time_and_names_the_last_examined_instance(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = await family()
    monkeypatch.setattr(bulk_actions, "BATCH", 2)
    first = await act_on_all(host.client, "purge", InstanceQuery(), None, 0)
    assert (first.done, first.after_id) == (2, "i-1:1")
    rest = await act_on_all(host.client, "purge", InstanceQuery(after_id="i-1:1"), None, 0)
    assert (rest.done, rest.after_id) == (1, None)


async def test_a_long_scan_ends_after_its_time_too(monkeypatch: pytest.MonkeyPatch) -> None:
    host = await family()
    monkeypatch.setattr(bulk_actions, "EXAMINED", 1)
    query = InstanceQuery(name="None")
    assert (await act_on_all(host.client, "purge", query, None, 0)).after_id == "i-1"


async def test_an_instance_that_has_changed_meanwhile_is_reported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = await family()
    monkeypatch.setattr(bulk_actions, "REPORTED", 2)

    async def gone(id: str, **_: object) -> int:
        raise InstanceFinishedError(id)

    monkeypatch.setattr(host.client, "purge", gone)
    result = await act_on_all(host.client, "purge", InstanceQuery(), None, 10)
    assert (result.done, result.failed) == (0, 3)
    assert result.errors == [("i-1", "i-1"), ("i-1:1", "i-1:1")]
