"""Operations of clients on instances."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from embedded_host.engine.entity_messages import EntityId
from embedded_host.store.interface import Change, InstanceQuery, InstanceRow, SaveInstance, SetInput
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.client import (
    PAGE,
    InstanceExistsError,
    InstanceFinishedError,
    InstanceNotFoundError,
    InstanceStatusError,
)
from embedded_host.task_hub.commit import GroupCommit
from embedded_host.task_hub.purging import BATCH
from tests.support.polling import eventually_async
from tests.task_hub.app import new_hub
from tests.task_hub.kit import T0, HubUnderTest

# The SDK warns of events that no wait is for yet.
pytestmark = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")


def kinds(host: HubUnderTest, instance_id: str = "i-1") -> list[str]:
    silent = ("OrchestratorStarted", "OrchestratorCompleted")
    names = [type(e).__name__ for e in host.client.history(host.row(instance_id))]
    return [name for name in names if name not in silent]


async def rounds(count: int) -> None:
    """Let the event loop run ``count`` times."""
    for _ in range(count):
        await asyncio.sleep(0)


async def finished(host: HubUnderTest, name: str = "Chain", instance_id: str = "i-1") -> None:
    await host.start(name, instance_id)
    assert host.row(instance_id).status in ("Completed", "Failed")


# -- start -----------------------------------------------------------------------------------------


async def test_a_start_is_durable_before_it_returns() -> None:
    host = new_hub()
    assert await host.client.start("Chain", '"3"', "i-1") == "i-1"
    row = host.row()
    assert (row.status, row.name, row.created, row.updated, row.generation) == (
        "Pending",
        "Chain",
        T0,
        T0,
        0,
    )
    assert host.client.input(row) == '"3"'
    await host.idle()
    assert host.outcome() == ("Completed", 12)


async def test_a_start_without_an_id_generates_one() -> None:
    host = new_hub()
    ids = {await host.client.start("Chain") for _ in range(3)}
    await host.idle()
    assert len(ids) == 3
    assert all(len(id) == 32 for id in ids)


@pytest.mark.parametrize("status", ["Running", "Suspended", "Pending"])
async def test_a_start_with_the_id_of_an_unfinished_instance_is_refused(status: str) -> None:
    host = new_hub()
    if status == "Pending":
        await host.client.start("Waits", None, "i-1")
    else:
        await host.start("Waits")
    if status == "Suspended":
        await host.client.suspend("i-1", None)
        await host.idle()
    with pytest.raises(InstanceExistsError) as caught:
        await host.client.start("Chain", None, "i-1")
    assert caught.value.status == status
    assert (
        str(caught.value) == f"An Orchestration instance with the status {status} already exists."
    )


async def test_concurrent_starts_with_an_id_create_one_instance() -> None:
    host = new_hub()
    starts = (host.client.start("Chain", None, "i-1"), host.client.start("Chain", None, "i-1"))
    results = await asyncio.gather(*starts, return_exceptions=True)
    assert [type(result) for result in results] == [str, InstanceExistsError]
    await host.idle()


async def test_a_finished_instance_is_replaced() -> None:
    host = new_hub()
    await finished(host, "Fails")
    key = host.row().key
    await host.start("Chain")
    row = host.row()
    assert (row.status, row.name, row.generation, row.key != key) == ("Completed", "Chain", 1, True)
    assert host.store.history(key) == []


async def test_any_instance_is_replaced_if_host_json_allows_it() -> None:
    host = new_hub(any_state_is_overridable=True)
    await host.start("Waits")
    await host.start("Sleeps", input=10)
    await host.start("Chain")
    assert host.outcome() == ("Completed", 4)
    await host.advance(10)
    assert host.outcome() == ("Completed", 4)
    assert host.left_over() == []


async def test_an_instance_that_is_replaced_during_a_turn_records_no_result() -> None:
    host = new_hub(any_state_is_overridable=True)
    await host.client.start("Waits", None, "i-1")
    await asyncio.sleep(0)
    await host.start("Chain")
    assert (host.outcome(), host.row().custom_status) == (("Completed", 4), None)


# -- requests to unfinished instances --------------------------------------------------------------


async def test_early_events_are_kept_for_a_later_wait() -> None:
    host = new_hub()
    await host.client.start("Waits", None, "i-1")
    await host.client.raise_event("i-1", "Other", "1")
    await host.client.raise_event("i-1", "Go", '{"n":1}')
    await host.idle()
    assert host.outcome() == ("Completed", {"n": 1})


async def test_terminate_ends_an_instance_and_deletes_its_messages() -> None:
    host = new_hub()
    await host.start("Sleeps", input=10)
    await host.client.terminate("i-1", "enough")
    await host.idle()
    assert host.outcome() == ("Terminated", "enough")
    assert kinds(host)[-2:] == ["ExecutionTerminated", "ExecutionCompleted"]
    assert host.left_over() == []
    await host.advance(10)
    assert host.outcome() == ("Terminated", "enough")


async def test_terminate_does_not_end_sub_orchestrations() -> None:
    host = new_hub()
    host.invoker.gate = asyncio.Event()
    await host.client.start("Parent", None, "i-1")
    await rounds(20)
    assert host.client.status("i-1:1") is not None
    await host.client.terminate("i-1", None)
    host.invoker.gate.set()
    await host.idle()
    assert host.outcome() == ("Terminated", None)
    assert host.outcome("i-1:1") == ("Completed", 4)
    assert host.left_over() == []


async def test_a_suspended_instance_continues_on_resume() -> None:
    host = new_hub()
    await host.start("Waits")
    with pytest.raises(InstanceStatusError, match="Running"):
        await host.client.resume("i-1", None)
    await host.client.suspend("i-1", "pause")
    await host.idle()
    assert (host.row().status, host.row().output) == ("Suspended", "pause")
    with pytest.raises(InstanceStatusError, match="Suspended"):
        await host.client.suspend("i-1", None)
    await host.raise_event("Go", 1)
    assert host.row().status == "Suspended"
    await host.client.resume("i-1", "continue")
    await host.idle()
    assert host.outcome() == ("Completed", 1)
    assert kinds(host)[1:4] == ["ExecutionSuspended", "EventRaised", "ExecutionResumed"]


@pytest.mark.parametrize("action", ["terminate", "suspend", "resume", "raise_event"])
async def test_requests_to_finished_or_unknown_instances_are_refused(action: str) -> None:
    host = new_hub()
    await finished(host)
    arguments: tuple[Any, ...] = ("Go", "1") if action == "raise_event" else (None,)
    with pytest.raises(InstanceFinishedError):
        await getattr(host.client, action)("i-1", *arguments)
    with pytest.raises(InstanceNotFoundError):
        await getattr(host.client, action)("unknown", *arguments)


# -- restart and rewind ----------------------------------------------------------------------------


async def test_restart_with_a_new_id_repeats_the_input() -> None:
    host = new_hub()
    await host.start("Chain", input=5)
    new = await host.client.restart("i-1", new_instance_id=True)
    await host.idle()
    assert new != "i-1"
    assert host.outcome(new) == ("Completed", 20)
    with pytest.raises(InstanceNotFoundError):
        await host.client.restart("unknown", new_instance_id=True)


async def test_restart_without_a_new_id_replaces_a_finished_instance() -> None:
    host = new_hub()
    await host.start("Chain", input=5)
    assert await host.client.restart("i-1", new_instance_id=False) == "i-1"
    await host.idle()
    assert (host.outcome(), host.row().generation) == (("Completed", 20), 1)
    await host.start("Waits", "i-2")
    with pytest.raises(InstanceExistsError):
        await host.client.restart("i-2", new_instance_id=False)


def failing_once() -> HubUnderTest:
    host = new_hub()
    doubles = iter([ValueError("boom")])

    def double(n: int) -> int:
        for error in doubles:
            raise error
        return 2 * n

    host.invoker.activities["Double"] = double
    return host


@pytest.mark.parametrize(("name", "output"), [("Chain", 4), ("Parent", [4, 8])])
@pytest.mark.parametrize("new_process", [False, True])
async def test_rewind_continues_before_the_failure(
    name: str, output: Any, new_process: bool
) -> None:
    host = failing_once()
    await host.start(name)
    assert host.row().status == "Failed"
    await host.client.rewind("i-1", "fixed")
    if new_process:
        await host.kill()
        host = HubUnderTest(host.invoker, host.store, host.clock)
        host.hub.start()
    await host.idle()
    assert host.outcome() == ("Completed", output)
    assert "GenericEvent" in kinds(host)
    assert host.left_over() == []


async def test_a_rewound_instance_that_fails_again_has_the_same_output() -> None:
    host = new_hub()

    def boom(_: Any) -> None:
        raise ValueError("boom")

    host.invoker.activities["Double"] = boom
    await host.start("Chain")
    before = host.outcome()
    assert before[0] == "Failed"
    await host.client.rewind("i-1", None)
    await host.idle()
    assert host.outcome() == before
    assert host.invoker.calls["Double"] == 2


async def test_rewind_of_an_instance_that_has_not_failed_is_refused() -> None:
    host = new_hub()
    await finished(host)
    with pytest.raises(InstanceStatusError, match="Completed"):
        await host.client.rewind("i-1", None)
    with pytest.raises(InstanceNotFoundError):
        await host.client.rewind("unknown", None)


# -- purge and list --------------------------------------------------------------------------------


async def test_purge_deletes_a_finished_instance_and_its_data() -> None:
    host = new_hub()
    await finished(host)
    key = host.row().key
    assert await host.client.purge("i-1") == 1
    assert host.client.status("i-1") is None
    assert (host.store.history(key), host.store.input(key)) == ([], None)
    with pytest.raises(InstanceNotFoundError):
        await host.client.purge("i-1")
    await host.start("Waits")
    with pytest.raises(InstanceStatusError, match="Running"):
        await host.client.purge("i-1")


async def test_a_purge_by_filter_never_deletes_unfinished_instances() -> None:
    host = new_hub()
    await finished(host, "Chain", "a")
    await finished(host, "Fails", "b")
    await host.start("Waits", "c")
    await host.client.signal_entity(EntityId("counter", "k"), "add", '"1"')
    await host.idle()
    assert await host.client.purge_many(InstanceQuery(statuses=("Running",))) == 0
    assert await host.client.purge_many(InstanceQuery(created_from=T0 + timedelta(seconds=1))) == 0
    assert await host.client.purge_many(InstanceQuery(statuses=("Failed", "Running"))) == 1
    assert await host.client.purge_many(InstanceQuery()) == 1
    assert [row.id for row in await host.client.list(InstanceQuery(), 9)] == ["@counter@k", "c"]


async def test_a_purge_by_filter_yields_to_the_event_loop_after_each_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = new_hub()
    rows = [
        InstanceRow(
            1000 + n,
            host.hub.name,
            f"old-{n:03}",
            "Any",
            ("Completed", "Running")[n % 5 == 0],
            T0,
            T0,
            "e",
        )
        for n in range(2 * BATCH + 20)
    ]
    host.hub.store.write(list(map(SaveInstance, rows)))
    events: list[int | str] = []
    write = host.hub.store.write

    def recorded(changes: Sequence[Change]) -> None:
        events.append(len(changes))
        write(changes)

    async def others() -> None:
        while True:
            events.append("others")
            await asyncio.sleep(0)

    monkeypatch.setattr(host.hub.store, "write", recorded)
    other = asyncio.ensure_future(others())
    assert await host.client.purge_many(InstanceQuery()) == 96
    other.cancel()
    deletions = [at for at, event in enumerate(events) if event != "others"]
    assert [events[at] for at in deletions] == [40, 40, 16]
    assert all("others" in events[first:second] for first, second in pairwise(deletions))
    assert {row.status for row in await host.client.list(InstanceQuery(), 1000)} == {"Running"}


async def test_the_state_file_shrinks_after_a_purge_while_the_hub_runs(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    store = SqliteStore(path, fsync=False)
    commit = GroupCommit(store)
    host = new_hub(store=store, commit=lambda _: commit)
    rows = [
        InstanceRow(n, host.hub.name, f"old-{n}", "Any", "Completed", T0, T0, "e")
        for n in range(1000, 1400)
    ]
    store.write(
        [change for row in rows for change in (SaveInstance(row), SetInput(row.key, "x" * 16_000))]
    )
    full = path.stat().st_size
    assert full > 6_000_000
    assert await host.client.purge_many(InstanceQuery()) == 400
    await eventually_async(lambda: path.stat().st_size < full / 4, "the file is smaller")
    assert await host.client.list(InstanceQuery(), 10) == []
    await commit.close()
    store.close()


async def test_a_long_list_yields_to_the_event_loop_after_each_page() -> None:
    host = new_hub()
    count = 2 * PAGE + 10
    rows = [
        InstanceRow(n + 1, host.hub.name, f"i-{n:05}", "Any", "Completed", T0, T0, "e")
        for n in range(count)
    ]
    host.hub.store.write(list(map(SaveInstance, rows)))
    rounds = 0

    async def others() -> None:
        nonlocal rounds
        while True:
            rounds += 1
            await asyncio.sleep(0)

    other = asyncio.ensure_future(others())
    for limit in (1, PAGE, PAGE + 1, count, 2**31):
        rounds = 0
        assert [row.id for row in await host.client.list(InstanceQuery(), limit)] == [
            row.id for row in rows
        ][:limit]
        assert rounds >= (min(limit, count) - 1) // PAGE
    other.cancel()


# -- wait ------------------------------------------------------------------------------------------


async def test_a_wait_ends_when_the_instance_finishes() -> None:
    host = new_hub()
    await host.start("Waits")
    waiters = [asyncio.ensure_future(host.client.wait("i-1", 60)) for _ in range(2)]
    await asyncio.sleep(0)
    await host.raise_event("Go", 1)
    rows = await asyncio.gather(*waiters)
    assert [row.output for row in rows if row] == ["1", "1"]
    assert not host.hub.completion_waiters.has("i-1")


async def test_a_wait_ends_after_its_timeout() -> None:
    host = new_hub()
    await host.start("Waits")
    row = await host.client.wait("i-1", 0.01)
    assert row is not None
    assert row.status == "Running"
    assert not host.hub.completion_waiters.has("i-1")


async def test_a_wait_for_a_finished_or_unknown_instance_returns_at_once() -> None:
    host = new_hub()
    await finished(host)
    row = await host.client.wait("i-1", 60)
    assert row is not None
    assert row.status == "Completed"
    assert await host.client.wait("unknown", 60) is None
