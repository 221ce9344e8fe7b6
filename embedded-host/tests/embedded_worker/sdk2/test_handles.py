"""The worker with an app of SDK 2.x, in the interpreter of ``--app-python``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

import embedded_worker
from tests.support.app_python import app_python, app_versions, is_older

APP = """
import azure.durable_functions as df
import azure.functions as func
from durabletask import entities, task
from durabletask.entities import DurableEntity

app = df.DFApp()
app.configure_scheduled_tasks()


@app.orchestration_trigger(context_name="context")
def Compatible(context: df.DurableOrchestrationContext):
    return (yield context.call_activity("Echo", context.get_input()))


@app.orchestration_trigger(context_name="ctx", orchestration="Other")
def Native(ctx: task.OrchestrationContext, data: dict):
    yield ctx.wait_for_external_event("Go")


@app.activity_trigger(input_name="value")
def Echo(value):
    if value == "boom":
        raise LookupError("no boom")
    return {object} if value == "set" else value


@app.activity_trigger(input_name="value")
@app.durable_client_input(client_name="client")
async def WithClient(value, client):
    return type(client).__name__


@app.entity_trigger(context_name="context")
class Tally(DurableEntity):
    def add(self, number):
        self.set_state(self.get_state(int, 0) + number)
        return self.get_state(int)
"""
RUN = """
import asyncio, importlib.util, json, sys

folder, root = sys.argv[1:]
spec = importlib.util.spec_from_file_location(
    "embedded_worker", folder + "/__init__.py", submodule_search_locations=[folder]
)
package = sys.modules["embedded_worker"] = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from embedded_worker.protocol import InvocationRequest, LoadRequest, TurnRequest
from embedded_worker.runner import Runner
from embedded_worker.sdk2 import handles

runner = Runner()
loaded = runner.load(LoadRequest(root, [], v2_script="function_app.py"))
TIME = "2026-11-29T21:35:49.5Z"
START = {"EventType": 12, "EventId": -1, "Timestamp": TIME}

def turn(function, name, past, new, seen=0):
    payload = {"instanceId": "i", "executionId": "e", "past": past, "new": [START, *new]}
    result = runner.run(TurnRequest(1, function, "i", "e", json.dumps(payload), seen))
    return result._asdict()

def started(name, input):
    instance = {"InstanceId": "i", "ExecutionId": "e"}
    return {"EventType": 0, "EventId": -1, "Timestamp": TIME, "Name": name, "Input": input,
            "OrchestrationInstance": instance}

def invoke(function, trigger):
    return runner.run(InvocationRequest(1, function, trigger))._asdict()

first = started("Compatible", '"x"')
recorded = {"EventType": 4, "EventId": 1, "Timestamp": TIME, "Name": "Echo"}
done = {"EventType": 5, "EventId": -1, "Timestamp": TIME, "TaskScheduledId": 1, "Result": '"y"'}
whole = {"instanceId": "i", "executionId": "e", "past": [START, first, recorded],
         "new": [START, done]}
batch = {"instanceId": "@tally@k", "entityState": "5",
         "operations": [{"operation": "add", "requestId": "r", "input": "3"}]}
client = InvocationRequest(1, "WithClient", "1", "", '{"taskHubName": "H", "rpcBaseUrl": "http://127.0.0.1:1"}')
result = {
    "problems": [p.text for p in loaded.problems],
    "bindings": {f.name: [b.name for b in f.bindings] for f in loaded.functions},
    "placements": dict(loaded.placements),
    "first": turn("Compatible", "Compatible", [], [first]),
    "second": turn("Compatible", "Compatible", [recorded], [done], 2),
    "missing": turn("Compatible", "Compatible", [recorded], [done], 2),
    "replayed": handles.replay(runner.functions["Compatible"].call, json.dumps(whole), None),
    "event": turn("Native", "Other", [], [started("Other", "{}")]),
    "entity": invoke("Tally", json.dumps(batch)),
    "echo": invoke("Echo", '{"a": 1}'),
    "boom": invoke("Echo", '"boom"'),
    "set": invoke("Echo", '"set"'),
    "client": asyncio.run(runner.run_coroutine(client))._asdict(),
}
print(json.dumps(result))
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the results of the app's functions in the interpreter of ``--app-python``."""
    python = app_python()
    if python is None or is_older(app_versions(python)["azure-functions-durable"], than="2"):
        pytest.skip("needs an interpreter with azure-functions-durable 2.x (--app-python)")
    root = tmp_path_factory.mktemp("app")
    (root / "function_app.py").write_text(APP)
    folder = str(Path(embedded_worker.__file__).parent)
    run = subprocess.run(
        [python, "-c", RUN, folder, str(root)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    document: dict[str, Any] = json.loads(run.stdout)
    return document


pytestmark = pytest.mark.process


def test_all_functions_load_with_their_placements(results: dict[str, Any]) -> None:
    assert results["problems"] == []
    assert results["bindings"]["Compatible"] == ["_durable_input"]
    assert sorted(results["bindings"]["WithClient"]) == ["client", "value"]
    placements = results["placements"]
    assert placements["BuiltIn__HttpPollOrchestrator"] == "durable_threads"
    assert placements["Compatible"] == placements["Tally"] == "durable_threads"
    assert placements["BuiltIn__HttpActivity"] == placements["Echo"] == "function_threads"
    assert placements["WithClient"] == "event_loop"
    assert placements["execute_schedule_operation_orchestrator"] == "durable_threads"


def test_an_orchestrator_is_kept_between_turns(results: dict[str, Any]) -> None:
    assert (results["first"]["error"], results["first"]["kept"]) == (None, True)
    assert json.loads(results["first"]["value"])["actions"] == [
        {"id": 1, "scheduleTask": {"name": "Echo", "input": '"x"'}}
    ]
    assert (results["second"]["error"], results["second"]["kept"]) == (None, False)
    assert json.loads(results["second"]["value"]) == json.loads(results["replayed"])
    assert results["missing"]["missing"] is True


def test_a_native_orchestrator_names_its_events(results: dict[str, Any]) -> None:
    assert json.loads(results["event"]["value"])["awaitedEvents"] == ["Go"]


def test_an_entity_runs_its_batch(results: dict[str, Any]) -> None:
    document = json.loads(results["entity"]["value"])
    assert document["entityState"] == "8"
    assert document["results"][0]["success"]["result"] == "8"


def test_activities(results: dict[str, Any]) -> None:
    assert json.loads(results["echo"]["value"]) == {"a": 1}
    assert results["client"]["value"] == '"DurableFunctionsClient"'
    kind, message, stack = results["boom"]["error"]
    assert (kind, message) == ("LookupError", "no boom")
    assert stack.count("File ") == 1
    kind, message, stack = results["set"]["error"]
    assert (kind, stack) == ("ValueError", "")
    assert message.startswith("activity trigger output must be json serializable (")
