"""The differences from the Azure Functions host that a turn observes, and the strict mode."""

from __future__ import annotations

import json
from typing import Any

import pytest

from embedded_host.engine import history as h
from embedded_host.engine.invocations import OrchestratorOutput, ReplayProgress
from embedded_host.engine.messages import Deliver
from embedded_host.engine.observations import Difference
from embedded_host.engine.orchestration import TurnSettings
from embedded_host.engine.status import Status
from embedded_host.protocols.v1 import orchestrator_result
from tests.engine.scenario import (
    FUNCTIONS,
    Scenario,
    activity,
    after,
    event,
    failed,
    fired,
    kinds,
    raised,
    resumed,
    retried,
    sdk_output,
    suspended,
    timer,
    when_all,
    when_any,
)

DAYS = 3 * 86400
"""The seconds of a part of a long timer."""


def counted(*actions: dict[str, Any], counts: list[int]) -> OrchestratorOutput:
    """Return an output with the number of actions after each event of the turn."""
    output = orchestrator_result(json.dumps(sdk_output(*actions)), ReplayProgress(counts))
    assert isinstance(output, OrchestratorOutput)
    return output


def strict_or_not(strict: bool) -> Scenario:
    return Scenario(settings=TurnSettings(FUNCTIONS, strict=strict))


@pytest.mark.parametrize("strict", [False, True])
def test_an_event_during_a_long_timer_waits_for_its_part_on_azure(strict: bool) -> None:
    main = strict_or_not(strict)
    race = when_any(when_all(timer(DAYS)), event("Go"))
    main.start(counted(race, counts=[0, 1]))
    main.seconds = DAYS
    first = main.turn(counted(race, timer(2 * DAYS), counts=[1, 2]), fired(0))
    assert first.observations == []
    program = (race, timer(2 * DAYS), activity())
    second = main.turn(counted(*program, counts=[2, 3]), raised("Go"))
    assert [o.difference for o in second.observations] == [Difference.LONG_TIMER]
    assert kinds(second.outgoing) == ([] if strict else ["StartActivity"])
    if strict:
        ended = main.turn(counted(*program, counts=[3, 3]), fired(1))
        assert kinds(ended.outgoing) == ["StartActivity"]


@pytest.mark.parametrize(
    ("event_at", "observed"), [(9.5, [Difference.CLOSE_RACE]), (8.5, []), (3, [])]
)
@pytest.mark.parametrize("fresh", [False, True])
def test_an_event_in_the_last_second_of_a_timer_loses_the_race_on_azure(
    event_at: float, observed: list[Difference], *, fresh: bool
) -> None:
    main = Scenario(fresh=fresh)
    race = [timer(10), event("Go")]
    main.start(sdk_output(when_any(*race)))
    main.seconds = event_at
    go = h.event_raised(after(event_at), "Go", "1")
    cancelled = when_any(timer(10, cancelled=True), event("Go"))
    result = main.turn(sdk_output(cancelled, done=True), go)
    assert main.status() is Status.COMPLETED
    assert [o.difference for o in result.observations] == observed


@pytest.mark.parametrize(("strict", "due"), [(False, 60), (True, 109)])
def test_a_retry_interval_starts_at_the_resume_on_azure(strict: bool, due: float) -> None:
    main = strict_or_not(strict)
    program = retried(attempts=2, first_ms=60_000)
    main.start(counted(program, counts=[0, 1]))
    main.turn(counted(program, counts=[1, 1]), suspended())
    main.turn(counted(program, counts=[1, 1]), failed(0))
    main.seconds = 50
    result = main.turn(counted(program, counts=[1, 1]), resumed())
    [sent] = result.outgoing
    assert isinstance(sent, Deliver)
    assert sent.message.due == after(due)
    assert [o.difference for o in result.observations] == [Difference.SUSPENDED_RETRY]


def test_only_the_events_of_the_turn_cause_observations() -> None:
    main = Scenario(fresh=True)
    main.start(sdk_output(event("Go"), event("Go")), raised("GO"))
    result = main.turn(sdk_output(event("Go"), event("Go"), done=True), raised("Go"))
    assert result.observations == []
