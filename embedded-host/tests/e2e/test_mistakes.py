"""Tests of faults after which the Azure Functions host hangs or exposes its internals.

Source: docs/reference/known-differences.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder, orchestration_trigger
from tests.support.polling import eventually
from tests.support.running_host import RunningHost

_CATCH = """
try:
    {call}
except Exception as error:
    return str(error)
return "not caught"
"""

_CALLS = {
    "CallsNoActivity": 'yield context.call_activity("Ecko", 1)',
    "RetriesNoActivity": (
        'yield context.call_activity_with_retry("Ecko", df.RetryOptions(10, 2), 1)'
    ),
    "CallsNoOrchestrator": 'yield context.call_sub_orchestrator("Missing", 1)',
    "CallsNoEntity": 'yield context.call_entity(df.EntityId("Missing", "k"), "get")',
    "CallsBrokenOrchestrator": 'yield context.call_sub_orchestrator("DoesNotImport")',
    "CallsBrokenActivity": 'yield context.call_activity("BrokenActivity", 1)',
    "CallsRunningId": 'yield context.call_sub_orchestrator("Waits", None, context.get_input())',
    "CallsItself": 'yield context.call_sub_orchestrator("Waits", None, context.instance_id)',
    "CallsEntitysId": 'yield context.call_sub_orchestrator("Waits", None, "@counter@k")',
    "CallsUnserializableState": 'yield context.call_entity(df.EntityId("Unserializable", '
    'context.instance_id), "state")',
    "CallsUnserializableResult": 'yield context.call_entity(df.EntityId("Unserializable", '
    'context.instance_id), "result")',
    "CallsFailingEntity": 'yield context.call_entity(df.EntityId("Unserializable", '
    'context.instance_id), "raise")',
    "CallsUnserializableActivity": 'yield context.call_activity("Unserializable_Activity", 1)',
    "CallsActivityWithoutText": 'yield context.call_activity("RaisesWithoutText", 1)',
}

_ORCHESTRATORS = {
    "Waits": 'return (yield context.wait_for_external_event("Go"))',
    "YieldsList": 'yield [context.call_activity("Echo", 1)]',
    "YieldsNothing": "yield",
    "ReturnsTask": (
        'yield context.call_activity("Echo", 1)\nreturn context.call_activity("Echo", 2)'
    ),
    "NeverYields": 'return context.call_activity("Echo", 2)',
    "WithoutYield": 'context.call_activity("Echo", 1)\nreturn (yield '
    'context.call_activity("Echo", 2))',
    "Blocks": "import time\nyield context.call_activity('Echo', 1)\ntime.sleep(1.3)\nreturn 'done'",
    "ReadsClock": "import datetime\nyield context.call_activity('Echo', 1)\nreturn "
    "str(datetime.datetime.now())",
    "WithoutText": "yield context.call_activity('Echo', 1)\nraise ValueError",
    "Unserializable_Output": "yield context.call_activity('Echo', 1)\nreturn {1, 2}",
    "Unserializable_Status": "context.set_custom_status(object())\nyield "
    "context.call_activity('Echo', 1)",
}

_ENTITY = """\
import azure.durable_functions as df


def entity_function(context):
    if context.operation_name == "raise":
        raise KeyError("no such thing")
    if context.operation_name == "state":
        context.set_state({1, 2})
    if context.operation_name == "result":
        context.set_result(object())


main = df.Entity.create(entity_function)
"""

_HOST_JSON = """\
{
  // the version of the schema
  "version": "2.0",
  /* a name of our own */
  "extensions": {"durableTask": {"hubName": "Mistakes"}},
}
"""


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("mistakes")
    app = AppFolder(folder / "app")
    app.write("host.json", _HOST_JSON)
    app.starter()
    app.activity("Echo", "return value")
    app.activity("RaisesWithoutText", "raise ValueError")
    app.activity("Unserializable_Activity", "return {1, 2}")
    app.function(
        "BrokenActivity",
        "def main(value): ...\n1 / 0\n",
        {"name": "value", "type": "activityTrigger"},
    )
    app.function("DoesNotImport", "import no_such_thing\n", orchestration_trigger())
    app.function(
        "PlainGenerator",
        "def main(context):\n    yield context.call_activity('Echo', 1)\n",
        orchestration_trigger(),
    )
    app.function(
        "Async",
        """\
        import azure.durable_functions as df

        async def run(context):
            await context.call_activity("Echo", 1)

        main = df.Orchestrator.create(run)
        """,
        orchestration_trigger(),
    )
    entity_trigger = {"name": "context", "type": "entityTrigger", "direction": "in"}
    app.function("Unserializable", _ENTITY, entity_trigger)
    app.function("Counter", _ENTITY, entity_trigger)
    for name, call in _CALLS.items():
        app.orchestrator(name, _CATCH.format(call=call))
    for name, body in _ORCHESTRATORS.items():
        app.orchestrator(name, body)
    with RunningHost(app.root, folder / "state") as host:
        yield host
        assert host.stop() == 0, host.log


def failure(host: RunningHost, name: str) -> str:
    status = host.end(host.start(name))
    assert status["runtimeStatus"] == "Failed", status
    output: str = status["output"]
    return output


# -- calls that never end --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "CallsNoActivity",
            ["The function 'Ecko' doesn't exist", "known activity functions: ", "'Echo'"],
        ),
        (
            "RetriesNoActivity",
            ["The function 'Ecko' doesn't exist", "known activity functions: ", "'Echo'"],
        ),
        (
            "CallsNoOrchestrator",
            ["The function 'Missing' doesn't exist", "known orchestrator functions: ", "'Waits'"],
        ),
        (
            "CallsNoEntity",
            ["The function 'missing' doesn't exist", "known entity functions: ", "'Counter'"],
        ),
        ("CallsBrokenOrchestrator", ["DoesNotImport/__init__.py line 1: import no_such_thing"]),
        ("CallsBrokenActivity", ["BrokenActivity/__init__.py line 2: 1 / 0", "ZeroDivisionError"]),
        ("CallsItself", ["it is the id of the calling instance or of its parent"]),
        ("CallsEntitysId", ["'@counter@k'", "ids of entities start with '@'"]),
        ("CallsUnserializableState", ["set", "JSON"]),
        ("CallsUnserializableResult", ["object", "JSON"]),
        ("CallsFailingEntity", ["no such thing"]),
        (
            "CallsUnserializableActivity",
            ["'Unserializable_Activity', a set, cannot be converted to JSON"],
        ),
        ("CallsActivityWithoutText", ["ValueError"]),
    ],
)
def test_an_invalid_call_fails_and_can_be_caught(
    host: RunningHost, name: str, expected: list[str]
) -> None:
    text = host.run(name)
    for part in expected:
        assert part.lower() in text.lower(), text
    assert "Non-Deterministic" not in text
    assert "embedded_host" not in text


def test_a_sub_orchestration_with_the_id_of_a_running_instance_fails(host: RunningHost) -> None:
    running = host.start("Waits", None, "taken")
    host.until(running, "Running")
    text = host.run("CallsRunningId", "taken")
    assert "An Orchestration instance with the status Running already exists: 'taken'" in text
    assert host.status(running)["runtimeStatus"] == "Running"
    host.raise_event(running, "Go", "on")
    assert host.end(running)["output"] == "on"


# -- error texts -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("YieldsList", ["YieldsList/__init__.py line 7", "yields a list", "context.task_all"]),
        ("YieldsNothing", ["YieldsNothing/__init__.py line 7", "yields nothing"]),
        ("ReturnsTask", ["ReturnsTask/__init__.py", "returns a task and not its result"]),
        ("NeverYields", ["NeverYields/__init__.py", "returns a task and not its result"]),
        ("WithoutText", ["ValueError without a message at WithoutText/__init__.py line 8"]),
        (
            "PlainGenerator",
            ["'main' in PlainGenerator/__init__.py is the orchestrator function itself"],
        ),
        ("Async", ["Async/__init__.py line 3: 'run' is an async def"]),
        ("DoesNotImport", ["DoesNotImport/__init__.py line 1: import no_such_thing"]),
        ("Unserializable_Output", ["set", "JSON"]),
        ("Unserializable_Status", ["the custom status, a object, cannot be converted to JSON"]),
    ],
)
def test_an_invalid_orchestrator_fails_with_an_explanation(
    host: RunningHost, name: str, expected: list[str]
) -> None:
    output = failure(host, name)
    for part in expected:
        assert part in output, output
    assert "embedded_host" not in output


def warned(host: RunningHost, text: str) -> str:
    return eventually(
        lambda: next((line for line in host.log.splitlines() if text in line), ""),
        f"a warning: {text}",
    )


def test_a_call_without_yield_is_reported(host: RunningHost) -> None:
    assert host.run("WithoutYield") == 2
    expected = warned(host, "WithoutYield/__init__.py line 7")
    assert (
        "call_activity(...) was called without yield, so it never runs. Write yield "
        "context.call_activity(...)." in expected
    )


def test_a_blocking_orchestrator_is_reported(host: RunningHost) -> None:
    assert warned(host, "Blocks/__init__.py line 9: time.sleep(...) in an orchestrator blocks"), (
        "before it has run"
    )
    links = host.start("Blocks")
    assert host.end(links)["output"] == "done"
    expected = warned(host, "has blocked for a second at")
    assert f"Orchestrator 'Blocks' of instance '{links['id']}'" in expected
    assert "at Blocks/__init__.py line 9: time.sleep(1.3)" in expected


def test_an_orchestrator_that_reads_the_clock_is_reported(host: RunningHost) -> None:
    assert "context.current_utc_datetime" in warned(
        host, "ReadsClock/__init__.py line 9: datetime.datetime.now(...)"
    )


def test_comments_in_host_json_are_reported(host: RunningHost) -> None:
    assert (
        "host.json:2:3: JSON has no comments (found 2 times). The host accepts this, " in host.log
    )
    assert "Mistakes" in host.start("Waits")["statusQueryGetUri"], "its settings are used"


def test_a_response_that_cannot_be_encoded_is_an_error(
    tmp_path: Path, start_host: StartHost
) -> None:
    app = AppFolder(tmp_path / "app")
    app.http("Bad", "def main(req): return {1, 2}", "bad")
    host = start_host(app.root)
    response: Any = host.get("/api/bad")
    assert response.status == 500
    assert "Bad" in host.log.split("Ready")[1]
    assert "set" in host.log.split("Ready")[1]
