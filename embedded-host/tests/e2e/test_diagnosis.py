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


def make(root: Path) -> AppFolder:
    app = AppFolder(root)
    app.starter()
    app.orchestrator("Event", 'return (yield context.wait_for_external_event("Approval"))')
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


def test_after_the_hosts_end_it_is_told_from_the_history(tmp_path: Path, start_host: StartHost) -> None:
    app = make(tmp_path / "app")
    host = start_host(app.root)
    links = host.start("Event")
    before = diagnosis(host, links, "Approval")
    assert host.stop() == 0
    assert diagnosis(start_host(app.root, port=host.port), links, "Approval") == before
