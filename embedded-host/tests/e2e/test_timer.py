"""Tests of timer functions in a host process."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.app_folder import CLIENT, AppFolder
from tests.support.polling import eventually
from tests.support.running_host import RunningHost

EVERY_SECOND = "*/1 * * * * *"

_TICK = """\
import json
from datetime import datetime, timezone
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

LOG = Path(__file__).parent.parent / "ticks.jsonl"


async def main(timer: func.TimerRequest, starter: str) -> None:
    client = df.DurableOrchestrationClient(starter)
    now = datetime.now(timezone.utc)
    instance = await client.start_new("Count", None, 20)
    with LOG.open("a") as file:
        file.write(json.dumps({"at": now.timestamp(), "due": timer.past_due, "id": instance}))
        file.write("\\n")
"""

_V2 = """\
import json
from datetime import datetime, timezone
from pathlib import Path

import azure.durable_functions as df
import azure.functions as func

app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)
LOG = Path(__file__).parent / "ticks.jsonl"


@app.timer_trigger(arg_name="timer", schedule="%TICK%")
@app.durable_client_input(client_name="client")
async def Tick(timer: func.TimerRequest, client) -> None:
    now = datetime.now(timezone.utc)
    instance = await client.start_new("Count", None, 20)
    with LOG.open("a") as file:
        file.write(json.dumps({"at": now.timestamp(), "due": timer.past_due, "id": instance}))
        file.write("\\n")


@app.schedule(arg_name="timer", schedule="0 0 0 1 1 *")
def Yearly(timer: func.TimerRequest) -> None:
    with LOG.open("a") as file:
        file.write(json.dumps({"yearly": timer.schedule_status["Next"]}) + "\\n")


@app.schedule(arg_name="timer", schedule="hourly")
def Wrong(timer: func.TimerRequest) -> None: ...


@app.orchestration_trigger(context_name="context")
def Count(context):
    return (yield context.call_activity("Double", context.get_input()))


@app.activity_trigger(input_name="value")
def Double(value):
    return value * 2
"""


def v1(root: Path) -> AppFolder:
    app = AppFolder(root)
    trigger = {"name": "timer", "type": "timerTrigger", "direction": "in"}
    app.function("Tick", _TICK, {**trigger, "schedule": "%TICK%"}, CLIENT)
    app.function(
        "Yearly",
        """\
        import json
        from pathlib import Path

        def main(timer):
            with (Path(__file__).parent.parent / "ticks.jsonl").open("a") as file:
                file.write(json.dumps({"yearly": timer.schedule_status["Next"]}) + "\\n")
        """,
        {**trigger, "schedule": "0 0 0 1 1 *"},
    )
    app.function("Wrong", "def main(timer): ...", {**trigger, "schedule": "hourly"})
    app.orchestrator("Count", 'return (yield context.call_activity("Double", context.get_input()))')
    app.activity("Double", "return value * 2")
    return app


def v2(root: Path) -> AppFolder:
    app = AppFolder(root)
    app.write("function_app.py", _V2)
    return app


@pytest.mark.parametrize(
    "make", [v1, pytest.param(v2, marks=pytest.mark.needs_durable("1.2.0", "df.DFApp"))]
)
def test_a_timer_function_runs_every_second(
    make: Callable[[Path], AppFolder], tmp_path: Path, start_host: Callable[..., RunningHost]
) -> None:
    app = make(tmp_path / "app")
    host = start_host(app.root, TICK=EVERY_SECOND)

    def lines() -> list[dict[str, object]]:
        file = app.root / "ticks.jsonl"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def ticks() -> list[dict[str, object]]:
        return [line for line in lines() if "id" in line]

    eventually(lambda: len(ticks()) >= 3, "three ticks")
    seconds = [int(float(str(tick["at"]))) for tick in ticks()]
    assert len(set(seconds)) == len(seconds), "never twice in a second"
    for tick in ticks()[:3]:
        assert tick["due"] is False
        url = f"/runtime/webhooks/durabletask/instances/{tick['id']}?waitForMs=10000"
        eventually(
            lambda url=url: host.get(url).json["runtimeStatus"] == "Completed",  # type: ignore[misc]
            "its instance completes",
        )
        assert host.get(url).json["output"] == 40
    assert host.post("/admin/functions/Yearly", {"input": "now"}).status == 202
    yearly = eventually(
        lambda: [line["yearly"] for line in lines() if "yearly" in line], "the timer function runs"
    )
    assert str(yearly[0]).endswith("-01-01T00:00:00+00:00")
    assert "'hourly' is not a schedule: it has 1 field, but must have six" in host.log
    assert host.stop() == 0, host.log


def test_a_changed_schedule_is_reloaded(
    tmp_path: Path, start_host: Callable[..., RunningHost]
) -> None:
    app = v1(tmp_path / "app")
    host = start_host(app.root, TICK="0 0 0 1 1 *")
    assert "Timer 'Tick' (0 0 0 1 1 *) is next due at " in host.log
    file = app.root / "Tick" / "function.json"
    changed = file.read_text().replace("%TICK%", "00:00:00.2")

    file.write_text(changed)
    eventually(lambda: "Reloaded in" in host.log, "the app is reloaded")
    eventually((app.root / "ticks.jsonl").exists, "it runs by the new schedule")
