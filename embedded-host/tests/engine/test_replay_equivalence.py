"""Random orchestrators with random orders of messages, batches, duplicates and replays.

Their outcome is that of a run with all messages in order. An execution that is kept between turns
has the same history as one that is replayed in each turn.
"""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.engine.programs import PROGRAMS, SDK_PROGRAMS, Program
from tests.engine.runs import Run, SdkWorker, SessionWorker

# The SDK warns of events that no wait is for yet.
pytestmark = pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
SESSIONS = pytest.mark.needs_durable("1.2.5", "task_any and task_all of an event")
SDK_ALONE = pytest.mark.needs_durable("1.3.0", "an event that arrives before its wait")
ROUNDS, SEEDS = st.integers(1, 2), st.integers(0, 2**32)


def same(runs: list[Run]) -> None:
    first = runs[0]
    for other in runs[1:]:
        assert other.histories == first.histories
        assert other.state.history.events == first.state.history.events
        assert other.outcome == first.outcome


# -- with the worker, which keeps sessions and counts actions --------------------------------------


# A retry continues after its task_all has failed. Without counts, it gets other ids on replay.
RETRY_BEHIND = [
    ("unless cancelled", ("activity", 0)),
    ("unless cancelled", ("retry", 1)),
    ("some fail", [True, False]),
]


@SESSIONS
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


# An event completes an abandoned wait: the orchestrator continues, although the action that its
# list awaits is not done.
LEFT_BEHIND = [("unless cancelled", ("event",)), ("shared until late", 1, 0), ("retries end", 1)]


@SESSIONS
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


# -- with the SDK alone ----------------------------------------------------------------------------


@SDK_ALONE
@EXAMPLES
@given(steps=SDK_PROGRAMS, rounds=ROUNDS, seed=SEEDS)
def test_with_the_sdk_alone_any_order_has_the_same_outcome(
    steps: list[Any], rounds: int, seed: int
) -> None:
    program = Program(steps, rounds, exact=False)
    straight = Run(program, None, "never", SdkWorker()).run()
    assert straight.state.status.value == "Completed", straight.state.output
    assert Run(program, seed, "sometimes", SdkWorker()).run().outcome == straight.outcome


@SDK_ALONE
@EXAMPLES
@given(steps=SDK_PROGRAMS, rounds=ROUNDS, seed=SEEDS)
def test_with_the_sdk_alone_a_kept_execution_produces_the_history_of_a_fresh_one(
    steps: list[Any], rounds: int, seed: int
) -> None:
    program = Program(steps, rounds, exact=True)
    same([Run(program, seed, often, SdkWorker()).run() for often in ("never", "always")])


@SDK_ALONE
@EXAMPLES
@given(steps=SDK_PROGRAMS, rounds=ROUNDS, seed=SEEDS)
def test_sessions_and_the_sdk_alone_have_the_same_history(
    steps: list[Any], rounds: int, seed: int
) -> None:
    program = Program(steps, rounds, exact=True)
    same([Run(program, seed, "never", worker).run() for worker in (SdkWorker(), SessionWorker())])


def test_a_straight_run_has_the_outcome_of_its_program() -> None:
    """Check that the tests above compare runs that do something."""
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
