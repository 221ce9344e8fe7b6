"""Tests of the settings of a timerTrigger binding."""

from __future__ import annotations

from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from embedded_host.app.definitions import App, Binding, Function, HostJson, LocalSettings
from embedded_host.app.folder import read_app
from embedded_host.app.schedule import ScheduleError
from embedded_host.app.timer_trigger import TimerTrigger
from embedded_host.startup_output import app_problems
from embedded_host.workers.loaded_app import loaded_app
from embedded_worker.protocol import BindingSpec, FunctionSpec, LoadResult
from tests.support.app_folder import CLIENT, HTTP_OUT, AppFolder

NOON = datetime(2026, 11, 23, 12, tzinfo=timezone.utc)
MINUTELY = "0 * * * * *"


def trigger(environ: dict[str, str] | None = None, **properties: Any) -> TimerTrigger:
    """Return a timer trigger with these properties. Raises ScheduleError."""
    binding = Binding("timerTrigger", "timer", "in", {"schedule": MINUTELY, **properties})
    return TimerTrigger.of(
        Function("A", Path("A"), Path("A/__init__.py"), "main", (binding,)), environ or {}
    )


def test_the_settings_of_a_timer_trigger_are_read() -> None:
    found = trigger(
        {"SCHEDULE": "*/5 * * * * *", "WEBSITE_TIME_ZONE": "Asia/Tokyo"}, schedule="%Schedule%"
    )
    assert (found.text, str(found.schedule.zone)) == ("*/5 * * * * *", "Asia/Tokyo")
    assert not found.is_monitored


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        (
            {"schedule": "%Nowhere%"},
            "'schedule' cannot be resolved: the setting '%Nowhere%' does not exist. Set it in",
        ),
        (
            {"schedule": "0 0 0 * * 8"},
            "'0 0 0 * * 8' is not a schedule: the day of week '8' is out of range",
        ),
        ({"schedule": " "}, "the timerTrigger has no 'schedule'."),
        ({"schedule": None}, "the timerTrigger has no 'schedule'."),
        ({"runOnStartup": "yes"}, "'runOnStartup' must be true or false, not 'yes'."),
        ({"useMonitor": 0}, "'useMonitor' must be true or false, not 0."),
    ],
)
def test_an_invalid_setting_is_an_error(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(ScheduleError) as raised:
        trigger(**given)
    assert fault in str(raised.value)


def test_an_invalid_schedule_in_function_json_disables_the_function(tmp_path: Path) -> None:
    app = AppFolder(tmp_path)
    app.function(
        "Tick",
        "def main(timer): ...",
        {"type": "timerTrigger", "name": "timer", "schedule": "0 0 25 * * *"},
    )
    app.function(
        "Tock",
        "def main(timer): ...",
        {"type": "timerTrigger", "name": "timer", "schedule": "%Missing%"},
    )
    app.function(
        "Bare", "def main(timer): ...", {"type": "timerTrigger", "name": "timer", "runOnStartup": 1}
    )
    app.function(
        "Good",
        "def main(timer): ...",
        {"type": "timerTrigger", "name": "timer", "schedule": MINUTELY},
        CLIENT,
    )
    app.function("Http", "def main(req): ...", {"type": "httpTrigger", "name": "req"}, HTTP_OUT)
    read = read_app(tmp_path, {"WEBSITE_TIME_ZONE": "Eastern Standard Time"})
    assert [f.name for f in read.functions] == ["Good", "Http"]
    wrong = {p.function: str(p) for p in read.problems if p.function}
    assert wrong["Tick"].startswith("Tick/function.json:7:")
    assert "the hour '25' is out of range: 25 is not from 0 to 23." in wrong["Tick"]
    assert "the setting '%Missing%' does not exist" in wrong["Tock"]
    assert "'runOnStartup' must be true or false, not 1." in wrong["Bare"]
    zone = next(str(p) for p in read.problems if "TIME_ZONE" in str(p))
    assert (
        "'Eastern Standard Time', but this machine has no time zone of that name. Use a name like "
        "'Europe/Berlin'" in zone
    )
    assert list(loaded_app(read, LoadResult([]), {}).timers) == ["Good"]


def test_an_invalid_schedule_in_function_app_disables_the_function(tmp_path: Path) -> None:
    def spec(name: str, schedule: str) -> FunctionSpec:
        properties = {"type": "timerTrigger", "name": "timer", "schedule": schedule}
        binding = BindingSpec("timerTrigger", "timer", "in", properties)
        return FunctionSpec(name, str(tmp_path), str(tmp_path / "function_app.py"), name, [binding])

    app = App(tmp_path, HostJson(), LocalSettings(), (), uses_v2_model=True)
    loaded = LoadResult([], [spec("tick", "hourly"), spec("off", MINUTELY), spec("good", "%WHEN%")])
    environ = {"WHEN": MINUTELY, "AzureWebJobs.off.Disabled": "true"}
    current = loaded_app(app, loaded, environ)
    assert list(current.timers) == ["good"]
    assert current.broken["tick"].startswith(
        "function_app.py: the timer of 'tick' cannot run: 'hourly' is not a schedule"
    )
    assert "tick: function_app.py: the timer of 'tick' cannot run" in "\n".join(
        app_problems(current, loaded, str)
    )
