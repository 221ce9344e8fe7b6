"""The checks of the values that an orchestrator of SDK 2.x yields and returns."""

from __future__ import annotations

from typing import Any

import pytest
from durabletask import task

from tests.embedded_worker.sdk2.test_sessions import Steps, Turns, completed, only, scheduled


@pytest.mark.parametrize(
    ("value", "described"),
    [
        (None, "nothing, but must yield a task of its context."),
        (5, "a int, but must yield a task of its context."),
        (
            [1],
            "a list, but must yield a task of its context: write yield task.when_all([...]).",
        ),
    ],
)
@pytest.mark.parametrize("later", [False, True])
def test_another_value_than_a_task_is_refused(value: Any, described: str, later: bool) -> None:
    ended = []

    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        if later:
            yield ctx.call_activity("A")
        try:
            yield value
        finally:
            ended.append(True)

    turns = Turns(main)
    turns.replayed = False
    response = turns()
    if later:
        response = turns(completed(1), past=[scheduled(1)])
    failure = only(response)["failureDetails"]
    assert failure["errorType"] == "builtins.TypeError"
    line = main.__code__.co_firstlineno + 4
    assert failure["errorMessage"] == (
        f"test_yield_checks.py line {line}: the orchestrator yields {described}"
    )
    assert ended == [True]


@pytest.mark.parametrize("is_generator", [False, True])
def test_returning_a_task_is_refused(is_generator: bool) -> None:
    def generator(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.call_activity("A")
        return ctx.call_activity("A")

    def function(ctx: task.OrchestrationContext, _: Any) -> Any:
        return ctx.call_activity("A")

    turns = Turns(generator if is_generator else function)
    turns.replayed = False
    response = turns()
    if is_generator:
        response = turns(completed(1), past=[scheduled(1)])
    [failed] = [a for a in response["actions"] if "completeOrchestration" in a]
    message = failed["completeOrchestration"]["failureDetails"]["errorMessage"]
    name = "generator" if is_generator else "function"
    line = (generator if is_generator else function).__code__.co_firstlineno
    assert message == (
        f"test_yield_checks.py line {line}: '{name}' returns a task and not its result. "
        "Write return (yield context...)."
    )


def test_a_value_after_the_end_is_not_checked() -> None:
    """Code for SDK 1.x may yield continue_as_new, which returns None."""

    def main(ctx: task.OrchestrationContext, _: Any) -> Steps:
        yield ctx.continue_as_new(1)

    status = only(Turns(main)())["orchestrationStatus"]
    assert status == "ORCHESTRATION_STATUS_CONTINUED_AS_NEW"
