"""The checks of the values that an orchestrator of SDK 1.x yields and returns."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import azure.durable_functions as df
import pytest

from embedded_host.engine import history as h
from embedded_host.engine.events import HistoryEvent
from embedded_host.engine.invocations import OrchestratorInput
from embedded_host.protocols.v1 import orchestrator_payload
from embedded_worker.orchestrator_sessions import OrchestratorSession
from tests.embedded_worker.conftest import FILE, MakeFunction
from tests.engine.scenario import after, completed
from tests.support.app_folder import AppFolder


def first_turn(function: Any, root: Path, *events: HistoryEvent) -> str:
    """Return the SDK's JSON for the first turn of an orchestrator."""
    started = h.execution_started(
        after(0), instance_id="i-1", execution_id="e-1", name="Main", input=None
    )
    payload = OrchestratorInput(
        "i-1", "e-1", [], [h.orchestrator_started(after(0)), started, *events], None, None
    )
    return OrchestratorSession(
        df.Orchestrator.create(function), orchestrator_payload(payload), root
    ).run_turn()


def failure(function: Any, root: Path, *events: HistoryEvent) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011 - the SDK raises no other class
        first_turn(function, root, *events)
    return str(caught.value).split("\n\n$OutOfProcData$:")[0]


# -- yielded values and exceptions -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("yielded", "expected"),
    [
        (
            "[context.call_activity('A')]",
            "a list, but must yield a task of its context: write yield context.task_all([...]).",
        ),
        (
            "(context.call_activity('A'),)",
            "a tuple, but must yield a task of its context: write yield context.task_all([...]).",
        ),
        ("", "nothing, but must yield a task of its context."),
        ("None", "nothing, but must yield a task of its context."),
        ("5", "a int, but must yield a task of its context."),
        (
            "context.signal_entity(df.EntityId('Counter', 'a'), 'add', 1)",
            "a signal, which has no result to wait for: write context.signal_entity(...) "
            "without yield.",
        ),
    ],
)
@pytest.mark.parametrize("later", [False, True])
def test_yielding_another_value_than_a_task_is_refused(
    app: AppFolder, run: MakeFunction, yielded: str, expected: str, later: bool
) -> None:
    before = "yield context.call_activity('Echo')" if later else "pass"
    function = run(f"def run(context):\n    {before}\n    yield {yielded}\n")
    events = [completed(0)] if later else []
    assert (
        failure(function, app.root, *events) == f"{FILE} line 3: the orchestrator yields {expected}"
    )


@pytest.mark.parametrize("later", [False, True])
def test_continue_as_new_may_be_yielded(app: AppFolder, run: MakeFunction, later: bool) -> None:
    """Other languages yield continue_as_new. It returns no task, and the SDK ends the execution."""
    before = "yield context.call_activity('Echo')" if later else "pass"
    function = run(
        f"def run(context):\n    {before}\n"
        "    yield context.continue_as_new(5)\n    yield context.call_activity('Never')\n"
    )
    state = json.loads(first_turn(function, app.root, *([completed(0)] if later else [])))
    assert state["isDone"] is True
    [actions] = state["actions"]
    assert [action.get("functionName", action.get("input")) for action in actions] == (
        ["Echo"] if later else []
    ) + ["5"]
    assert actions[-1]["actionType"] == 4


def test_the_finally_block_of_a_refused_orchestrator_runs(
    app: AppFolder, run: MakeFunction
) -> None:
    function = run(
        """\
        ended = []

        def run(context):
            try:
                yield 5
            finally:
                ended.append(1)
        """
    )
    assert "yields a int" in failure(function, app.root)
    assert function.__globals__["ended"] == [1]


@pytest.mark.parametrize(
    "code",
    [
        "def run(context):\n    return context.call_activity('A')\n",
        "def run(context):\n    if False:\n        yield\n    return context.call_activity('A')\n",
    ],
)
def test_returning_a_task_is_refused(app: AppFolder, run: MakeFunction, code: str) -> None:
    function = run(code)
    line = function.__code__.co_firstlineno
    assert failure(function, app.root) == (
        f"{FILE} line {line}: 'run' returns a task and not its result. "
        "Write return (yield context...)."
    )


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        ("raise KeyError", "KeyError without a message at Main/__init__.py line 3"),
        ("raise ValueError()", "ValueError without a message at Main/__init__.py line 3"),
        ("assert context is None", "AssertionError without a message at Main/__init__.py line 3"),
        ("raise ValueError('boom')", "boom"),
    ],
)
def test_an_exception_without_a_message_is_reported_with_its_line(
    app: AppFolder, run: MakeFunction, raised: str, expected: str
) -> None:
    function = run(f"def run(context):\n    yield context.call_activity('A')\n    {raised}\n")
    assert failure(function, app.root, completed(0)) == expected


def test_the_orchestrator_gets_results_and_exceptions(app: AppFolder, run: MakeFunction) -> None:
    function = run(
        """\
        def run(context):
            first = yield context.call_activity("A")
            try:
                yield context.call_activity("B")
            except Exception as error:
                return [first, str(error)]
        """
    )
    failed = h.task_failed(after(1), 1, "boom", "why")
    assert '"output": [5, "boom \\n why"]' in first_turn(
        function, app.root, completed(0, "5"), failed
    )


def test_an_orchestrator_without_a_yield_returns_its_value(
    app: AppFolder, run: MakeFunction
) -> None:
    assert '"output": 3' in first_turn(run("def run(context):\n    return 3\n"), app.root)
