"""The functions and inputs of ``POST /admin/functions/{name}``."""

from __future__ import annotations

from pathlib import Path

import pytest

from embedded_host.app.definitions import Binding, Function
from embedded_host.workers.direct_runs import direct_run_problem


def function(kind: str) -> Function:
    folder = Path("app/F")
    return Function("F", folder, folder / "__init__.py", "main", (Binding(kind, "x", "in"),))


@pytest.mark.parametrize(
    ("kind", "input", "words"),
    [
        ("orchestrationTrigger", "{}", "do not support direct invocation"),
        ("entityTrigger", "{}", "do not support direct invocation"),
        ("httpTrigger", "{}", "An HttpRequest is required"),
        ("activityTrigger", "text", "Exception binding parameter 'x'"),
        ("activityTrigger", "1, 2", "Exception binding parameter 'x'"),
        ("activityTrigger", "[" * 100_000, "Exception binding parameter 'x'"),
        ("activityTrigger", "", "there is no input"),
        ("activityTrigger", None, "there is no input"),
    ],
)
def test_some_functions_and_inputs_are_refused(kind: str, input: str | None, words: str) -> None:
    assert words in direct_run_problem(function(kind), input)


@pytest.mark.parametrize(
    ("kind", "input"),
    [
        ("timerTrigger", None),
        ("timerTrigger", "text"),
        ("activityTrigger", '{"a": 1}'),
        ("activityTrigger", "null"),
        ("warmupTrigger", None),
    ],
)
def test_timers_run_with_every_input_and_activities_with_json(kind: str, input: str | None) -> None:
    assert direct_run_problem(function(kind), input) == ""
