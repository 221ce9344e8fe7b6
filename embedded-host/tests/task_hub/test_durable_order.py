"""Effects start once their cause is durable. Only orchestrators, without effects, run earlier."""

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
    """Writes the changes of one commit when a test calls ``write_one``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.requests: list[tuple[Sequence[Change], asyncio.Future[None]]] = []

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.requests.append((changes, done))
        return done

    def release_space(self) -> None:
        pass

    async def close(self) -> None:
        pass

    async def write_one(self) -> None:
        self.write_without_completion().set_result(None)
        await rounds()

    def write_without_completion(self) -> asyncio.Future[None]:
        """Write the changes of one commit, and return its future, which is not done yet."""
        changes, done = self.requests.pop(0)
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
    while disk.requests:
        await disk.write_one()


async def test_only_orchestrators_run_before_their_messages_are_durable() -> None:
    host, disk = held_host()
    calls = host.invoker.calls
    starting = asyncio.ensure_future(host.client.start("Chain", None, "i-1"))
    await rounds()
    assert calls == {"Chain": 1}, "its first turn has run"
    assert (starting.done(), host.client.status("i-1")) == (False, None), "no client can observe it"
    assert len(disk.requests) == 2, "its start and its first turn"

    await disk.write_one()
    assert starting.done()
    assert host.row().status == "Pending"
    assert calls["Double"] == 0, "the activity waits for the turn that scheduled it"

    await disk.write_one()
    assert host.row().status == "Running"
    assert calls == {"Chain": 2, "Double": 1}, (
        "the activity ran, and the turn with its result runs before its message is durable"
    )

    await disk.write_one()
    assert calls == {"Chain": 3, "Double": 2}
    waiting = asyncio.ensure_future(host.client.wait("i-1", 30))
    await rounds()
    assert not waiting.done(), "the last turn has run, but is not on disk"
    await disk.write_one()
    assert waiting.done()
    assert host.outcome() == ("Completed", 4)
    assert not disk.requests


async def test_an_entity_waits_for_its_message_to_be_durable() -> None:
    host, disk = held_host()
    starting = asyncio.ensure_future(host.client.start("CallsEntity", None, "i-1"))
    await rounds()
    await disk.write_one()
    assert starting.done()
    assert host.invoker.calls == {"CallsEntity": 1}
    await disk.write_one()
    assert host.invoker.calls["Counter"] == 1


async def test_an_id_conflict_is_reported_once_the_instance_is_durable() -> None:
    """Otherwise the client would rely on an instance that a crash of the host removes."""
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


async def test_an_id_can_be_used_again_once_the_end_of_its_instance_is_visible() -> None:
    host, disk = held_host()
    asyncio.ensure_future(host.client.start("Waits", None, "i-1"))  # noqa: RUF006 - the loop of the test outlives it
    await rounds()
    await write_all(disk)
    asyncio.ensure_future(host.client.raise_event("i-1", "Go", "1"))  # noqa: RUF006
    await rounds()
    await disk.write_one()
    ended = disk.write_without_completion()
    assert host.row().status == "Completed"
    again = asyncio.ensure_future(host.client.start("Waits", None, "i-1"))
    await rounds()
    ended.set_result(None)
    await rounds()
    await write_all(disk)
    assert await again == "i-1"
    assert host.row().status == "Running"


async def test_the_later_of_two_starts_conflicts_once_the_earlier_one_is_durable() -> None:
    host, disk = held_host()
    asyncio.ensure_future(host.client.start("Waits", None, "i-1"))  # noqa: RUF006
    await rounds()
    await write_all(disk)
    asyncio.ensure_future(host.client.terminate("i-1", "enough"))  # noqa: RUF006
    await rounds()
    first, second = (
        asyncio.ensure_future(host.client.start("Waits", None, "i-1")) for _ in range(2)
    )
    await rounds()
    for _ in range(len(disk.requests)):
        await disk.write_one()
    assert host.row().status == "Terminated"
    assert not second.done(), "the new instance with the id is not on the disk yet"
    await write_all(disk)
    assert await first == "i-1"
    with pytest.raises(InstanceExistsError):
        await second


async def test_an_instance_that_is_shown_as_failed_can_be_rewound_at_once() -> None:
    host, disk = held_host()
    double, host.invoker.activities["Double"] = host.invoker.activities["Double"], lambda n: n / 0
    asyncio.ensure_future(host.client.start("Chain", None, "i-1"))  # noqa: RUF006
    await rounds()
    await disk.write_one()
    ended = disk.write_without_completion()
    while host.row().status != "Failed":
        ended.set_result(None)
        await rounds()
        ended = disk.write_without_completion()
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

    async def done(request: asyncio.Future[None] | asyncio.Task[int]) -> None:
        await rounds()
        await write_all(disk)
        await request

    await done(asyncio.ensure_future(host.client.signal_entity(entity, "add", '"5"')))
    assert host.client.entity_state(entity) is not None
    purging = asyncio.ensure_future(host.client.purge(str(entity)))
    await rounds()
    await done(asyncio.ensure_future(host.client.signal_entity(entity, "add", '"1"')))
    assert await purging == 1
    state = host.client.entity_state(entity)
    assert state is not None
    assert state[1] == "1"
    assert host.left_over() == []
