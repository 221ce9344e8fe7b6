"""The app of the task hub's tests: one orchestrator for each feature."""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from typing import Any

import azure.durable_functions as df

from tests.task_hub.kit import HubUnderTest, InlineInvoker

Steps = Generator[Any, Any, Any]


def chain(context: Any) -> Steps:
    first = yield context.call_activity("Double", context.get_input() or 1)
    second = yield context.call_activity("Double", first)
    return second


def fan_out(context: Any) -> Steps:
    return (yield context.task_all([context.call_activity("Double", n) for n in range(5)]))


def waits(context: Any) -> Steps:
    context.set_custom_status("waiting")
    return (yield context.wait_for_external_event("Go"))


def sleeps(context: Any) -> Steps:
    yield context.create_timer(
        context.current_utc_datetime + timedelta(seconds=context.get_input())
    )
    return "awake"


def race(context: Any) -> Steps:
    timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    event = context.wait_for_external_event("Go")
    winner = yield context.task_any([timer, event])
    if winner is event:
        timer.cancel()
    return "event" if winner is event else "timer"


def parent(context: Any) -> Steps:
    results = yield context.task_all(
        [context.call_sub_orchestrator("Chain", n, f"{context.instance_id}:{n}") for n in (1, 2)]
    )
    return results


def retries(context: Any) -> Steps:
    return (yield context.call_activity_with_retry("Flaky", df.RetryOptions(5000, 3), None))


def counts_down(context: Any) -> Steps:
    n = context.get_input()
    yield context.call_activity("Double", n)
    if n:
        context.continue_as_new(n - 1)
        return None
    return "zero"


def calls_entity(context: Any) -> Steps:
    entity = df.EntityId("Counter", "k")
    context.signal_entity(entity, "add", 5)
    first = yield context.call_entity(entity, "add", 3)
    try:
        yield context.call_entity(entity, "explode")
    except Exception as error:
        return [first, str(error)]


def calls_http(context: Any) -> Steps:
    return (yield context.call_http("GET", "http://localhost/x"))


def calls_missing_functions(context: Any) -> Steps:
    errors = []
    for call in (context.call_activity, context.call_sub_orchestrator):
        try:
            yield call("Missing")
        except Exception as error:
            errors.append(str(error))
    return errors


def fails(context: Any) -> Steps:
    yield context.call_activity("Double", 1)
    raise ValueError("boom")


def counter(context: Any) -> None:
    state = context.get_state(lambda: 0)
    if context.operation_name == "explode":
        raise ValueError("entity exploded")
    if context.operation_name == "add":
        state += context.get_input()
    context.set_state(state)
    context.set_result(state)


class Flaky:
    def __init__(self, failures: int) -> None:
        self.failures = failures

    def __call__(self, _: Any) -> str:
        if self.failures > 0:
            self.failures -= 1
            raise RuntimeError("not yet")
        return "at last"


def new_hub(flaky_failures: int = 0, **options: Any) -> HubUnderTest:
    invoker = InlineInvoker(
        {
            "Chain": chain,
            "FanOut": fan_out,
            "Waits": waits,
            "Sleeps": sleeps,
            "Race": race,
            "Parent": parent,
            "Retries": retries,
            "CountsDown": counts_down,
            "CallsEntity": calls_entity,
            "CallsHttp": calls_http,
            "CallsMissingFunctions": calls_missing_functions,
            "Fails": fails,
        },
        {"Double": lambda n: 2 * n, "Flaky": Flaky(flaky_failures)},
        {"Counter": counter},
    )
    return HubUnderTest(invoker, **options)
