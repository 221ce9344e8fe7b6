"""Turn counting, crashes and the livelock limit of one run of the host."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from embedded_host.store.interface import AppendHistory, Change, SaveEntity, Store, TakeMessage
from embedded_host.task_hub.replays import InstanceReplays
from embedded_host.testing import DurableApp, LivelockError
from embedded_host.testing.host_run import Crash, CrashingCommit
from tests.testing.conftest import entries

TURN = [AppendHistory(1, 0, ())]
ENTITY_TURN: list[Change] = [SaveEntity(2, True, "1"), TakeMessage(2, 1)]
NEW_ENTITY = [SaveEntity(2, False, None)]


class RecordingStore:
    def __init__(self) -> None:
        self.written: list[list[Change]] = []

    def write(self, changes: Sequence[Change]) -> None:
        self.written.append(list(changes))


class Run:
    """A commit with a store that records its writes. A crash kills the commit."""

    def __init__(self) -> None:
        self.store = RecordingStore()
        self.commit = CrashingCommit(cast(Store, self.store), self.kill)

    def kill(self) -> None:
        self.commit.is_killed = True


@pytest.fixture
async def run() -> Run:
    return Run()


async def test_turns_of_orchestrators_and_entities_are_counted(run: Run) -> None:
    for changes in (TURN, ENTITY_TURN, NEW_ENTITY):
        await run.commit.commit(changes)
    assert run.commit.turns == 2
    assert run.store.written == [TURN, ENTITY_TURN, NEW_ENTITY]


@pytest.mark.parametrize(("recorded", "written"), [(False, [TURN]), (True, [TURN, ENTITY_TURN])])
async def test_a_crash_stops_writes_before_or_after_its_turn_is_recorded(
    run: Run, recorded: bool, written: list[list[Change]]
) -> None:
    run.commit.crash = Crash(2, recorded)
    await run.commit.commit(TURN)
    crashed = run.commit.commit(ENTITY_TURN)
    later = run.commit.commit(TURN)
    assert run.commit.is_killed
    assert not crashed.done()
    assert not later.done()
    assert run.store.written == written


async def test_a_killed_host_does_not_count_turns(run: Run) -> None:
    run.kill()
    run.commit.commit(TURN)
    assert run.commit.turns == 0


async def test_an_orchestrator_that_never_waits_raises_livelock_error(shop_root: object) -> None:
    with (
        DurableApp(str(shop_root), limit=50) as app,
        pytest.raises(
            LivelockError, match="has run 50 functions and turns while its clock did not move"
        ),
    ):
        await app.start("Endless")


async def test_long_histories_are_not_replayed_at_each_turn(
    shop: DurableApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The orchestrator is not deterministic. Only a replay from its start detects this fault."""
    counting = await shop.run("Counting")
    assert counting.status == "Failed"
    assert "Non-Deterministic workflow detected" in counting.output
    monkeypatch.setattr("embedded_host.testing.host_run.REPLAYED_UP_TO", 3)
    monkeypatch.setattr(InstanceReplays, "is_due", lambda _, events, limit, __: events <= limit)
    await shop.reset()
    entries().clear()
    assert (await shop.run("Counting")).status == "Completed"
