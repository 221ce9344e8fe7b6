"""Crashes at any commit, before or after its write: the next host continues."""

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


class CrashingCommit:
    """Simulates a crash at commit number ``limit``: it and all later commits never complete."""

    def __init__(self, store: Store, limit: int, written: bool) -> None:
        self._store, self._left, self._written = store, limit, written
        self.crashed = asyncio.Event()

    def commit(self, changes: Sequence[Change]) -> asyncio.Future[None]:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left -= 1
        if self._left < 0 or (self._left == 0 and not self._written):
            self.crashed.set()
        else:
            self._store.write(changes)
            if self._left == 0:
                self.crashed.set()
        if not self.crashed.is_set():
            done.set_result(None)
        return done

    def release_space(self) -> None:
        pass

    async def close(self) -> None:
        pass


Step = Callable[[HubUnderTest], Any]


async def no_step(host: HubUnderTest) -> None:
    pass


async def raise_go(host: HubUnderTest) -> None:
    with suppress(InstanceFinishedError):  # the event had arrived before the crash
        await host.client.raise_event("i-1", "Go", "1")


CASES: list[tuple[str, Any, Step, Any, dict[str, int]]] = [
    ("Chain", 3, no_step, 12, {"Double": 2}),
    ("FanOut", None, no_step, [0, 2, 4, 6, 8], {"Double": 5}),
    ("Waits", None, raise_go, 1, {}),
    ("Sleeps", 10, no_step, "awake", {}),
    ("Race", None, no_step, "timer", {}),
    ("Parent", None, no_step, [4, 8], {"Double": 4}),
    ("Retries", None, no_step, "at last", {"Flaky": 3}),
    ("CountsDown", 3, no_step, "zero", {"Double": 4}),
    ("CallsEntity", None, no_step, [8, "entity exploded"], {"Counter": 2}),
]


@pytest.mark.parametrize("written", [False, True], ids=["lost", "written"])
@pytest.mark.parametrize(
    ("name", "input", "step", "output", "calls"), CASES, ids=[c[0] for c in CASES]
)
async def test_after_a_crash_at_any_commit_the_next_host_continues(
    name: str, input: Any, step: Step, output: Any, calls: dict[str, int], written: bool
) -> None:
    for limit in range(1, 100):
        with closing(Lifetime(name, input, step, limit, written)) as lifetime:
            crashes = await lifetime.run()
            host = lifetime.host
            assert host.outcome() == ("Completed", output), f"crash at commit {limit}"
            assert host.left_over() == [], f"crash at commit {limit}"
            for function, at_least in calls.items():
                assert host.invoker.calls[function] >= at_least
        if not crashes:
            return
    raise AssertionError("the instance never completed without a crash")


@pytest.mark.parametrize("every", [1, 2, 3])
async def test_an_instance_completes_with_a_crash_at_each_commit(every: int) -> None:
    """Each host makes at least one durable commit, so that each makes progress."""
    with closing(Lifetime("Parent", None, no_step, every, written=True, again=True)) as lifetime:
        assert await lifetime.run() > 2
        assert lifetime.host.outcome() == ("Completed", [4, 8])
        assert lifetime.host.left_over() == []


class Lifetime:
    """One instance from its start to its end, with as many hosts as it needs."""

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
        crashes = 0
        while True:
            crashing = self.again or crashes == 0
            commits: list[CrashingCommit] = []

            def commit(
                store: Store, crashing: bool = crashing, commits: list[CrashingCommit] = commits
            ) -> Commit:
                commits.append(
                    CrashingCommit(store, self.limit if crashing else 10**9, self.written)
                )
                return commits[0]

            self.host = HubUnderTest(self.invoker, self.store, self.clock, commit)
            running = asyncio.ensure_future(self._run_host())
            crash = asyncio.ensure_future(commits[0].crashed.wait())
            await asyncio.wait([running, crash], return_when=asyncio.FIRST_COMPLETED)
            crash.cancel()
            if running.done():
                running.result()
                await self.host.kill()
                return crashes
            running.cancel()
            await self.host.kill()
            crashes += 1

    async def _run_host(self) -> None:
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
