"""The selection of the instances that every turn replays."""

from __future__ import annotations

from typing import Any

import pytest

from embedded_host.engine.invocations import OrchestratorInput, OrchestratorResult
from embedded_host.task_hub import orchestration_turns
from embedded_host.task_hub.replays import InstanceReplays, Replays
from embedded_host.task_hub.settings import HubSettings
from tests.task_hub.app import Steps
from tests.task_hub.kit import HubUnderTest, InlineInvoker


def selected(replays: Replays, count: int, name: str = "Chain") -> list[int]:
    """Return the numbers of the selected ones of ``count`` new instances."""
    return [n for n in range(count) if replays.of_instance(None, name, 0).is_selected]


def test_the_first_instances_and_one_in_fifty_are_selected() -> None:
    replays = Replays(HubSettings(replayed_instances=3))
    assert selected(replays, 110) == [0, 1, 2, 52, 102]


def test_each_orchestrator_has_its_own_count() -> None:
    replays = Replays(HubSettings(replayed_instances=1))
    assert selected(replays, 2) == [0]
    assert selected(replays, 2, "Other") == [0]
    assert selected(replays, 2, "CHAIN") == []


def test_no_instance_is_selected_with_0() -> None:
    assert selected(Replays(HubSettings(replayed_instances=0)), 200) == []


def test_the_count_starts_again_with_new_code() -> None:
    replays = Replays(HubSettings(replayed_instances=1))
    known = replays.of_instance(None, "Chain", 0)
    assert replays.of_instance(known, "Chain", 0) is known
    replays.clear()
    again = replays.of_instance(known, "Chain", 1)
    assert again is not known
    assert again.is_selected


def test_a_long_history_is_replayed_except_during_the_time_of_its_last_replay() -> None:
    replays = InstanceReplays(0, is_selected=True)
    assert replays.is_due(21, 20, 100.0)
    replays.replayed(100.0, 103.0)
    assert [replays.is_due(21, 20, now) for now in (103.0, 105.9, 106.0)] == [False, False, True]
    assert replays.is_due(20, 20, 103.0)
    assert not InstanceReplays(0, is_selected=False).is_due(1, 20, 100.0)


class RecordingInvoker(InlineInvoker):
    """Records the number of events that the worker already has, and the turns that replay."""

    def __init__(self, *functions: Any) -> None:
        super().__init__(*functions)
        self.turns: list[tuple[int, bool]] = []

    async def orchestrator(
        self, name: str, turn: OrchestratorInput, *, alone: bool = False
    ) -> OrchestratorResult:
        self.turns.append((turn.seen, turn.is_replay))
        return await super().orchestrator(name, turn)


@pytest.mark.parametrize("instances", [1, 0])
async def test_the_turns_of_a_selected_instance_send_the_whole_history(instances: int) -> None:
    def two_steps(context: Any) -> Steps:
        yield context.call_activity("Double", 1)
        return (yield context.call_activity("Double", 2))

    invoker = RecordingInvoker({"Main": two_steps}, {"Double": lambda n: 2 * n})
    host = HubUnderTest(invoker, replayed_instances=instances)
    await host.start("Main")
    assert host.outcome() == ("Completed", 4)
    assert [replays for _, replays in invoker.turns] == [bool(instances)] * 3
    assert [seen > 0 for seen, _ in invoker.turns] == [False, not instances, not instances]


async def test_a_long_history_is_not_replayed_right_after_a_slow_replay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def steps(context: Any) -> Steps:
        for n in range(4):
            yield context.call_activity("Double", n)

    # Each turn reads the time at its start, after a replay, and after its commit.
    first, second, third = (0.0, 10.0, 10.0), (11.0, 11.0), (19.0, 19.0)
    fourth, fifth = (20.0, 30.0, 30.0), (39.0, 39.0)
    times = iter((*first, *second, *third, *fourth, *fifth))
    monkeypatch.setattr(orchestration_turns, "perf_counter", lambda: next(times))
    invoker = RecordingInvoker({"Main": steps}, {"Double": lambda n: 2 * n})
    host = HubUnderTest(invoker, replayed_instances=1, replayed_up_to=0)
    await host.start("Main")
    assert host.outcome()[0] == "Completed"
    assert [replays for _, replays in invoker.turns] == [True, False, False, True, False]
