"""The worker and SDK 2.x response the recorded requests of the Azure Functions host as recorded.

wire-2x.json has the requests. The engine's part is tested in ``tests/protocols/v2``.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import embedded_worker
from embedded_host.engine.events import event_object
from tests.conformance.probe_app_2x import probe_app_2x
from tests.support.app_python import app_python
from tests.support.recorded_turns import RECORDING, engine_event, recorded_orchestrators
from tests.support.sdk2 import NEEDS_SDK_2

pytestmark = NEEDS_SDK_2
TURNS = recorded_orchestrators()
BATCHES: list[dict[str, Any]] = json.loads(RECORDING.read_text(encoding="utf-8"))["entities"]
Json = dict[str, Any]


@pytest.fixture(scope="module")
def responses(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return the responses of the app to all recorded requests."""
    app = probe_app_2x(tmp_path_factory.mktemp("wire") / "app", recorded_delays=True)
    requests = {
        "turns": {name: _requests(turns) for name, turns in TURNS.items()},
        "batches": [
            {"function": batch["function"], "trigger": _trigger(batch["request"])}
            for batch in BATCHES
        ],
    }
    run = subprocess.run(
        [app_python() or sys.executable, str(Path(__file__).with_name("wire_responses.py"))],
        input=json.dumps(requests),
        capture_output=True,
        text=True,
        check=False,
        cwd=app.root,
        env={**os.environ, "PYTHONPATH": str(Path(embedded_worker.__file__).parents[1])},
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


def _requests(turns: list[Json]) -> list[Json]:
    """Return the payload of each turn, for a session in memory ("next") and for a replay."""
    requests: list[Json] = []
    seen = 0
    for turn in turns:
        request = turn["request"]
        past, new = (
            [event_object(engine_event(event)) for event in request.get(key, ())]
            for key in ("pastEvents", "newEvents")
        )
        whole = {
            "instanceId": request["instanceId"],
            "executionId": "an execution",
            "past": past,
            "new": new,
            "httpSleepMs": 30000,
            "keep": True,
        }
        is_next = seen and len(past) > seen
        requests.append(
            {"whole": whole, "next": {"past": past[seen:], "new": new} if is_next else None}
        )
        seen = len(past) + len(new)
    return requests


def _trigger(request: Json) -> Json:
    return {
        "instanceId": request["instanceId"],
        "entityState": request.get("entityState"),
        "operations": [{"input": None, **operation} for operation in request["operations"]],
    }


def _comparable(response: Json) -> Any:
    """Return a response without stack traces, paths, times and ids that differ in each run."""
    text = json.dumps({key: value for key, value in response.items() if key != "awaitedEvents"})
    text = re.sub(r'("stackTrace": )"(?:[^"\\]|\\.)*"', r'\1"<stack>"', text)
    text = re.sub(r'("(?:start|end)TimeUtc": )"[^"]*"', r'\1"<time>"', text)
    text = re.sub(r"\bat 0x[0-9a-f]+", "at <address>", text)
    return json.loads(re.sub(r'("instanceId": )"[0-9a-f]{32}"', r'\1"<id>"', text))


@pytest.mark.parametrize("mode", ["kept", "replayed"])
@pytest.mark.parametrize("name", TURNS)
def test_each_turn_is_responded_as_recorded(responses: Any, name: str, mode: str) -> None:
    for turn, both in zip(TURNS[name], responses["turns"][name], strict=True):
        got = both[0 if mode == "kept" else 1]
        assert _comparable(got) == _comparable(turn["response"])


@pytest.mark.parametrize("number", range(len(BATCHES)))
def test_each_entity_batch_is_responded_as_recorded(responses: Any, number: int) -> None:
    assert _comparable(responses["batches"][number]) == _comparable(BATCHES[number]["response"])
