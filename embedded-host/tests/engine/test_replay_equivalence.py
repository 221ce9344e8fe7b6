"""Random orchestrators, written against the real SDK, under random orders of messages, batches, duplicates and replays:
they end as in a straight run, and an execution kept between turns comes to the same history as one made afresh."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.engine.programs import PROGRAMS, SDK_PROGRAMS, Program
from tests.engine.runs import Run, SdkWorker, SessionWorker

pytestmark = pytest.mark.filterwarnings(
    "ignore:Potential duplicate Task completion"
)  # the SDK, of an event nobody waits for yet
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
ROUNDS, SEEDS = st.integers(1, 2), st.integers(0, 2**32)


def same(runs: list[Run]) -> None:
    first = runs[0]
    for other in runs[1:]:
        assert other.histories == first.histories
        assert other.state.history.events == first.state.history.events
        assert other.outcome == first.outcome


# -- as the product runs them: the worker keeps them and counts their actions ----------------------


# A retry goes on behind the back of a task_all that has failed: with the SDK alone, this would be numbered otherwise on replay.
RETRY_BEHIND = [
    ("unless cancelled", ("activity", 0)),
    ("unless cancelled", ("retry", 1)),
    ("some fail", [True, False]),
]


@EXAMPLES
@example(steps=[*RETRY_BEHIND, ("activity", 0)], rounds=1, seed=0, suspends=False)
@given(steps=PROGRAMS, rounds=ROUNDS, seed=SEEDS, suspends=st.booleans())
def test_any_order_of_messages_has_the_outcome_of_a_straight_run(
    steps: list[Any], rounds: int, seed: int, suspends: bool
) -> None:
    program = Program(steps, rounds, exact=False)
    straight = Run(program, None, "never", SessionWorker()).run()
    assert straight.state.status.value == "Completed", straight.state.output
    assert (
        Run(program, seed, "sometimes", SessionWorker(), suspends).run().outcome == straight.outcome
    )


# A wait that was left behind is settled: the orchestrator goes on, though nothing that its list awaits has happened.
LEFT_BEHIND = [("unless cancelled", ("event",)), ("shared until late", 1, 0), ("retries end", 1)]


@EXAMPLES
@example(steps=LEFT_BEHIND, rounds=1, seed=0, suspends=False)
@given(steps=PROGRAMS, rounds=ROUNDS, seed=SEEDS, suspends=st.booleans())
def test_kept_sessions_produce_the_history_of_fresh_ones(
    steps: list[Any], rounds: int, seed: int, suspends: bool
) -> None:
    program = Program(steps, rounds, exact=True)
    same(
        [
            Run(program, seed, often, SessionWorker(), suspends).run()
            for often in ("never", "always", "sometimes")
        ]
    )


# -- as the SDK alone runs them --------------------------------------------------------------------


@EXAMPLES
@given(steps=SDK_PROGRAMS, rounds=ROUNDS, seed=SEEDS)
def test_with_the_sdk_alone_any_order_has_the_same_outcome(
    steps: list[Any], rounds: int, seed: int
) -> None:
    program = Program(steps, rounds, exact=False)
    straight = Run(program, None, "never", SdkWorker()).run()
    assert straight.state.status.value == "Completed", straight.state.output
    assert Run(program, seed, "sometimes", SdkWorker()).run().outcome == straight.outcome


@EXAMPLES
@given(steps=SDK_PROGRAMS, rounds=ROUNDS, seed=SEEDS)
def test_with_the_sdk_alone_a_kept_execution_produces_the_history_of_a_fresh_one(
    steps: list[Any], rounds: int, seed: int
) -> None:
    program = Program(steps, rounds, exact=True)
    same([Run(program, seed, often, SdkWorker()).run() for often in ("never", "always")])


@EXAMPLES
@given(steps=SDK_PROGRAMS, rounds=ROUNDS, seed=SEEDS)
def test_sessions_do_what_the_sdk_alone_does(steps: list[Any], rounds: int, seed: int) -> None:
    program = Program(steps, rounds, exact=True)
    same([Run(program, seed, "never", worker).run() for worker in (SdkWorker(), SessionWorker())])


def test_the_straight_run_does_what_the_program_says() -> None:
    """So that the tests above do not compare nothing with nothing."""
    steps: list[Any] = [
        ("all", [("activity", 3), ("event",), ("any", [("timer", 5), ("child", 1)])]),
        ("some fail", [True, False]),
        ("retries end", 2),
        ("retry", 2),
        ("call",),
        ("shared together", 2),
        ("fails fast", [("retry", 2)]),
        ("one by one", [("retry", 1), ("fail",)]),
        ("shared until late", 1, 5),
    ]
    run = Run(Program(steps, 2, exact=True), 1, "sometimes", SessionWorker()).run()
    assert run.state.status.value == "Completed", run.state.output
    rounds: list[Any] = json.loads(run.state.output or "")
    assert len(rounds) == 2 * len(steps)
    for n in (0, 1):
        done = rounds[n * len(steps) : (n + 1) * len(steps)]
        (all_of, *results, together, fast, order, late) = done
        assert all_of == [[f"{n}-1", 3], f"event {n}-2", ["any", 0]]
        assert results == ["failed", "no Fail \n None", [f"{n}-6", 2], f"{n}-7"]
        assert (len(together), len(late)) == (2, 1)
        assert fast == ["no Fail \n None", ["again", 1]]
        assert order == [1, 0]
    assert run.histories[0][0].occurred_at < run.now
    assert len(run.histories) == 1
