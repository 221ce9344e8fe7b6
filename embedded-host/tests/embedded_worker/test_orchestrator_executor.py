"""The assignment of external events to waits, and its differences from the SDK's executor."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import azure.durable_functions as df
import pytest

from embedded_host.engine import history as h
from embedded_host.engine.entity_messages import response_message
from embedded_host.engine.events import HistoryEvent
from tests.embedded_worker.turns import MakeTurns, Steps, Turns, event, three_in_turn
from tests.engine.scenario import after, completed, fired


def three_at_once(context: Any) -> Steps:
    return (yield context.task_all([context.wait_for_external_event("Go") for _ in range(3)]))


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
