"""Orchestrators whose replay makes other calls than before, and the findings about them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder
from tests.support.polling import eventually
from tests.support.running_host import RunningHost

FAILED = (
    "Non-Deterministic workflow detected: A previous execution of this orchestration scheduled an "
    "activity task with sequence number 0 named 'Greet', but the current orchestration replay "
    "instead {instead} with this sequence number. {space}Was a change made to the orchestrator "
    "code after this instance had already started running?"
)


@pytest.fixture
def app(tmp_path: Path) -> AppFolder:
    app = AppFolder(tmp_path / "app")
    app.starter()
    app.activity("Greet", "return 'hello'")
    app.activity("Other", "return 'other'")
    choose = "name = 'Other' if context.is_replaying else 'Greet'"
    app.orchestrator("Another", f"{choose}\nreturn (yield context.call_activity(name, 1))")
    timer = "yield context.create_timer(context.current_utc_datetime)"
    body = (
        f"if context.is_replaying:\n    {timer}\nelse:\n    yield context.call_activity('Greet', 1)"
    )
    app.orchestrator("Timer", f"{body}\nreturn 'done'")
    app.orchestrator(
        "Inputs",
        "import random, uuid\nyield context.call_activity('Greet', str(uuid.uuid4()))\n"
        "return (yield context.call_activity('Greet', random.random()))",
    )
    return app


def findings(host: RunningHost) -> list[str]:
    return re.findall(r"On the Azure Functions host, (.*) \[EH860\]", host.log)


@pytest.mark.parametrize("arguments", [(), ("--in-process",)])
def test_a_replay_that_makes_another_call_fails_as_on_the_functions_host(
    app: AppFolder, start_host: StartHost, arguments: tuple[str, ...]
) -> None:
    host = start_host(app.root, *arguments)
    another = host.end(host.start("Another"))
    instead = "scheduled an activity task named 'Other'"
    assert another["runtimeStatus"] == "Failed"
    assert another["output"] == FAILED.format(instead=instead, space=" ")
    timer = host.end(host.start("Timer"))
    instead = "produced a CreateTimerOrchestratorAction action"
    assert timer["output"] == FAILED.format(instead=instead, space="")
    assert host.end(host.start("Inputs"))["output"] == "hello"
    eventually(lambda: len(findings(host)) == 2, "the findings are logged")
    by_another, by_timer = findings(host)
    assert "'Another' (Another/__init__.py line 8)" in by_another
    assert "The activity 'Greet' was scheduled in Another/__init__.py line 8." in by_another
    assert "The replay made another call in Another/__init__.py line 8." in by_another
    assert "The activity 'Greet' was scheduled in Timer/__init__.py line 10." in by_timer
    assert "The replay made another call in Timer/__init__.py line 8." in by_timer


def test_without_replays_the_orchestrator_stays_in_memory(
    app: AppFolder, start_host: StartHost
) -> None:
    host = start_host(app.root, "--replayed-instances", "0")
    assert host.end(host.start("Another"))["output"] == "hello"
    assert findings(host) == []
