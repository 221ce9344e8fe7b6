"""Rewind of exhausted retries, and of instances whose children were purged."""

from __future__ import annotations

from typing import Any

import pytest

from tests.task_hub.app import new_hub
from tests.task_hub.kit import HubUnderTest


def kinds(host: HubUnderTest, instance_id: str = "i-1") -> list[str]:
    return [type(e).__name__ for e in host.client.history(host.row(instance_id))]


async def restarted(host: HubUnderTest, new_process: bool) -> HubUnderTest:
    if new_process:
        await host.kill()
        host = HubUnderTest(host.invoker, host.store, host.clock)
        host.hub.start()
    await host.idle()
    return host


@pytest.mark.parametrize("new_process", [False, True])
@pytest.mark.parametrize("failures", [3, 4])
async def test_a_rewound_retry_has_all_its_attempts_again(failures: int, new_process: bool) -> None:
    host = new_hub(flaky_failures=failures)
    await host.start("Retries")
    for _ in range(3):
        await host.advance(5)
    assert host.row().status == "Failed"
    assert host.invoker.calls["Flaky"] == 3
    await host.client.rewind("i-1", "fixed")
    host = await restarted(host, new_process)
    for _ in range(failures - 3):
        assert host.row().status == "Running"
        await host.advance(5)
    assert host.outcome() == ("Completed", "at last")
    assert host.invoker.calls["Flaky"] == failures + 1
    assert kinds(host).count("TimerCreated") == failures - 3
    assert host.left_over() == []


def failing_children(*numbers: int) -> HubUnderTest:
    """Return a host in which the children of Parent with these numbers fail once."""
    host = new_hub()
    failing = list(numbers)

    def double(n: Any) -> Any:
        if n in failing:
            failing.remove(n)
            raise ValueError("boom")
        return 2 * n

    host.invoker.activities["Double"] = double
    return host


@pytest.mark.parametrize("new_process", [False, True])
@pytest.mark.parametrize(("failing", "purged"), [((1,), (1,)), ((1, 2), (1, 2)), ((2,), (2,))])
async def test_rewind_creates_a_purged_sub_orchestration_again(
    failing: Any, purged: Any, new_process: bool
) -> None:
    host = failing_children(*failing)
    await host.start("Parent")
    assert host.row().status == "Failed"
    for n in purged:
        assert await host.client.purge(f"i-1:{n}") == 1
    await host.client.rewind("i-1", None)
    host = await restarted(host, new_process)
    assert host.outcome() == ("Completed", [4, 8])
    assert [host.outcome(f"i-1:{n}") for n in (1, 2)] == [("Completed", 4), ("Completed", 8)]
    assert host.left_over() == []


async def test_rewind_creates_a_purged_child_again_and_rewinds_a_failed_one() -> None:
    host = failing_children(1, 2)
    await host.start("Parent")
    await host.client.purge("i-1:1")
    await host.client.rewind("i-1", None)
    await host.idle()
    assert host.outcome() == ("Completed", [4, 8])
    assert "GenericEvent" in kinds(host, "i-1:2")
    assert "GenericEvent" not in kinds(host, "i-1:1")
    assert host.left_over() == []
