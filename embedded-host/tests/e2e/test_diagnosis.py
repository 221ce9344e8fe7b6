"""``?showDiagnosis=true`` of a host as a user runs it, and what its console says of an instance that waits."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import StartHost
from tests.support.app_folder import AppFolder
from tests.support.polling import eventually
from tests.support.running_host import RunningHost

_WAITS_FOR_FILE = """\
import time
from pathlib import Path
while not Path(value).exists():
    time.sleep(0.02)
return "there"
"""


def make(root: Path) -> AppFolder:
    app = AppFolder(root, {"version": "2.0", "extensions": {"durableTask": {"maxConcurrentActivityFunctions": 1}}})
    app.starter()
    app.activity("WaitsForFile", _WAITS_FOR_FILE)
    app.orchestrator("Event", 'return (yield context.wait_for_external_event("Approval"))')
    app.orchestrator("Timer", "yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))")
    app.orchestrator(
        "Two",
        'return (yield context.task_all([context.call_activity("WaitsForFile", context.get_input()) for _ in range(2)]))',
    )
    app.orchestrator("Parent", 'return (yield context.call_sub_orchestrator("Event", None, context.get_input()))')
    return app


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHost]:
    folder = tmp_path_factory.mktemp("diagnosis")
    with RunningHost(make(folder / "app").root, folder / "state") as host:
        yield host
        assert host.stop() == 0, host.log


def diagnosis(host: RunningHost, links: dict[str, str], text: str) -> dict[str, Any]:
    """The diagnosis once its text has ``text``."""

    def look() -> dict[str, Any] | None:
        found: dict[str, Any] = host.status(links, showDiagnosis="true")["diagnosis"]
        return found if text in found["text"] else None

    found = eventually(look, f"a diagnosis with: {text}", 10)
    assert found is not None
    return found


def test_only_those_who_ask_are_told(host: RunningHost) -> None:
    links = host.start("Event")
    assert "diagnosis" not in host.status(links)
    assert "diagnosis" not in host.status(links, showDiagnosis="false")
    (wait,) = diagnosis(host, links, "the external event 'Approval'")["waitsFor"]
    assert (wait["kind"], wait["name"]) == ("event", "Approval")
    host.raise_event(links, "Approval", 1)
    host.end(links)
    assert diagnosis(host, links, "finished") == {"waitsFor": [], "text": "It has finished: Completed."}


def test_a_timer(host: RunningHost) -> None:
    (wait,) = diagnosis(host, host.start("Timer"), "the timer due at ")["waitsFor"]
    assert wait["due"] > wait["since"]


def test_activities(host: RunningHost, tmp_path: Path) -> None:
    links = host.start("Two", str(tmp_path / "file"))
    found = diagnosis(host, links, "running since")
    assert [wait["kind"] for wait in found["waitsFor"]] == ["activity", "activity"]
    assert found["waitsFor"][1]["state"] == "queued: all places are taken"
    (tmp_path / "file").touch()
    assert host.end(links)["output"] == ["there", "there"]


def test_a_suspended_instance(host: RunningHost) -> None:
    links = host.start("Event")
    host.until(links, "Running")
    host.post(links["suspendPostUri"].replace("{text}", "lunch"))
    assert diagnosis(host, links, "It is suspended since")["text"].endswith("(lunch); resume it to let it go on.")


def test_children_left_behind(host: RunningHost) -> None:
    links = host.start("Parent", "left-behind")
    assert diagnosis(host, links, "(Running)")["waitsFor"][0]["instanceId"] == "left-behind"
    host.post(links["terminatePostUri"])
    host.end(links)
    assert (
        "the sub-orchestration 'Event' with the id 'left-behind'" in diagnosis(host, links, "Still running: ")["text"]
    )
    told = f"Instance '{links['id']}' was terminated; its sub-orchestrations go on: left-behind."
    eventually(lambda: told in host.log, "the log names the child")


def test_after_the_hosts_end_it_is_told_from_the_history(tmp_path: Path, start_host: StartHost) -> None:
    app = make(tmp_path / "app")
    host = start_host(app.root)
    links = host.start("Event")
    before = diagnosis(host, links, "Approval")
    assert host.stop() == 0
    assert diagnosis(start_host(app.root, port=host.port), links, "Approval") == before
