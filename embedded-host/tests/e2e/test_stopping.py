"""Tests of the shutdown of a host, and of its next start."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder
from tests.support.polling import eventually
from tests.support.running_host import RunningHost

if sys.platform == "win32":
    STOPS = [signal.CTRL_BREAK_EVENT]
else:
    STOPS = [signal.SIGTERM, signal.SIGINT]
MODES = [[], ["--in-process"]]
AT_ONCE = 4.5
"""The seconds of a stop that does not wait for the grace period of five seconds."""


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    """Return an app. ``Step`` writes a line at its start and end. Its second run is fast."""
    app = AppFolder(tmp_path / "app")
    app.starter()
    app.activity(
        "Step",
        """
        import time
        name, seconds, file = value
        with open(file, "a+") as lines:
            lines.write(f"{name} begins\\n")
            lines.seek(0)
            again = lines.read().count(f"{name} begins") > 1
        time.sleep(0.1 if again else seconds)
        with open(file, "a") as lines:
            lines.write(f"{name} ends\\n")
        return name
        """,
    )
    app.orchestrator(
        "Steps",
        """
        names, seconds, file = context.get_input()
        seen = []
        for name in names:
            seen.append((yield context.call_activity("Step", [name, seconds, file])))
        return seen
        """,
    )
    app.orchestrator(
        "Timer",
        "yield context.create_timer(context.current_utc_datetime + "
        "timedelta(seconds=context.get_input()))\nreturn 'on'",
    )
    app.orchestrator("Event", "return (yield context.wait_for_external_event('Approval'))")
    app.http("Slow", "import time\ndef main(req):\n    time.sleep(2)\n    return 'slow'", "slow")
    return app


def lines(file: Path) -> list[str]:
    return file.read_text().splitlines() if file.exists() else []


@pytest.mark.parametrize("mode", MODES, ids=["workers", "in-process"])
@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
def test_a_running_activity_finishes_within_the_grace_period(
    app: AppFolder, start_host: StartHost, tmp_path: Path, mode: list[str], stop: int
) -> None:
    file = tmp_path / "steps"
    host = start_host(app.root, *mode)
    links = host.start("Steps", [["one", "two"], 1.0, str(file)])
    eventually(lambda: lines(file) == ["one begins"], "the activity runs")
    assert host.stop(stop) == 0
    assert lines(file)[:2] == ["one begins", "one ends"]
    assert "Traceback" not in host.log
    done = len(lines(file))
    again = start_host(app.root, *mode, port=host.port)
    assert again.end(links)["output"] == ["one", "two"]
    assert lines(file).count("one begins") == 1, "a finished activity does not run again"
    assert len(lines(file)) >= max(done, 4)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no process groups for signals")
def test_a_signal_to_the_processes_of_the_host_is_not_an_error(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root)
    for child in psutil.Process(host.process.pid).children(recursive=True):
        child.terminate()
    assert host.stop(signal.SIGTERM) == 0
    assert "EH326" not in host.log


def test_an_activity_beyond_the_grace_period_runs_again_after_restart(
    app: AppFolder, start_host: StartHost, tmp_path: Path
) -> None:
    file = tmp_path / "steps"
    host = start_host(app.root)
    links = host.start("Steps", [["one"], 60.0, str(file)])
    eventually(lambda: lines(file) == ["one begins"], "the activity runs")
    assert host.stop(seconds=20) == 0
    assert lines(file) == ["one begins"]
    again = start_host(app.root, port=host.port)
    assert again.end(links, 20)["output"] == ["one"]
    assert lines(file) == ["one begins", "one begins", "one ends"]


@pytest.mark.parametrize("mode", MODES, ids=["workers", "in-process"])
@pytest.mark.parametrize("stop", STOPS, ids=lambda stop: stop.name)
@pytest.mark.parametrize(
    "delay", ["time.sleep(60)", "while True: pass"], ids=["sleeps", "computes"]
)
def test_a_signal_stops_a_host_whose_app_is_still_importing(
    app: AppFolder, start_host: StartHost, tmp_path: Path, mode: list[str], stop: int, delay: str
) -> None:
    mark = tmp_path / "importing"
    code = (
        f"import pathlib, time\npathlib.Path({str(mark)!r}).touch()\n{delay}\ndef main(req): "
        f"return 'x'"
    )
    app.http("Endless", code)
    host = start_host(app.root, *mode, importing=mark)
    assert host.stop(stop, 5) == 0
    assert "Traceback" not in host.log
    assert "Ready" not in host.log


@pytest.mark.parametrize("mode", MODES, ids=["workers", "in-process"])
def test_a_function_started_over_the_admin_api_finishes_within_the_grace_period(
    app: AppFolder, start_host: StartHost, tmp_path: Path, mode: list[str]
) -> None:
    file = tmp_path / "steps"
    host = start_host(app.root, *mode)
    assert (
        host.post("/admin/functions/Step", {"input": json.dumps(["one", 1.0, str(file)])}).status
        == 202
    )
    eventually(lambda: lines(file) == ["one begins"], "the function runs")
    assert host.stop() == 0
    assert lines(file) == ["one begins", "one ends"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no second Ctrl+C for a group")
def test_a_second_signal_stops_the_host_at_once(
    app: AppFolder, start_host: StartHost, tmp_path: Path
) -> None:
    file = tmp_path / "steps"
    host = start_host(app.root)
    host.start("Steps", [["one"], 30.0, str(file)])
    eventually(lambda: lines(file), "the activity runs")
    host.signal(signal.SIGINT)
    eventually(lambda: "Stopping" in host.log, "the shutdown is logged")
    assert host.stop(signal.SIGINT, 3) == 130


def test_a_request_in_progress_receives_its_response(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(app.root)
    with sent(host, "/api/slow") as connection:
        assert host.stop() == 0
        assert connection.getresponse().read() == b"slow"


def test_a_request_that_waits_for_completion_does_not_delay_the_shutdown(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root)
    links = host.start("Event")
    host.until(links, "Running")
    with sent(
        host, links["statusQueryGetUri"].removeprefix(host.base), Prefer="wait=30"
    ) as connection:
        assert host.stop(seconds=AT_ONCE) == 0
        assert json.loads(connection.getresponse().read())["runtimeStatus"] == "Running"


def test_an_open_dashboard_page_does_not_delay_the_shutdown(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root)
    with sent(host, "/dashboard/api/events") as connection:
        stream = connection.getresponse()
        assert stream.readline() == b"retry: 1000\n"
        assert host.stop(seconds=AT_ONCE) == 0
        stream.read()
    assert "Traceback" not in host.log


@contextlib.contextmanager
def sent(host: RunningHost, path: str, **headers: str) -> Iterator[http.client.HTTPConnection]:
    """Return a connection over which a GET request was sent."""
    connection = http.client.HTTPConnection("127.0.0.1", host.port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        yield connection


def test_an_idle_host_stops_at_once(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(app.root)
    host.start("Event")
    assert host.stop(seconds=AT_ONCE) == 0


def test_timers_and_events_are_kept_after_a_restart(app: AppFolder, start_host: StartHost) -> None:
    host = start_host(app.root)
    overdue, waiting = host.start("Timer", 0.2), host.start("Event")
    pending = host.start("Timer", 3)
    host.until(overdue, "Running")
    host.until(waiting, "Running")
    diagnosis = host.status(waiting, showDiagnosis="true")["diagnosis"]
    assert "the external event 'Approval'" in diagnosis["text"]
    assert host.stop() == 0
    again = start_host(app.root, port=host.port)
    assert again.status(waiting, showDiagnosis="true")["diagnosis"] == diagnosis
    assert again.end(overdue)["output"] == "on"
    assert again.raise_event(waiting, "Approval", 1).status == 202
    assert again.end(waiting)["output"] == 1
    assert again.end(pending)["output"] == "on"


# -- workers that exit -----------------------------------------------------------------------------


def test_the_activity_of_a_killed_worker_fails_and_a_new_worker_runs_the_next(
    app: AppFolder, start_host: StartHost, tmp_path: Path
) -> None:
    file = tmp_path / "steps"
    host = start_host(app.root)
    links = host.start("Steps", [["one", "two"], 0.5, str(file)])
    eventually(lambda: lines(file), "the activity runs")
    (worker,) = host.workers
    worker.kill()
    status = host.end(links)
    assert status["runtimeStatus"] == "Failed"
    assert "Activity function 'Step' failed: PYTHON exited with code " in status["output"]
    assert lines(file) == ["one begins"]
    assert f"pid {worker.pid}" in host.log
    links = host.start("Steps", [["two"], 0, str(file)])
    assert host.end(links)["output"] == ["two"]
