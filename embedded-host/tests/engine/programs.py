"""Random orchestrators, written with the SDK.

A program is a list of steps. A step is a tree of tasks or a usual pattern: a timeout, a race whose
losers are awaited later, a caught error, several events with the same name.
"""

from __future__ import annotations

from collections.abc import Generator
from datetime import timedelta
from itertools import count
from typing import Any

import azure.durable_functions as df
from hypothesis import strategies as st

Steps = Generator[Any, Any, Any]
SHARED = "Shared"
"""Name of the events that several waits are for."""

SIMPLE = st.one_of(
    st.tuples(st.just("activity"), st.integers(0, 9)),
    st.tuples(st.just("child"), st.integers(0, 9)),
    st.tuples(st.just("timer"), st.integers(-5, 50)),
    st.just(("event",)),
    st.just(("call",)),
)
LEAVES = st.one_of(SIMPLE, st.tuples(st.just("retry"), st.integers(0, 2)))
FAILURES = st.one_of(st.just(("fail",)), st.tuples(st.just("exhaust"), st.integers(1, 2)))
# Inside another task, the SDK allows a task_all to fail only once: no child may succeed after
# another one has failed.
ALL_FAIL = st.tuples(st.just("all"), st.lists(FAILURES, min_size=1, max_size=2))


def several(of: Any) -> Any:
    return st.lists(of, min_size=1, max_size=3)


def steps_of(leaves: Any, of_any: Any = None) -> Any:
    """Return a strategy for steps. ``of_any``: additional children of a task_any."""
    trees = st.recursive(
        leaves,
        lambda trees: st.one_of(
            st.tuples(st.just("all"), several(trees)),
            st.tuples(
                st.just("any"), several(trees if of_any is None else st.one_of(trees, of_any))
            ),
        ),
        max_leaves=5,
    )
    return st.one_of(
        trees,
        st.tuples(st.just("unless cancelled"), leaves),
        st.just(("signal",)),
        st.just(("status",)),
    )


RETRIES_END = st.tuples(st.just("retries end"), st.integers(1, 2))
SOME_FAIL = st.tuples(st.just("some fail"), several(st.booleans()))

# Without counts, a program has either retries or steps after which the orchestrator continues
# although its list of actions does not show it: a task that is yielded again adds no action
# (functions-host.md#orchestrator-actions), and a task_all fails before all of its actions are done.
# A retry that runs meanwhile gets other ids on replay. The Azure Functions host has the same gap.
SDK_PROGRAMS = st.one_of(
    st.lists(st.one_of(steps_of(LEAVES), RETRIES_END), min_size=1, max_size=5),
    st.lists(
        st.one_of(
            steps_of(SIMPLE), SOME_FAIL, st.tuples(st.just("first, then all"), several(SIMPLE))
        ),
        min_size=1,
        max_size=5,
    ),
)
PROGRAMS = st.lists(
    st.one_of(
        steps_of(LEAVES, st.one_of(FAILURES, ALL_FAIL)),
        RETRIES_END,
        SOME_FAIL,
        st.tuples(st.just("first, then all"), several(LEAVES)),
        st.tuples(
            st.just("one by one"),
            several(st.one_of(LEAVES, FAILURES, ALL_FAIL, st.just(("shared",)))),
        ),
        st.tuples(st.just("fails fast"), several(st.one_of(LEAVES, FAILURES))),
        st.tuples(st.just("shared together"), st.integers(1, 3)),
        st.tuples(st.just("shared until late"), st.integers(1, 3), st.integers(-1, 9)),
    ),
    min_size=1,
    max_size=5,
)


class Program:
    """The orchestrator that runs ``steps`` in each of ``rounds`` executions."""

    def __init__(self, steps: list[Any], rounds: int, *, exact: bool) -> None:
        """Create a program. With ``exact``, its output also depends on the order of events."""
        self.steps, self.rounds, self.exact = steps, rounds, exact
        self.handle = df.Orchestrator.create(self.run)

    def run(self, context: Any) -> Steps:
        done, results = context.get_input() or [0, []]
        names = count()
        for step in self.steps:
            results = [*results, (yield from self.step(context, step, f"{done}-", names))]
        if done + 1 < self.rounds:
            context.continue_as_new([done + 1, results])
            return None
        return results

    def step(self, context: Any, step: Any, prefix: str, names: Any) -> Steps:
        kind = step[0]
        if kind in ("first, then all", "one by one", "fails fast"):
            tasks = [self.task(context, tree, prefix, names) for tree in step[1]]
            return (
                yield from getattr(self, kind.replace(",", "").replace(" ", "_"))(context, tasks)
            )
        if kind == "shared together":
            together = context.task_all(
                [context.wait_for_external_event(SHARED) for _ in range(step[1])]
            )
            return self.order((yield together))
        if kind == "shared until late":
            return (yield from self.shared_until_late(context, *step[1:]))
        if kind == "unless cancelled":
            timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=20))
            yield context.task_any([timer, self.task(context, step[1], prefix, names)])
            if not timer.is_completed:
                timer.cancel()
            return "done"
        if kind == "some fail":
            try:
                return (
                    yield context.task_all(
                        [context.call_activity("Fail" if f else "Echo", 1) for f in step[1]]
                    )
                )
            except Exception:
                return "failed"
        if kind == "retries end":
            try:
                return (
                    yield context.call_activity_with_retry(
                        "Fail", df.RetryOptions(1000, step[1]), 1
                    )
                )
            except Exception as error:
                return str(error)
        if kind == "signal":
            context.signal_entity(df.EntityId("Counter", "k"), "add", 1)
            return "signalled"
        if kind == "status":
            return context.set_custom_status({"at": next(names)})
        task = self.task(context, step, prefix, names)
        return self.value(step, task, (yield task))

    def first_then_all(self, context: Any, tasks: list[Any]) -> Steps:
        yield context.task_any(tasks)
        return (yield context.task_all(tasks))

    def one_by_one(self, context: Any, tasks: list[Any]) -> Steps:
        """Remove the winner and await the others again, until none is left."""
        left, winners = list(tasks), []
        while left:
            winner = yield context.task_any(left)
            winners.append(tasks.index(winner))
            left.remove(winner)
            yield context.call_activity("Echo", len(left))
        return self.order(winners)

    def fails_fast(self, context: Any, tasks: list[Any]) -> Steps:
        """Catch a failed task_all whose other tasks are still running, and call more activities."""
        failing = context.call_activity("Fail", 1)
        try:
            yield context.task_all([*tasks, failing])
        except Exception as error:
            reason = str(error)
        first = yield context.call_activity("Echo", 1)
        second = yield context.call_activity_with_retry(
            "Flaky", df.RetryOptions(1000, 3), ["again", first]
        )
        return [reason if self.exact else "failed", second]

    def shared_until_late(self, context: Any, times: int, seconds: int) -> Steps:
        """Start waits with a timeout, and await the abandoned waits again later."""
        waits, values = [], []
        for _ in range(times):
            timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
            waits.append(context.wait_for_external_event(SHARED))
            winner = yield context.task_any([waits[-1], timer])
            if winner is not timer and not timer.is_completed:
                timer.cancel()
        for wait in waits:
            values += [(yield wait)]
        return self.order(values)

    def task(self, context: Any, tree: Any, prefix: str, names: Any) -> Any:
        kind, name = tree[0], f"{prefix}{next(names)}"
        if kind == "activity":
            return context.call_activity("Echo", [name, tree[1]])
        if kind == "fail":
            return context.call_activity("Fail", name)
        if kind == "child":
            return context.call_sub_orchestrator("Child", [name, tree[1]])
        if kind == "retry":
            return context.call_activity_with_retry(
                "Flaky", df.RetryOptions(1000, 3), [name, tree[1]]
            )
        if kind == "exhaust":
            return context.call_activity_with_retry("Fail", df.RetryOptions(1000, tree[1]), name)
        if kind == "timer":
            return context.create_timer(context.current_utc_datetime + timedelta(seconds=tree[1]))
        if kind == "event":
            return context.wait_for_external_event(f"event {name}")
        if kind == "shared":
            return context.wait_for_external_event(SHARED)
        if kind == "call":
            return context.call_entity(df.EntityId("Counter", "k"), "get", name)
        together = context.task_all if kind == "all" else context.task_any
        return together([self.task(context, inner, prefix, names) for inner in tree[1]])

    def value(self, tree: Any, task: Any, result: Any) -> Any:
        if tree[0] == "any":
            return ["any", task.children.index(result)] if self.exact else "any"
        if tree[0] == "all":
            return [
                self.value(*inner) for inner in zip(tree[1], task.children, result, strict=True)
            ]
        return result

    def order(self, values: list[Any]) -> Any:
        return values if self.exact else len(values)


def events_of(steps: list[Any], rounds: int) -> list[tuple[str, Any]]:
    """Return the names and values of the events to raise.

    There are more names than the program waits for. The shared name is spelled in two ways, and has
    an event for each wait, because an abandoned wait may consume one.
    """
    text = str(steps)
    own = (
        [f"event {done}-{n}" for done in range(rounds) for n in range(text.count("'"))]
        if "'event'" in text
        else []
    )
    shared = text.count("'shared'") + sum(
        step[1] for step in steps if step[0].startswith("shared ")
    )
    return [(name, name) for name in own] + [
        (SHARED if n % 2 else SHARED.upper(), f"value {n}") for n in range(shared * rounds)
    ]
