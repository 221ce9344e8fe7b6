"""A host that dies at any commit, before or after it was written: the next one carries on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from typing import Any

import pytest

from embedded_host.store.interface import Change, Store
from embedded_host.store.sqlite import SqliteStore
from embedded_host.task_hub.client import InstanceFinishedError
from embedded_host.task_hub.commit import Commit
from tests.task_hub.app import new_hub
from tests.task_hub.kit import HubUnderTest, ManualClock


class MortalCommit:
    """Dies at its ``limit``-th commit: whoever waits for that one or a later one waits for ever."""

    def __init__(self, store: Store, limit: int, written: bool) -> None:
        self._store, self._left, self._written = store, limit, written
        self.dead = asyncio.Event()

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left -= 1
        if self._left < 0 or (self._left == 0 and not self._written):
            self.dead.set()
        else:
            self._store.write(changes)
            if self._left == 0:
                self.dead.set()
        if not self.dead.is_set():
            done.set_result(None)
        return done

    def release_space(self) -> None:
        pass

    async def close(self) -> None:
        pass


Step = Callable[[HubUnderTest], Any]


async def nothing(host: HubUnderTest) -> None:
    pass


async def go(host: HubUnderTest) -> None:
    with suppress(InstanceFinishedError):  # the event had arrived, though nobody was told
        await host.client.raise_event("i-1", "Go", "1")


CASES: list[tuple[str, Any, Step, Any, dict[str, int]]] = [
    ("Chain", 3, nothing, 12, {"Double": 2}),
    ("FanOut", None, nothing, [0, 2, 4, 6, 8], {"Double": 5}),
    ("Waits", None, go, 1, {}),
    ("Sleeps", 10, nothing, "awake", {}),
    ("Race", None, nothing, "timer", {}),
    ("Parent", None, nothing, [4, 8], {"Double": 4}),
    ("Retries", None, nothing, "at last", {"Flaky": 3}),
    ("CountsDown", 3, nothing, "zero", {"Double": 4}),
    ("AsksEntity", None, nothing, [8, "entity exploded"], {"Counter": 2}),
]


@pytest.mark.parametrize("written", [False, True], ids=["lost", "written"])
@pytest.mark.parametrize(
    ("name", "input", "step", "output", "calls"), CASES, ids=[c[0] for c in CASES]
)
async def test_a_host_that_dies_at_any_commit_is_carried_on(
    name: str, input: Any, step: Step, output: Any, calls: dict[str, int], written: bool
) -> None:
    for limit in range(1, 100):
        with closing(Life(name, input, step, limit, written)) as life:
            deaths = await life.run()
            host = life.host
            assert host.outcome() == ("Completed", output), f"dead at commit {limit}"
            assert host.left_over() == [], f"dead at commit {limit}"
            for function, at_least in calls.items():
                assert host.invoker.calls[function] >= at_least
        if not deaths:
            return
    raise AssertionError("it never got through")


@pytest.mark.parametrize("every", [1, 2, 3])
async def test_a_host_that_dies_again_and_again_gets_through(every: int) -> None:
    """With one commit a life and that one written, it is still one step further each time."""
    with closing(Life("Parent", None, nothing, every, written=True, again=True)) as life:
        assert await life.run() > 2
        assert life.host.outcome() == ("Completed", [4, 8])
        assert life.host.left_over() == []


class Life:
    """One instance from its start to its end, over as many hosts as it takes."""

    def __init__(
        self, name: str, input: Any, step: Step, limit: int, written: bool, again: bool = False
    ) -> None:
        self.name, self.input, self.step = name, input, step
        self.limit, self.written, self.again = limit, written, again
        self.store, self.clock = SqliteStore(None), ManualClock()
        self.invoker = new_hub(flaky_failures=2).invoker

    def close(self) -> None:
        self.store.close()

    async def run(self) -> int:
        deaths = 0
        while True:
            mortal = self.again or deaths == 0
            commits: list[MortalCommit] = []

            def commit(
                store: Store, mortal: bool = mortal, commits: list[MortalCommit] = commits
            ) -> Commit:
                commits.append(MortalCommit(store, self.limit if mortal else 10**9, self.written))
                return commits[0]

            self.host = HubUnderTest(self.invoker, self.store, self.clock, commit)
            living = asyncio.ensure_future(self._live())
            dying = asyncio.ensure_future(commits[0].dead.wait())
            await asyncio.wait([living, dying], return_when=asyncio.FIRST_COMPLETED)
            dying.cancel()
            if living.done():
                living.result()
                await self.host.kill()
                return deaths
            living.cancel()
            await self.host.kill()
            deaths += 1

    async def _live(self) -> None:
        host = self.host
        host.hub.start()
        if host.client.status("i-1") is None:
            await host.start(self.name, input=self.input)
        if host.row().status in ("Pending", "Running"):
            await self.step(host)
        while True:
            await host.idle()
            due = host.hub.timers.next_due
            if due is None:
                return
            await host.advance(max(0.0, (due - host.clock.now()).total_seconds()))
