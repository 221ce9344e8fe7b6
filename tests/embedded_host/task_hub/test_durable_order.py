"""Nothing leaves before it is durable; only orchestrators, which have no effects of their own, may run ahead of the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from embedded_host.store.contract import Change, Store
from embedded_host.task_hub.commit import Commit
from tests.embedded_host.task_hub.app import new_host


class HeldCommit:
    """Writes one recording at a time, when it is told to."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.asked: list[tuple[Sequence[Change], asyncio.Future[None]]] = []

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.asked.append((changes, done))
        return done

    async def close(self) -> None:
        pass

    async def write_one(self) -> None:
        changes, done = self.asked.pop(0)
        self._store.write(changes)
        done.set_result(None)
        await rounds()


async def rounds() -> None:
    for _ in range(50):
        await asyncio.sleep(0)


async def test_an_orchestrator_runs_ahead_of_the_disk_and_nothing_else_does() -> None:
    held: list[HeldCommit] = []

    def commit(store: Store) -> Commit:
        held.append(HeldCommit(store))
        return held[0]

    host = new_host(commit=commit)
    disk, calls = held[0], host.invoker.calls
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
    assert calls == {"Chain": 2, "Double": 1}, "the activity ran, and its result's turn runs ahead again"

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
    held: list[HeldCommit] = []

    def commit(store: Store) -> Commit:
        held.append(HeldCommit(store))
        return held[0]

    host = new_host(commit=commit)
    starting = asyncio.ensure_future(host.client.start("AsksEntity", None, "i-1"))
    await rounds()
    await held[0].write_one()
    assert starting.done()
    assert host.invoker.calls == {"AsksEntity": 1}
    await held[0].write_one()
    assert host.invoker.calls["Counter"] == 1
