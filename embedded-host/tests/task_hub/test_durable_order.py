"""Nothing leaves before it is durable; only orchestrators, which have no effects of their own, may run ahead of the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from embedded_host.engine.entity_messages import EntityId
from embedded_host.store.interface import Change, Store
from embedded_host.task_hub.client import InstanceExistsError
from embedded_host.task_hub.commit import Commit
from tests.task_hub.app import new_hub
from tests.task_hub.kit import HubUnderTest


class HeldCommit:
    """Writes one recording at a time, when it is told to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[tuple[Sequence[Change], asyncio.Future[None]]] = []

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.asked.append((changes, done))
        return done

    def release_space(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def write_one(self) -> None:
        self.write_and_tell_nobody().set_result(None)
        await rounds()

    def write_and_tell_nobody(self) -> asyncio.Future[None]:
        """As the thread that writes has left it, when the event loop has not heard of it yet."""
        changes, done = self.asked.pop(0)
        self._store.write(changes)
        return done


async def rounds() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


def held_host() -> tuple[HubUnderTest, HeldCommit]:
    held: list[HeldCommit] = []

    def commit(store: Store) -> Commit:
        held.append(HeldCommit(store))
        return held[0]

    host = new_hub(commit=commit)
    return host, held[0]


async def write_all(disk: HeldCommit) -> None:
    while disk.asked:
        await disk.write_one()


async def test_an_orchestrator_runs_ahead_of_the_disk_and_nothing_else_does() -> None:
    host, disk = held_host()
    calls = host.invoker.calls
    starting = asyncio.ensure_future(host.client.start("Chain", None, "i-1"))
    await rounds()
    assert calls == {"Chain": 1}, "its first turn has run"
    assert (starting.done(), host.client.status("i-1")) == (False, None), "nobody hears of it"
    assert len(disk.asked) == 2, "its start, and then its first turn"

    await disk.write_one()
    assert starting.done()
    assert host.row().status == "Pending"
    assert calls["Double"] == 0, "the activity waits for the turn that scheduled it"

    await disk.write_one()
    assert host.row().status == "Running"
    assert calls == {"Chain": 2, "Double": 1}, (
        "the activity ran, and its result's turn runs ahead again"
    )

    await disk.write_one()
    assert calls == {"Chain": 3, "Double": 2}
    waiting = asyncio.ensure_future(host.client.wait("i-1", 30))
    await rounds()
    assert not waiting.done(), "the last turn has run, but is not on disk"
    await disk.write_one()
    assert waiting.done()
    assert host.outcome() == ("Completed", 4)
    assert not disk.asked


async def test_an_entity_waits_for_its_message_to_be_durable() -> None:
    host, disk = held_host()
    starting = asyncio.ensure_future(host.client.start("AsksEntity", None, "i-1"))
    await rounds()
    await disk.write_one()
    assert starting.done()
    assert host.invoker.calls == {"AsksEntity": 1}
    await disk.write_one()
    assert host.invoker.calls["Counter"] == 1


async def test_an_id_conflict_is_reported_once_the_instance_is_durable() -> None:
    """Else who is told so relies on an instance that dies with the host."""
    host, disk = held_host()
    first = asyncio.ensure_future(host.client.start("Waits", None, "i-1"))
    await rounds()
    second = asyncio.ensure_future(host.client.start("Waits", None, "i-1"))
    await rounds()
    assert not second.done()
    await write_all(disk)
    assert await first == "i-1"
    with pytest.raises(InstanceExistsError):
        await second


async def test_an_id_is_free_as_soon_as_its_end_can_be_seen() -> None:
    host, disk = held_host()
    asyncio.ensure_future(host.client.start("Waits", None, "i-1"))  # noqa: RUF006 - the loop of the test outlives it
    await rounds()
    await write_all(disk)
    asyncio.ensure_future(host.client.raise_event("i-1", "Go", "1"))  # noqa: RUF006
    await rounds()
    await disk.write_one()
    ended = disk.write_and_tell_nobody()
    assert host.row().status == "Completed"
    again = asyncio.ensure_future(host.client.start("Waits", None, "i-1"))
    await rounds()
    ended.set_result(None)
    await rounds()
    await write_all(disk)
    assert await again == "i-1"
    assert host.row().status == "Running"


async def test_of_two_requests_for_a_released_id_the_second_conflicts_once_the_first_is_durable() -> (
    None
):
    host, disk = held_host()
    asyncio.ensure_future(host.client.start("Waits", None, "i-1"))  # noqa: RUF006
    await rounds()
    await write_all(disk)
    asyncio.ensure_future(host.client.terminate("i-1", "enough"))  # noqa: RUF006
    await rounds()
    one, other = (asyncio.ensure_future(host.client.start("Waits", None, "i-1")) for _ in range(2))
    await rounds()
    for _ in range(len(disk.asked)):
        await disk.write_one()
    assert host.row().status == "Terminated"
    assert not other.done(), "what has taken the id is not on the disk yet"
    await write_all(disk)
    assert await one == "i-1"
    with pytest.raises(InstanceExistsError):
        await other


async def test_an_instance_that_is_shown_as_failed_can_be_rewound_at_once() -> None:
    host, disk = held_host()
    double, host.invoker.activities["Double"] = host.invoker.activities["Double"], lambda n: n / 0
    asyncio.ensure_future(host.client.start("Chain", None, "i-1"))  # noqa: RUF006
    await rounds()
    await disk.write_one()
    ended = disk.write_and_tell_nobody()
    while host.row().status != "Failed":
        ended.set_result(None)
        await rounds()
        ended = disk.write_and_tell_nobody()
    host.invoker.activities["Double"] = double
    rewinding = asyncio.ensure_future(host.client.rewind("i-1", "repaired"))
    await rounds()
    ended.set_result(None)
    await rounds()
    await write_all(disk)
    await rewinding
    assert host.outcome() == ("Completed", 4)


async def test_an_entity_signalled_during_its_purge_starts_without_state() -> None:
    host, disk = held_host()
    entity = EntityId("counter", "k")

    async def done(asked: asyncio.Future[None] | asyncio.Task[int]) -> None:
        await rounds()
        await write_all(disk)
        await asked

    await done(asyncio.ensure_future(host.client.signal_entity(entity, "add", '"5"')))
    assert host.client.entity_state(entity) is not None
    purging = asyncio.ensure_future(host.client.purge(str(entity)))
    await rounds()
    await done(asyncio.ensure_future(host.client.signal_entity(entity, "add", '"1"')))
    assert await purging == 1
    found = host.client.entity_state(entity)
    assert found is not None
    assert found[1] == "1"
    assert host.left_over() == []
