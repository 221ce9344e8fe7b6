"""Orchestrators in memory between turns."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from embedded_host.engine.events import HistoryEvent
from embedded_worker.orchestrator_lint import UnusableValueError
from embedded_worker.orchestrator_sessions import OrchestratorSession
from embedded_worker.session_cache import SessionCache
from tests.embedded_worker.turns import MakeTurns, Steps, Turns, event, three_in_turn
from tests.engine.scenario import after, completed, failed, fired, raised

# -- context variables -----------------------------------------------------------------------------

BOUND: ContextVar[str | None] = ContextVar("bound")


def bound(name: str) -> Callable[[Any], Steps]:
    def run(context: Any) -> Steps:
        BOUND.set(name)
        yield context.wait_for_external_event("Go")
        return BOUND.get()

    return run


def test_each_orchestrator_has_its_own_context_variables(turns: MakeTurns) -> None:
    """Libraries like structlog keep the fields of log lines in context variables."""
    one, other = turns(bound("one")), turns(bound("other"))
    one()
    other()
    assert one(event("Go", 1))["output"] == "one"
    assert other(event("Go", 1))["output"] == "other"
    assert BOUND.get(None) is None, "the thread has no value"


# -- kept and fresh --------------------------------------------------------------------------------


def many_actions(context: Any) -> Steps:
    context.set_custom_status({"replaying": False})
    first = yield context.call_activity("Echo")
    context.signal_entity(df.EntityId("Counter", "k"), "add", 1)
    try:
        yield context.task_all([context.call_activity("Echo"), context.call_activity("Fail")])
    except Exception as error:
        first = [first, str(error)]
    yield context.call_activity_with_retry("Flaky", df.RetryOptions(1000, 3))
    yield context.wait_for_external_event("Go")
    return first


BATCHES: list[list[HistoryEvent]] = [
    [],
    [completed(0)],
    [failed(3), completed(2)],
    [failed(4)],
    [fired(5), raised("go")],
    [completed(6), raised("after the end")],
]


def test_a_kept_session_returns_the_same_actions_and_counts_as_a_new_one() -> None:
    kept, fresh = Turns(many_actions), Turns(many_actions, fresh=True)
    for batch in BATCHES:
        assert kept(*batch) == fresh(*batch)
        length = len(batch) + (1 if len(kept.past) > 2 else 2)
        assert len(kept.now.counts) == length
        assert len(fresh.now.counts) == len(fresh.past)
        assert kept.now.counts == fresh.now.counts[-length:]
    assert kept.now.finished
    assert fresh.now.finished


def test_a_turn_omits_actions_up_to_the_first_cancelled_timer() -> None:
    def many(context: Any) -> Steps:
        for n in range(3):
            yield context.call_activity("Echo", n)
        timer = context.create_timer(after(60))
        yield context.task_any([timer, context.call_activity("Echo", 3)])
        timer.cancel()
        yield context.call_activity("Echo", 4)
        yield context.call_activity("Echo", 5)

    main = Turns(many)
    known = []
    for batch in (
        [],
        [completed(0)],
        [completed(1)],
        [completed(2)],
        [completed(4)],
        [completed(5)],
    ):
        main(*batch)
        known.append(main.now.known)
    assert known == [0, 1, 2, 3, 3, 5]
    assert main.actions[3]["compoundActions"][0]["isCanceled"] is True


def test_finished_timers_are_not_checked_again() -> None:
    def sleeps(context: Any) -> Steps:
        kept = context.create_timer(after(600))
        yield context.task_any([kept, context.call_activity("Echo", 0)])
        for n in range(3):
            yield context.create_timer(after(n))
        kept.cancel()
        yield context.call_activity("Echo", 1)

    main = Turns(sleeps)
    main()
    main(completed(1))
    for timer in range(3):
        assert [index for index, _ in main.now._timers] == [0, 1 + timer]
        main(fired(2 + timer))
    assert (main.now.known, main.now._timers) == (0, [])


def test_actions_are_counted_after_each_event() -> None:
    main = Turns(many_actions, fresh=True)
    counts = []
    for batch in BATCHES:
        main(*batch)
        counts.append(main.now.counts[-1 - len(batch) :])
    assert counts == [[1], [1, 3], [3, 4, 4], [4, 4], [4, 4, 4], [4, 5, 5]]


def test_a_failed_turn_returns_its_error_and_its_counts() -> None:
    def fails(context: Any) -> Steps:
        yield context.call_activity("Echo")
        raise ValueError("boom")

    main = Turns(fails)
    main()
    assert not main.now.finished
    with pytest.raises(Exception, match=r"^boom"):
        main(completed(0), raised("Go"))
    assert main.now.counts == [1, 1, 1]


def test_only_events_of_the_last_turn_count_as_new(turns: MakeTurns) -> None:
    replaying = []

    def records(context: Any) -> Steps:
        for _ in range(2):
            yield context.call_activity("Echo")
            replaying.append(context.is_replaying)

    main = turns(records)
    main()
    main(completed(0))
    main(completed(1))
    assert replaying == ([False, False] if not main.fresh else [False, True, False])


def test_continue_as_new_finishes_a_session() -> None:
    def again(context: Any) -> Steps:
        yield context.call_activity("Echo")
        context.continue_as_new(1)

    main = Turns(again)
    main()
    assert [action["actionType"] for action in main(completed(0))["actions"][0]] == [0, 4]
    assert main.now.finished


def test_an_unserializable_custom_status_is_named() -> None:
    def sets(context: Any) -> Steps:
        context.set_custom_status({"at": after(0)})
        yield context.call_activity("Echo")

    with pytest.raises(
        UnusableValueError, match="the custom status, a dict, cannot be converted to JSON"
    ):
        Turns(sets)()


def test_an_event_with_invalid_json_fails_the_turn() -> None:
    main = Turns(three_in_turn)
    main()
    with pytest.raises(ValueError, match="Expecting value"):
        main(raised("Go", "no json"))


# -- the cache -------------------------------------------------------------------------------------


def session() -> OrchestratorSession:
    main = Turns(three_in_turn)
    main()
    return main.now


@pytest.fixture
def no_garbage_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("no_garbage_collector")
@pytest.mark.parametrize("how", ["no room", "other events", "followed by another execution"])
def test_closing_a_session_breaks_its_reference_cycle(how: str) -> None:
    sessions, kept = SessionCache(limit=1), session()
    kept.run_turn()
    alive = weakref.ref(kept._context)
    sessions.keep("a", kept)
    del kept
    assert alive() is not None
    if how == "other events":
        assert sessions.take("a", "another", 2) is None
    else:
        sessions.keep("b" if how == "no room" else "a", session())
    assert alive() is None


# -- lines of calls --------------------------------------------------------------------------------


def lines_of(function: Callable[[Any], Any], *events: HistoryEvent) -> tuple[dict[int, int], str]:
    """Return the line of each call relative to the first line of ``function``, and of the wait."""
    turns = Turns(function, reports_lines=True)
    turns()
    if events:
        turns(*events)
    lines = turns.now.lines
    assert lines is not None
    first = function.__code__.co_firstlineno
    name = f"{Path(__file__).name} line "
    relative = {id: int(line.removeprefix(name)) - first for id, line in lines.calls}
    return relative, lines.waits and str(int(lines.waits.removeprefix(name)) - first)


def calls(context: Any) -> Steps:
    context.signal_entity(df.EntityId("Counter", "a"), "add", 1)
    first = context.call_activity("A", 1)
    second = context.call_activity_with_retry("B", df.RetryOptions(5, 2), 1)
    yield context.task_all(
        [
            first,
            second,
            context.create_timer(after(60)),
        ]
    )
    yield from inner(context)


def inner(context: Any) -> Steps:
    yield context.call_activity("C", 1)


def test_a_session_reports_the_lines_of_its_calls() -> None:
    assert lines_of(calls) == ({0: 1, 1: 2, 2: 3, 3: 8}, "4")


def test_a_session_reports_the_line_of_a_nested_generator() -> None:
    done = (completed(1), completed(2), fired(3))
    assert lines_of(calls, *done) == ({0: 1, 1: 2, 2: 3, 3: 8, 4: 15}, "15")


def test_a_session_that_has_ended_waits_nowhere() -> None:
    def ends(context: Any) -> Steps:
        yield context.call_activity("A", 1)

    assert lines_of(ends, completed(0)) == ({0: 1}, "")


def test_a_session_reports_no_lines_unless_the_host_needs_them() -> None:
    turns = Turns(calls)
    turns()
    assert turns.now.lines is None
