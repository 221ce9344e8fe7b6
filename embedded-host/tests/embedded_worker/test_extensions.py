"""Extensions of the worker: hooks before and after every function."""

from __future__ import annotations

import importlib
import json
from collections.abc import Iterator
from typing import Any

import azure.functions as func
import pytest

from embedded_worker.extensions import SETTING
from embedded_worker.protocol import InvocationRequest, TurnRequest
from embedded_worker.runner import Runner
from tests.support.app_folder import AppFolder, activity_trigger
from tests.support.worker_calls import load_of, run

EXTENSION = """
from azure.functions import AppExtensionBase, FuncExtensionBase

seen = []


class Tracing(AppExtensionBase):
    @classmethod
    def post_function_load_app_level(cls, function_name, function_directory, *more, **options):
        seen.append(f"loaded {function_name}")

    @classmethod
    def pre_invocation_app_level(cls, logger, context, func_args=None, *more, **options):
        context.tracer = f"traces {context.function_name} {sorted(func_args)}"
        seen.append("app before")

    @classmethod
    def post_invocation_app_level(
        cls, logger, context, func_args=None, func_ret=None, *more, **options
    ):
        seen.append(f"app after {type(func_ret).__name__}")


class Own(FuncExtensionBase):
    def pre_invocation(self, logger, context, func_args=None, *more, **options):
        seen.append("own before")
        raise ValueError("a hook that fails")

    def post_invocation(self, logger, context, func_args=None, func_ret=None, *more, **options):
        seen.append("own after")

    def __init__(self, path):
        super().__init__(path)
"""
TRACED = """
from shared.tracing import Own, seen
Own(__file__)


{define} main(value, context):
    seen.append(f"run {{value}}")
    return getattr(context, "tracer", "no tracer")
"""


@pytest.fixture(autouse=True)
def removed_extensions() -> Iterator[None]:
    """Remove the extensions, which register for the lifetime of the process."""
    meta: Any = func.ExtensionMeta
    yield
    meta._func_exts.clear()
    meta._app_exts = None
    meta._info.clear()


@pytest.fixture
def runner(
    app: AppFolder, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Runner:
    monkeypatch.setenv(SETTING, request.param)
    monkeypatch.setenv("AzureWebJobsScriptRoot", str(app.root))
    app.write("shared/__init__.py", "")
    app.write("shared/tracing.py", EXTENSION)
    app.function("Traced", TRACED.format(define="def"), activity_trigger())
    app.function("TracedLater", TRACED.format(define="async def"), activity_trigger())
    app.orchestrator("Hello", "return (yield context.call_activity('Traced'))")
    runner = Runner()
    assert runner.load(load_of(app)).problems == []
    return runner


def seen() -> list[str]:
    tracing = importlib.import_module("shared.tracing")  # a module of the app
    copied: list[str] = tracing.seen[:]
    tracing.seen.clear()
    return copied


@pytest.mark.parametrize("runner", ["1", "True"], indirect=True)
@pytest.mark.parametrize("name", ["Traced", "TracedLater"])
async def test_hooks_run_before_and_after_a_function(
    runner: Runner, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert seen() == ["loaded Hello", "loaded Traced", "loaded TracedLater"]
    result = await run(runner, InvocationRequest(1, name, "3", "the-invocation"))
    assert result.value == json.dumps(f"traces {name} ['context', 'value']")
    assert seen() == ["app before", "own before", "run 3", "own after", "app after str"]
    assert "a hook that fails" in caplog.text


@pytest.mark.parametrize("runner", ["1"], indirect=True)
async def test_hooks_run_before_and_after_each_turn(runner: Runner) -> None:
    seen()
    event = {"EventId": -1, "IsPlayed": False, "Timestamp": "2026-01-02T03:04:05Z"}
    instance = {"InstanceId": "i", "ExecutionId": "e"}
    history = [
        {**event, "EventType": 12},
        {
            **event,
            "EventType": 0,
            "OrchestrationInstance": instance,
            "Name": "Hello",
            "Version": None,
            "Input": None,
        },
    ]
    document: dict[str, object] = {
        "history": history,
        "input": None,
        "instanceId": "i",
        "isReplaying": False,
        "parentInstanceId": None,
    }
    document |= {"upperSchemaVersion": 1, "upperSchemaVersionNew": 3}
    result = await run(runner, TurnRequest(1, "Hello", "i", "e", json.dumps(document)))
    assert result.error is None
    assert seen() == ["app before", "app after str"]


@pytest.mark.parametrize("runner", ["", "0", "false"], indirect=True)
async def test_extensions_are_off_by_default(runner: Runner) -> None:
    result = await run(runner, InvocationRequest(1, "Traced", "3", "the-invocation"))
    assert result.value == '"no tracer"'
    assert seen() == ["run 3"]
