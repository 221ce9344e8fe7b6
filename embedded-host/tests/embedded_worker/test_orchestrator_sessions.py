"""Orchestrators in memory between turns, and the two differences from the SDK's executor."""

from __future__ import annotations

import gc
import json
import weakref
from collections.abc import Callable, Generator, Iterator
from contextvars import ContextVar
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import response_message
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.protocols.v1 import orchestrator_payload, unseen_events
from embedded_worker.orchestrator_lint import UnusableValueError
from embedded_worker.orchestrator_sessions import OrchestratorSession
from embedded_worker.session_cache import SessionCache
from tests.engine.scenario import after, completed, failed, fired, raised

ROOT = Path(__file__).parent
Steps = Generator[Any, Any, Any]


class Turns:
    """Runs turns of one orchestrator. If ``fresh``, each turn replays it from its history."""

    def __init__(
        self,
        function: Callable[[Any], Any],
        *,
        fresh: bool = False,
        is_strict: bool = False,
        reports_lines: bool = False,
    ) -> None:
        self.handle = df.Orchestrator.create(function)
        self.fresh, self.is_strict, self.reports_lines = fresh, is_strict, reports_lines
        self.by_sdk: dict[str, Any] = {}
        """The result of the SDK alone for the events of the last turn."""
        self.past: list[HistoryEvent] = []
        self.session: OrchestratorSession | None = None
        self.actions: list[Any] = []

    def __call__(self, *events: HistoryEvent) -> dict[str, Any]:
        """Run a turn with ``events``, and return the SDK's JSON with all actions."""
        new = [h.orchestrator_started(after(len(self.past))), *events]
        if not self.past:
            started = h.execution_started(
                after(0),
                instance_id="i-1",
                execution_id="e-1",
                name="Main",
                input=None,
                parent=None,
            )
            new.insert(1, started)
        seen = 0 if self.session is None or self.fresh else self.session.seen
        payload = OrchestratorInput("i-1", "e-1", self.past, new, None, None, seen)
        if not seen:
            self.session = OrchestratorSession(
                self.handle, orchestrator_payload(payload), ROOT, is_strict=self.is_strict
            )
            if self.reports_lines:
                self.session.report_lines()
        if self.is_strict:
            whole = OrchestratorInput("i-1", "e-1", self.past, new, None, None, 0)
            self.by_sdk = json.loads(self.handle(orchestrator_payload(whole)))
        self.past = [*self.past, *new]
        assert self.session is not None
        state: dict[str, Any] = json.loads(
            self.session.run_turn(unseen_events(payload) if seen else None)
        )
        assert self.session.seen == len(self.past)
        # A turn omits the actions that an earlier turn returned.
        self.actions = self.actions[: self.session.known] + state["actions"][0]
        return {**state, "actions": [self.actions]}

    @property
    def now(self) -> OrchestratorSession:
        assert self.session is not None
        return self.session


@pytest.fixture(params=["kept", "fresh"])
def turns(request: pytest.FixtureRequest) -> Callable[[Callable[[Any], Any]], Turns]:
    return lambda function: Turns(function, fresh=request.param == "fresh")


MakeTurns = Callable[[Callable[[Any], Any]], Turns]


def event(name: str, value: Any) -> HistoryEvent:
    return raised(name, json.dumps(value))


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


# -- events ----------------------------------------------------------------------------------------


def three_at_once(context: Any) -> Steps:
    return (yield context.task_all([context.wait_for_external_event("Go") for _ in range(3)]))


def three_in_turn(context: Any) -> Steps:
    values = []
    for _ in range(3):
        values += [(yield context.wait_for_external_event("Go"))]
    return values


@pytest.mark.parametrize("waits", [three_at_once, three_in_turn])
@pytest.mark.parametrize("batches", [["abc"], ["", "a", "b", "c"], ["a", "bc"], ["", "ab", "c"]])
def test_events_complete_waits_in_the_order_of_arrival(
    turns: MakeTurns, waits: Any, batches: list[str]
) -> None:
    main = turns(waits)
    states = [main(*(event("Go", value) for value in batch)) for batch in batches]
    assert [state["isDone"] for state in states] == [False] * (len(batches) - 1) + [True]
    assert states[-1]["output"] == ["a", "b", "c"]


def test_a_name_is_compared_without_regard_to_case(turns: MakeTurns) -> None:
    main = turns(three_in_turn)
    main(event("GO", 1), event("Other", 0))
    assert main(event("go", 2), event("gO", 3))["output"] == [1, 2, 3]


def two_of_a_task_any(context: Any) -> Steps:
    waits = [context.wait_for_external_event("Go") for _ in range(2)]
    winner = yield context.task_any(waits)
    return waits.index(winner)


def after_an_activity(context: Any) -> Steps:
    yield context.call_activity("Echo")
    first = yield context.wait_for_external_event("Go")
    second = yield context.wait_for_external_event("Go")
    return [first, second]


# The SDK warns of an event that arrives before its wait.
@pytest.mark.filterwarnings("ignore:Potential duplicate Task completion")
@pytest.mark.needs_durable("1.3.0", "an event that arrives before its wait")
@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    ("function", "batches", "output"),
    [
        (after_an_activity, [[], [event("Go", 1), event("Go", 2)], [completed(0)]], [2, 2]),
        (after_an_activity, [[], [event("Go", 1)], [completed(0)]], [1, 1]),
        (two_of_a_task_any, [[], [event("Go", 1)]], 1),
        (three_in_turn, [[], [event("GO", 0)], [event("Go", n) for n in range(3)]], [0, 1, 2]),
        (three_at_once, [[event("Go", n) for n in range(3)]], [2, 1, 0]),
    ],
)
def test_a_strict_session_assigns_events_as_the_sdk_does(
    function: Any, batches: list[list[HistoryEvent]], output: Any, *, fresh: bool
) -> None:
    main = Turns(function, fresh=fresh, is_strict=True)
    for batch in batches:
        state = main(*batch)
        assert state == main.by_sdk
    assert state["output"] == output


def late(context: Any) -> Steps:
    """Wait for two events with a timeout each, then for both abandoned tasks."""
    waits = []
    for _ in range(2):
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
        waits.append(context.wait_for_external_event("Go"))
        yield context.task_any([waits[-1], timer])
    values = []
    for wait in reversed(waits):
        values += [(yield wait)]
    return values


def test_an_event_completes_an_awaited_task_and_not_an_abandoned_one(turns: MakeTurns) -> None:
    main = turns(late)
    main()
    main(fired(0))
    main(event("Go", "for the second"))
    assert main(event("Go", "for the first"))["output"] == ["for the second", "for the first"]


def test_an_event_without_a_waiting_task_goes_to_the_last_abandoned_task(turns: MakeTurns) -> None:
    def leaves_two(context: Any) -> Steps:
        waits = [context.wait_for_external_event("Go") for _ in range(2)]
        yield context.task_any([context.call_activity("Echo"), *waits])
        yield context.call_activity("Echo")
        return [wait.is_completed for wait in waits]

    main = turns(leaves_two)
    main()
    main(completed(0))
    main(event("Go", 1))
    assert main(completed(1))["output"] == [False, True]


def test_an_entity_call_gets_the_response_with_its_id(turns: MakeTurns) -> None:
    def calls_entity(context: Any) -> Steps:
        return (yield context.call_entity(df.EntityId("Counter", "k"), "get"))

    main = turns(calls_entity)
    main()
    sent = h.event_sent(after(1), 0, "@counter@k", "op", '{"id":"request-1"}')
    assert main(sent)["isDone"] is False
    assert main(event("REQUEST-1", 0))["isDone"] is False
    reply = h.event_raised(after(1), "request-1", response_message(json.dumps(5), False))
    assert main(reply)["output"] == 5


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


# -- calls without yield ---------------------------------------------------------------------------


def test_calls_that_were_never_yielded_have_a_warning(turns: MakeTurns) -> None:
    def forgets(context: Any) -> Steps:
        context.call_activity("Lost")
        later = context.call_activity("Later")
        context.signal_entity(df.EntityId("Counter", "k"), "add", 1)
        context.create_timer(context.current_utc_datetime)
        yield context.call_activity("Echo")
        yield context.task_all([later])
        context.call_sub_orchestrator("Child")

    main = turns(forgets)
    main()
    main(completed(1))
    main(completed(2))
    first = forgets.__code__.co_firstlineno
    here = Path(__file__).name
    warnings = main.now.never_yielded()
    expected = [(first + 7, "call_sub_orchestrator")]
    if not main.fresh:  # a replay warns about new calls only
        expected.insert(0, (first + 1, "call_activity"))
    assert warnings == [
        f"{here} line {line}: {method}(...) was called without yield, so it never runs. "
        f"Write yield context.{method}(...)."
        for line, method in expected
    ]


def test_a_timer_whose_time_has_an_offset_has_a_warning(turns: MakeTurns) -> None:
    def waits(context: Any) -> Steps:
        now = context.current_utc_datetime
        yield context.create_timer(now)
        yield context.create_timer(now.astimezone(timezone(timedelta(hours=2))))

    main = turns(waits)
    main()
    assert main.now.offset_timers() == []
    main(fired(0))
    line = waits.__code__.co_firstlineno + 3
    (warning,) = main.now.offset_timers()
    assert warning.startswith(f"{Path(__file__).name} line {line}: create_timer(20")
    assert "+02:00) fires at 20" in warning
    assert "+00:00, because the SDK writes the time without its offset from UTC" in warning
    assert main.now.offset_timers() == []


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


def test_errors_about_the_context_name_the_class_of_the_sdk() -> None:
    def main(context: Any) -> Any:
        assert context.misspelled

    with pytest.raises(Exception, match="'DurableOrchestrationContext' object has no attribute"):
        Turns(main)()


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
