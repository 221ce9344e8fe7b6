"""Turns of orchestrators."""

from __future__ import annotations

import json
from datetime import datetime, timezone

import pytest

from embedded_host.protocols.v1.errors import OUT_OF_PROC_LABEL
from embedded_worker.protocol import (
    TurnRequest,
)
from tests.embedded_worker.conftest import MakeRunner
from tests.support.app_folder import (
    AppFolder,
)
from tests.support.worker_calls import error, run, value


def first_turn(text: str | None = None) -> str:
    """Return the payload of an orchestrator's first turn."""
    now = datetime.now(timezone.utc).isoformat().replace("+00:00", "Z")
    common = {"EventId": -1, "IsPlayed": False, "Timestamp": now}
    started = {"EventType": 0, "Name": "Hello", "Input": text, "Version": None, **common}
    started["OrchestrationInstance"] = {"InstanceId": "i", "ExecutionId": "e"}
    return json.dumps(
        {
            "history": [{"EventType": 12, **common}, started],
            "input": text,
            "instanceId": "i",
            "isReplaying": False,
            "parentInstanceId": None,
            "upperSchemaVersion": 1,
            "upperSchemaVersionNew": 3,
            "longRunningTimerIntervalDuration": "3.00:00:00",
            "maximumShortTimerDuration": "6.00:00:00",
            "defaultHttpAsyncRequestSleepTimeMillseconds": 30000,
        }
    )


async def test_an_orchestrator_returns_its_actions(app: AppFolder, running: MakeRunner) -> None:
    app.orchestrator(
        "Hello", "r = yield context.call_activity('Echo', context.get_input())\nreturn r"
    )
    state = json.loads(await value(running(app), "Hello", first_turn('"World"')))
    assert state["isDone"] is False
    assert state["actions"] == [[{"actionType": 0, "functionName": "Echo", "input": '"World"'}]]


async def test_an_orchestrators_failure_keeps_the_sdks_state(
    app: AppFolder, running: MakeRunner
) -> None:
    app.orchestrator("Hello", "raise ValueError('blew up')\nyield")
    failed = await error(running(app), "Hello", first_turn())
    text, label, state = failed.message.partition(OUT_OF_PROC_LABEL)
    assert text == "blew up"
    assert label
    assert json.loads(state)["error"] == "blew up"
    assert failed.stack.rstrip().endswith("ValueError: blew up")
    assert str(app.root / "Hello") in failed.stack


async def test_a_decorator_of_an_orchestrator_runs_in_each_turn(
    app: AppFolder, running: MakeRunner
) -> None:
    app.write(
        "counted.py",
        """
        import functools
        turns = []
        def counted(handle):
            @functools.wraps(handle)
            def run(context):
                turns.append(1)
                return handle(context)
            return run
        """,
    )
    app.orchestrator("Hello", "yield context.call_activity('Echo', len(counted.turns))")
    code = app.root / "Hello" / "__init__.py"
    text = code.read_text().replace("main = df", "import counted\nmain = df")
    code.write_text(text + "main = counted.counted(main)\n")
    runner = running(app)
    turn = TurnRequest(1, "Hello", "i", "e", first_turn())
    for count in (1, 2):
        result = await run(runner, turn)
        assert result.error is None
        assert result.kept is False
        assert json.loads(str(result.value))["actions"][0][0]["input"] == str(count)
    later = await run(runner, TurnRequest(1, "Hello", "i", "e", "[]", 2))
    assert later.missing, "the host then sends the whole history"


async def test_the_replay_of_a_diagnosis_logs_nothing_and_is_not_kept(
    app: AppFolder, running: MakeRunner, caplog: pytest.LogCaptureFixture
) -> None:
    app.orchestrator(
        "Hello",
        "from embedded_worker.function_logs import current_invocation\n"
        "context.set_custom_status(current_invocation().is_silent)\n"
        "context.call_activity('Never', 1)\n"
        "if context.get_input() == 'wait':\n    yield context.wait_for_external_event('Go')",
    )
    runner = running(app)
    waiting = TurnRequest(1, "Hello", "i", "e", first_turn('"wait"'), is_diagnosis=True)
    result = await run(runner, waiting)
    assert result.kept is False
    assert json.loads(str(result.value))["customStatus"] is True
    ended = TurnRequest(2, "Hello", "i", "e", first_turn(), is_diagnosis=True)
    await run(runner, ended)
    assert not caplog.messages
    await run(runner, ended._replace(is_diagnosis=False))
    assert "was called without yield" in caplog.text, "the diagnosis has not consumed the warning"
